//go:build unix

package testbed

import (
	"os"
	"syscall"
)

const (
	freezeSignal = syscall.SIGSTOP
	thawSignal   = syscall.SIGCONT
	saveSignal   = syscall.SIGUSR1
)

// waitForLock locks the file for this process, waiting for whoever holds it. The lock ends with the file or the process.
func waitForLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }
