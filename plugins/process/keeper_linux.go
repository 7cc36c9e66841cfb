package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A keeper is a process between this one and a plugin where no namespace of processes may be made: this program, started anew under another name. What
// the plugin starts cannot leave it, because the system makes it the parent of all that lose theirs. It ends them all when the plugin has ended, and
// when the line between it and this process breaks, which is what becomes of it when this process ends, be it killed.

// keeperName is what a keeper is called instead of by the name of its program: in ps, and by what follows here.
const keeperName = "sluice-plugin-keeper"

// A keeper is no worker, whatever else the program is: it goes no further than here.
func init() {
	if os.Args[0] == keeperName && len(os.Args) > 3 {
		keep(os.Args[1], os.Args[2], os.Args[3:])
		syscall.Exit(0) // at once: what os.Exit does for the rest of the program is none of a keeper's business
	}
}

// keep is a keeper's life. line is the number of the file that leads to the worker, beside the standard ones and perhaps one that is the program.
func keep(line, program string, args []string) {
	fd, err := strconv.Atoi(line)
	if err != nil {
		return // nobody to tell
	}
	unix.CloseOnExec(fd)
	worker := os.NewFile(uintptr(fd), "worker")
	// What ends the worker in an orderly way is for the worker to act on. Ignored signals would stay so in the plugin; these do not.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // since Linux 3.4
	files := make([]uintptr, fd)                            // those before it are the plugin's
	for i := range files {
		files[i] = uintptr(i)
	}
	// The main thread makes it, which lasts as long as the keeper: the plugin dies with that, too.
	pid, _, err := syscall.StartProcess(program, args, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: attributes(inGroup)})
	if err != nil {
		number := syscall.ENOEXEC
		_ = errors.As(err, &number)
		_, _ = fmt.Fprintln(worker, keptNot, int(number))
		return
	}
	letGo(files)
	_, _ = fmt.Fprintln(worker, keptPID, pid) // where that fails the worker is gone
	k := keeping{pid: pid}
	go func() {
		_, _ = worker.Read(make([]byte, 1)) // the worker says nothing: it is at its end
		k.kill()
	}()
	status := k.await()
	endFamily()
	_, _ = fmt.Fprintln(worker, keptEnd, int(status))
}

// What a keeper says, each with a number: of the plugin's process, of the error that kept it from starting, and its status for wait(2).
const (
	keptPID = "pid"
	keptNot = "error"
	keptEnd = "status"
)

// letGo closes files that the plugin has: their other ends shall see it when the plugin closes its own. The standard ones lead nowhere then.
func letGo(files []uintptr) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	for _, fd := range files {
		if err != nil || fd > 2 {
			_ = unix.Close(int(fd))
		} else {
			_ = unix.Dup3(null, int(fd), 0)
		}
	}
}

// keeping is the process that is kept.
type keeping struct {
	mu    sync.Mutex
	pid   int
	ended bool // and reaped: its number may be another's
}

func (k *keeping) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ended {
		_ = syscall.Kill(k.pid, syscall.SIGKILL) // it may be dying
	}
}

// await reaps whatever ends until the process has.
func (k *keeping) await() (status syscall.WaitStatus) {
	for {
		if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil); errors.Is(err, unix.EINTR) {
			continue
		}
		k.mu.Lock()
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		k.ended = pid == k.pid || errors.Is(err, syscall.ECHILD)
		k.mu.Unlock()
		if k.ended {
			return status
		}
	}
}

// Pauses between two looks at whether all are gone: one that waits for a disk is there for a while after it was killed.
const (
	firstLook = time.Millisecond
	longLook  = 100 * time.Millisecond
)

// endFamily kills all processes below this one and returns when they are gone. Each turn finds what the last one's victims have left.
func endFamily() {
	for pause := firstLook; ; pause = min(2*pause, longLook) {
		for _, pid := range family(os.Getpid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // or it is dead: none is reaped before all were killed
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if errors.Is(err, syscall.ECHILD) {
				return
			}
			if pid <= 0 && !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		time.Sleep(pause)
	}
}

// family are the processes below one, as far as they can be seen.
func family(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // of the pattern, which is a good one
	}
	children := map[int][]int{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // after the name, which it chooses, come state and parent
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	all := children[pid]
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// beginKept starts a keeper in the place of cmd, which it is to start in turn.
func beginKept(cmd *exec.Cmd) (*hold, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	line, theirs := os.NewFile(uintptr(ends[0]), "keeper"), os.NewFile(uintptr(ends[1]), "worker")
	defer func() { _ = theirs.Close() }() // nothing is buffered
	number := 3 + len(cmd.ExtraFiles)
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	cmd.Args = append([]string{keeperName, strconv.Itoa(number), cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe"
	if err := cmd.Start(); err != nil {
		_ = line.Close()
		return nil, err
	}
	_ = theirs.Close() // the keeper has it alone
	said, first, value := bufio.NewReader(line), "", 0
	if _, err := fmt.Fscanln(said, &first, &value); err != nil || first != keptPID {
		_ = line.Close()
		_ = cmd.Wait()
		if err == nil {
			return nil, syscall.Errno(value)
		}
		return nil, fmt.Errorf("the process that was to keep it in (%s) has ended: %s", keeperName, cmd.ProcessState)
	}
	return &hold{
		cmd: cmd, pid: value, end: func() { _ = unix.Shutdown(ends[0], unix.SHUT_WR) },
		state: func() string {
			defer func() { _ = line.Close() }()
			if _, err := fmt.Fscanln(said, &first, &value); err != nil || first != keptEnd {
				return fmt.Sprintf("%s: %s", keeperName, cmd.ProcessState) // the keeper was killed, and with it the plugin
			}
			return stateOf(syscall.WaitStatus(value))
		},
	}, nil
}

// stateOf says how a process ended, in the words of os.ProcessState.
func stateOf(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return "exit status " + strconv.Itoa(status.ExitStatus())
}
