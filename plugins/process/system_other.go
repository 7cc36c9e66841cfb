//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

// isolations are the ways to keep a process in: here there is but one.
var isolations = []isolation{inGroup}

type isolation int

const inGroup isolation = 0

// attributes have the process lead a group of its own. Here nothing makes it die with its parent but the end of its standard input, at which a
// plugin must end (plugins.Serve sees to it).
func attributes(isolation) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func begin(cmd *exec.Cmd, _ isolation) (*hold, error) { return direct(cmd) }

// awaitExit lasts until the process has ended. Here it is reaped by that.
func awaitExit(cmd *exec.Cmd) {
	_ = cmd.Wait() // the state says how it ended
}

func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // none is there, or they are dying
}
