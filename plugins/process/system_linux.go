package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolations are the ways to keep a process in, the best first; the last is always possible.
var isolations = []isolation{inPIDNamespace, inUserNamespace, byKeeper, inGroup}

type isolation uintptr

// A process may be the first of a namespace of processes: when that one ends, for whatever reason, the kernel kills all others in there, also those
// that have left its group. That needs CAP_SYS_ADMIN, or a namespace of users in which this user is all there is, where the system allows that to all.
const (
	inGroup         isolation = 0
	byKeeper        isolation = 1
	inPIDNamespace  isolation = syscall.CLONE_NEWPID
	inUserNamespace isolation = syscall.CLONE_NEWPID | syscall.CLONE_NEWUSER
)

// attributes have the process die with the thread that makes it, lead a group of its own and be kept in. A worker that is killed in the moment between
// the fork and the request to die with it leaves a process that learns of it by the end of its standard input alone.
func attributes(how isolation) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	switch how {
	case byKeeper:
		a.Pdeathsig = 0 // it has to outlive this process, to end the others
	case inUserNamespace, inPIDNamespace:
		a.Cloneflags = uintptr(how)
	}
	if how == inUserNamespace {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// begin starts a process that has its [attributes].
func begin(cmd *exec.Cmd, how isolation) (*hold, error) {
	if how == byKeeper {
		return beginKept(cmd)
	}
	return direct(cmd)
}

// awaitExit lasts until the process has ended, and leaves it to be reaped: until then its number is nobody else's.
func awaitExit(cmd *exec.Cmd) {
	for {
		if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // none is there, or they are dying
}
