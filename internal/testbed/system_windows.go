package testbed

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has no such signals: sending one is an error there, which fails the test.
const (
	freezeSignal = syscall.Signal(19)
	thawSignal   = syscall.Signal(18)
	saveSignal   = syscall.Signal(10)
)

// waitForLock locks the file for this process, waiting for whoever holds it. The lock ends with the file or the process.
func waitForLock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}
