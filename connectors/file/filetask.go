package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// How long the task waits before it looks for more at the end of the file, and for a file that is not there.
const (
	idle    = 100 * time.Millisecond
	missing = time.Second
)

// fileTask follows one file, also when it is truncated or another takes its name.
type fileTask struct {
	rt       connect.SourceContext
	name     string
	topic    string
	most     int
	part     *connect.Partition
	position int64 // behind the last line that became a record

	file     *os.File // nil until it is there
	lines    lines
	waiting  bool // the status says that the file is missing
	replaced bool // another file has the name: one more look at the old one, whose writer may be late
}

// Poll returns what lines there are, or waits a moment for some.
func (t *fileTask) Poll(ctx context.Context, b *connect.Batch) error {
	if t.file == nil {
		if err := t.open(); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if t.cut(b) {
			return nil
		}
		n, err := t.lines.fill(t.file)
		if n > 0 {
			continue
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("file: reading %s: %w", t.name, err)
		}
		if b.Len() > 0 {
			return nil
		}
		if again, err := t.look(b); again || err != nil {
			return err
		}
		return connect.Idle(ctx, b, idle)
	}
	return nil
}

// cut turns complete lines into records, until there are no more or the batch is full.
func (t *fileTask) cut(b *connect.Batch) (full bool) {
	now := time.Now().UnixMilli()
	for b.Len() < t.most && !b.Full() {
		line, size, ok := t.lines.next()
		if !ok {
			return false
		}
		t.position += int64(size)
		r := b.Next(t.topic, t.part, connect.At("position", t.position))
		r.Timestamp = now
		r.SetString(line)
	}
	return true
}

// open opens the file at the position.
func (t *fileTask) open() error {
	f, err := openRegular(t.name)
	if errors.Is(err, fs.ErrNotExist) {
		t.waiting = true
		return connect.Retry(fmt.Errorf("file: %w", err), missing)
	}
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if err := t.seek(f); err != nil {
		return errors.Join(err, f.Close())
	}
	t.file = f
	t.found()
	return nil
}

// seek goes to the position, or to the start of a file that is shorter than that.
func (t *fileTask) seek(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("file: looking at %s: %w", t.name, err)
	}
	if st.Mode().IsRegular() && st.Size() < t.position {
		t.rt.Log().Warn("the file is shorter than what was read of it: it was truncated or replaced, reading it from its start",
			"file", t.name, "size", st.Size(), "position", t.position)
		t.position = 0
	}
	if _, err := f.Seek(t.position, io.SeekStart); err != nil {
		return fmt.Errorf("file: seeking in %s: %w", t.name, err)
	}
	return nil
}

// look tells, at the end of the file, whether there is something else to read: the same file from its start, or another of the same name.
func (t *fileTask) look(b *connect.Batch) (again bool, err error) {
	have, err := t.file.Stat()
	if err != nil {
		return false, fmt.Errorf("file: looking at %s: %w", t.name, err)
	}
	if have.Mode().IsRegular() && have.Size() < t.position+int64(len(t.lines.buf)) {
		return true, t.restart()
	}
	named, err := os.Stat(t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.gone(err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("file: %w", explain(err))
	case os.SameFile(have, named):
		t.found()
		return false, nil
	case !t.replaced:
		t.replaced = true
		return false, nil
	}
	return true, t.change(b)
}

// restart reads the open file, which was truncated, from its start.
func (t *fileTask) restart() error {
	t.rt.Log().Warn("the file was truncated, reading it from its start", "file", t.name, "position", t.position, "dropped", len(t.lines.buf))
	t.lines, t.position = lines{}, 0
	return t.seek(t.file)
}

// change leaves the open file for the one that has its name now. A last line without its end will not get one any more.
func (t *fileTask) change(b *connect.Batch) error {
	t.rt.Log().Info("another file has the name, reading it from its start", "file", t.name)
	if rest := t.lines.buf; len(rest) > 0 {
		r := b.Next(t.topic, t.part, connect.At("position", t.position+int64(len(rest))))
		r.Timestamp = time.Now().UnixMilli()
		r.SetString(strings.TrimSuffix(string(rest), "\r"))
	}
	err := t.file.Close()
	t.file, t.lines, t.position, t.replaced = nil, lines{}, 0, false
	if err != nil {
		return fmt.Errorf("file: closing the replaced %s: %w", t.name, err)
	}
	return nil
}

// gone says that the name is away; what is open is read on.
func (t *fileTask) gone(err error) {
	t.waiting = true
	t.rt.Waiting(fmt.Errorf("file: %w", explain(err)), time.Now().Add(idle))
}

func (t *fileTask) found() {
	if t.waiting {
		t.waiting = false
		t.rt.Healthy()
	}
}

// Close closes the file.
func (t *fileTask) Close(context.Context) error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}
