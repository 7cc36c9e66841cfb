package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// flushBytes is how much is gathered for one write.
const flushBytes = 64 << 10

// retryWrite is how long the task waits when the file takes no more, because the disk is full for instance.
const retryWrite = 5 * time.Second

// sinkTask appends a line a record. Lines that the file did not take are kept and tried again; meanwhile Put takes no more, so that memory is
// bounded by a batch, and PreCommit commits nothing.
type sinkTask struct {
	rt   connect.SinkContext
	name string
	out  io.Writer
	file *os.File // nil for the standard output
	buf  []byte   // whole lines, perhaps without the beginning of the first
	sick bool     // the status says that the file takes no more
}

// Put writes the text of values, a null as Java prints it: null.
func (t *sinkTask) Put(_ context.Context, records []connect.SinkRecord) error {
	if t.sick {
		if err := t.flush(); err != nil {
			return connect.Retry(err, retryWrite)
		}
	}
	for i := range records {
		t.buf = append(appendText(t.buf, records[i].Value), '\n')
		if len(t.buf) >= flushBytes && !t.sick {
			_ = t.flush() // what stays is told by the next Put and by PreCommit
		}
	}
	return nil
}

// PreCommit brings all that was put to the disk. Where that fails nothing is committed, and nothing is put again: it is still here.
func (t *sinkTask) PreCommit(_ context.Context, put connect.Offsets) (connect.Offsets, error) {
	if t.flush() != nil {
		return nil, nil
	}
	if t.file != nil {
		if err := t.file.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !unsyncable(t.file) {
			return nil, fmt.Errorf("syncing %s: %w", t.name, err)
		}
	}
	return put, nil
}

// errSuspended is why lines wait that the file would take.
var errSuspended = errors.New("this worker has lost its cluster for now")

// flush writes what is gathered, and keeps what the file did not take, or must not have yet.
func (t *sinkTask) flush() error {
	if len(t.buf) == 0 {
		return nil
	}
	if t.rt.Suspended() != nil {
		return errSuspended
	}
	n, err := t.out.Write(t.buf)
	t.buf = append(t.buf[:0], t.buf[n:]...)
	if err != nil {
		err = fmt.Errorf("writing %s: %w", t.name, err)
		t.rt.Waiting(err, time.Now().Add(retryWrite))
		t.sick = true
		return err
	}
	if t.sick {
		t.sick = false
		t.rt.Healthy()
	}
	return nil
}

// endCutLine ends a last line that a crash cut, so that the record which comes again stands on a line of its own.
func (t *sinkTask) endCutLine() {
	st, err := t.file.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
		return
	}
	last := make([]byte, 1)
	if _, err := t.file.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
		t.buf = append(t.buf, '\n')
	}
}

// unsyncable tells that the file is a pipe or a device, which has no disk below it.
func unsyncable(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && !st.Mode().IsRegular()
}

// Close writes what is left and closes the file. Lines that must not be written now were not committed, and come again.
func (t *sinkTask) Close(context.Context) error {
	err := t.flush()
	if errors.Is(err, errSuspended) {
		err = nil
	}
	if t.file != nil {
		err = errors.Join(err, t.file.Close())
	}
	return err
}
