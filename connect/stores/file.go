package stores

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// fileKey is the worker's key that names the offset file.
const fileKey = "offset.storage.file.filename"

// file is a journal that keeps the newest value of each key in a file of Java's FileOffsetBackingStore. Every write replaces the file by a
// new one that is wholly on disk, so that no crash leaves half a file behind.
type file struct {
	path    string
	deliver func(Entry)

	mu      sync.Mutex
	records []Record // with distinct keys
	next    int64
}

// Start reads the file. One that is cut or foreign is a [connect.ConfigError]: to take it for empty, as Java does a cut one, would read
// every source from its beginning again. So is one that cannot be written: Java fails to at each flush, and forgets all offsets at its end.
func (f *file) Start(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := writable(filepath.Dir(f.path)); err != nil {
		return &connect.ConfigError{Key: fileKey, Reason: fmt.Sprintf("the file %s cannot be written: %v: "+
			"name one in a directory that is there and that this worker may write to", f.path, err)}
	}
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the offset file (%s): %w", fileKey, err)
	}
	records, err := readHashMap(bytes.NewReader(data))
	if err != nil {
		return &connect.ConfigError{Key: fileKey, Reason: fmt.Sprintf("the file %s holds no complete set of offsets: %v. "+
			"Restore it from a backup, name another file, or remove it to read every source from its beginning.", f.path, err)}
	}
	f.keep(records)
	return nil
}

func (f *file) ReadToEnd(context.Context) error { return nil }

// Send writes the file anew, then delivers the records.
func (f *file) Send(_ context.Context, records ...Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := f.with(records)
	if err := replaceFile(f.path, appendHashMap(nil, changed)); err != nil {
		return fmt.Errorf("writing the offset file (%s): %w", fileKey, err)
	}
	f.keep(records)
	return nil
}

// with is the content after the records. Tombstones are left out: in a file nobody waits for them.
func (f *file) with(records []Record) []Record {
	last := make(map[string]int, len(records))
	for i, r := range records {
		last[string(r.Key)] = i
	}
	var content []Record
	for _, r := range f.records {
		if _, replaced := last[string(r.Key)]; !replaced && r.Value != nil {
			content = append(content, r)
		}
	}
	for i, r := range records {
		if last[string(r.Key)] == i && r.Value != nil {
			content = append(content, r)
		}
	}
	return content
}

func (f *file) keep(records []Record) {
	f.records = f.with(records)
	for _, r := range records {
		f.deliver(Entry{Record: r, Offset: f.next, Timestamp: time.Now()})
		f.next++
	}
}

func (f *file) Outage() Outage { return Outage{} }

func (f *file) Close(context.Context) error { return nil }

// writable says why no file can be made in a directory.
func writable(dir string) error {
	probe, err := os.CreateTemp(dir, ".probe.*")
	if err != nil {
		if at := new(fs.PathError); errors.As(err, &at) {
			return fmt.Errorf("%s: %w", dir, at.Err) // the name of the probe is nobody's business
		}
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// replaceFile puts a file in the place of another, so that after a crash there is one of the two, whole.
func replaceFile(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a renaming last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
