package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/sluice-connect/sluice/plugins/process"
)

// Names in the system's temporary folder.
const (
	folderPattern = "sluice-plugins-*"
	lockName      = "lock"
)

// sockets is the folder of the processes' sockets, which only this user may enter. A file in it is locked as long as the worker lives: by that the next
// worker knows what one that was killed has left.
type sockets struct {
	log  *slog.Logger
	base string

	mu   sync.Mutex
	dir  string
	lock *os.File
}

func newSockets(log *slog.Logger) *sockets {
	return &sockets{log: log, base: process.SocketBase(len("/" + folderPattern + "234567890"))}
}

// folder is made when it is first needed.
func (s *sockets) folder() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		return s.dir, nil
	}
	s.sweep()
	dir, err := os.MkdirTemp(s.base, folderPattern) // mode 0700
	if err != nil {
		return "", fmt.Errorf("making a folder for the sockets of plugins: %w", err)
	}
	// The file gets its name when it is locked: who finds it unlocked takes the worker for dead.
	lock, err := os.OpenFile(filepath.Join(dir, "new"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), os.Rename(lock.Name(), filepath.Join(dir, lockName)))
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("making a folder for the sockets of plugins: %w", err), os.RemoveAll(dir))
	}
	s.dir, s.lock = dir, lock
	return dir, nil
}

// sweep removes the folders of workers that are no more.
func (s *sockets) sweep() {
	found, err := filepath.Glob(filepath.Join(s.base, folderPattern, lockName))
	if err != nil {
		return // of the pattern, which is a good one
	}
	for _, path := range found {
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue // another user's, or gone meanwhile
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				s.log.Warn("what a worker that was killed has left cannot be removed", "error", err)
			}
		}
		_ = lock.Close() // nothing was written
	}
}

func (s *sockets) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	dir := s.dir
	s.dir = ""
	return errors.Join(os.RemoveAll(dir), s.lock.Close())
}
