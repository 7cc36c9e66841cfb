package assignment

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/connect/stores"
)

// ErrMalformed is the class of errors about bytes that are no metadata or assignment of Connect's. They come from another member: the
// group cannot go on until it leaves. (SchemaException)
var ErrMalformed = errors.New("malformed Connect protocol bytes")

// reader takes Kafka's classic types off the front of what is left. After the first error it yields zero values.
type reader struct {
	left []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	r.left = nil
}

// take is the next n bytes; nil if there are not as many.
func (r *reader) take(field string, n int) []byte {
	if n < 0 || n > len(r.left) {
		r.fail("%s needs %d bytes, there are %d", field, n, len(r.left))
		return nil
	}
	head := r.left[:n]
	r.left = r.left[n:]
	return head
}

func (r *reader) int16(field string) int16 {
	if b := r.take(field, 2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32(field string) int32 {
	if b := r.take(field, 4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64(field string) int64 {
	if b := r.take(field, 8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) string(field string) string {
	return string(r.take(field, int(r.int16(field))))
}

// version takes the version. What is newer is read by the layout known here.
func (r *reader) version() {
	if v := r.int16("version"); v < 0 {
		r.fail("Unsupported subscription version: %d", v)
	}
}

// count is a length of an array whose elements take at least so many bytes each; less than zero for a null array.
func (r *reader) count(field string, size int) int {
	n := int(r.int32(field))
	if n > len(r.left)/size {
		r.fail("%s has %d elements in %d bytes", field, n, len(r.left))
		return 0
	}
	return n
}

// Least sizes of array elements: a connector's name without letters and its empty list of tasks; a task's number.
const (
	connectorSize = 6
	taskSize      = 4
)

// work takes a list of connectors, each with its tasks. A null list is none where it may be null, an error elsewhere.
func (r *reader) work(field string, nullable bool) Work {
	var w Work
	n := r.count(field, connectorSize)
	if n < 0 && !nullable {
		r.fail("%s is null", field)
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.connector(&w)
	}
	return w
}

func (r *reader) connector(w *Work) {
	name := r.string("connector")
	n := r.count("tasks", taskSize)
	if n < 0 {
		r.fail("tasks are null")
	}
	for i := 0; i < n && r.err == nil; i++ {
		if task := int(r.int32("task")); task == instance {
			w.Connectors = append(w.Connectors, name)
		} else {
			w.Tasks = append(w.Tasks, stores.TaskID{Connector: name, Task: task})
		}
	}
}

// more reports that bytes are left for the fields that may be missing at the end.
func (r *reader) more() bool { return r.err == nil && len(r.left) > 0 }
