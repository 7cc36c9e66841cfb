// Package reread keeps what was read from files up to date while a program runs: certificates, logins. What was renewed needs no restart.
package reread

import (
	"os"
	"sync"
	"time"
)

// Value is something read from files. It is read again when one of them has changed; while the new files cannot be read, as between the writing of a
// certificate and of its key, what was read before stays in force. It is safe for concurrent use.
type Value[T any] struct {
	paths []string
	read  func() (T, error)
	tell  func(error)

	mu     sync.Mutex
	value  T
	stamps []stamp // of the files that value was read from
	told   []stamp // of those that could not be read, so that it is said once
}

// Of is the value that read gives of the files at paths; empty paths are none. It is read now: then an error is returned, and there is no value. Later
// tell, if not nil, hears of each change: nil where it is in force, else why it is not. tell must not use the value.
func Of[T any](read func() (T, error), tell func(error), paths ...string) (*Value[T], error) {
	v := &Value[T]{paths: paths, read: read, tell: tell}
	if v.tell == nil {
		v.tell = func(error) {}
	}
	v.stamps = v.stamp() // before reading: what changes meanwhile is read again
	var err error
	if v.value, err = read(); err != nil {
		return nil, err
	}
	return v, nil
}

// Current is the value as of the files at present. It looks at their times and sizes, and reads them only when these have changed.
func (v *Value[T]) Current() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.stamp()
	if equal(now, v.stamps) {
		return v.value
	}
	value, err := v.read()
	switch {
	case err == nil:
		v.value, v.stamps, v.told = value, now, nil
		v.tell(nil)
	case !equal(now, v.told):
		v.told = now
		v.tell(err)
	}
	return v.value
}

// stamp tells whether a file is still the one that was read. That of a missing file is empty.
type stamp struct {
	modified time.Time
	size     int64
}

func (v *Value[T]) stamp() []stamp {
	stamps := make([]stamp, len(v.paths))
	for i, path := range v.paths {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

func equal(a, b []stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].modified.Equal(b[i].modified) || a[i].size != b[i].size {
			return false
		}
	}
	return true
}
