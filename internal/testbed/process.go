package testbed

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// startTimeout is how long a process may take to become ready. A JVM on a loaded machine takes tens of seconds.
const startTimeout = 90 * time.Second

// stopTimeout is how long a process may take to end after SIGTERM before it is killed and the test fails.
const stopTimeout = 30 * time.Second

// Command says what to start and how to see that it is ready.
type Command struct {
	// Name is what messages call the process; default the base name of Path.
	Name string
	Path string
	Args []string
	// Env is added to the environment of the test, later entries win.
	Env []string
	// Dir is the working directory; default the test's.
	Dir string
	// Log is the file that stdout and stderr are appended to, over restarts too; default a file in a temporary directory.
	Log string
	// Ready is asked again and again until it returns nil, from then on the process counts as started. Default: at once.
	Ready func(ctx context.Context) error
}

func (c Command) name() string {
	if c.Name != "" {
		return c.Name
	}
	return filepath.Base(c.Path)
}

// Process is a child process of a test, which can be killed, frozen and restarted. It ends with the test, and the tail of
// its log is shown when the test fails. Its methods fail the test; they are safe for use by one goroutine at a time.
type Process struct {
	t     testing.TB
	child *child
}

// Start starts the command and waits until it is ready, at most 90 seconds.
func Start(t testing.TB, command Command) *Process {
	t.Helper()
	p := Launch(t, command)
	p.WaitReady()
	return p
}

// Launch starts the command and does not wait: for processes that should fail to start, or that wait for each other.
func Launch(t testing.TB, command Command) *Process {
	t.Helper()
	if command.Log == "" {
		command.Log = filepath.Join(t.TempDir(), command.name()+".log")
	}
	return launch(t, &child{command: command})
}

func launch(t testing.TB, c *child) *Process {
	t.Helper()
	p := &Process{t: t, child: c}
	t.Cleanup(p.cleanUp)
	p.must(c.start())
	return p
}

func (p *Process) cleanUp() {
	if err := p.child.kill(); err != nil {
		p.t.Errorf("cleaning up %s: %v", p.child.command.name(), err)
	}
	if p.t.Failed() {
		p.t.Logf("end of the log of %s:\n%s", p.child.command.name(), p.child.logTail())
	}
}

func (p *Process) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.child.command.name(), err)
	}
}

// WaitReady waits until [Command.Ready] is content, at most 90 seconds, and fails at once when the process ends before.
func (p *Process) WaitReady() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	p.must(p.child.waitReady(ctx))
}

// Kill ends the process by SIGKILL and returns when it is gone. A process that has ended is fine.
func (p *Process) Kill() {
	p.t.Helper()
	p.must(p.child.kill())
}

// Terminate asks the process to end by SIGTERM, waits up to 30 seconds, and returns its exit code (see [Process.Wait]).
// A process that has not ended by then is killed and fails the test. A frozen one is thawed first.
func (p *Process) Terminate() int {
	p.t.Helper()
	p.must(p.child.terminate(stopTimeout))
	return p.child.exitCode()
}

// Freeze stops the process by SIGSTOP, and on Linux returns when all its threads have stopped: it holds its connections
// and its memory and does nothing until [Process.Thaw].
func (p *Process) Freeze() {
	p.t.Helper()
	p.must(p.child.signal(freezeSignal))
	Await(p.t, stopTimeout, p.child.command.name()+" to freeze", func(context.Context) error {
		return allStopped(p.child.pid())
	})
}

// Thaw lets a frozen process go on.
func (p *Process) Thaw() {
	p.t.Helper()
	p.must(p.child.signal(thawSignal))
}

// Signal sends any other signal.
func (p *Process) Signal(signal syscall.Signal) {
	p.t.Helper()
	p.must(p.child.signal(signal))
}

// Restart starts the same command again on what it left behind, and waits until it is ready. A process that still runs is
// terminated first.
func (p *Process) Restart() {
	p.t.Helper()
	p.must(p.child.terminate(stopTimeout))
	p.Relaunch()
	p.WaitReady()
}

// Relaunch starts a process that has ended, like [Process.Restart] but without waiting until it is ready.
func (p *Process) Relaunch() {
	p.t.Helper()
	p.must(p.child.start())
}

// Wait waits for the process to end by itself and returns its exit code, -1 when a signal ended it.
func (p *Process) Wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.child.ended():
	case <-time.After(within):
		p.t.Fatalf("%s: still running after %v", p.child.command.name(), within)
	}
	return p.child.exitCode()
}

// Running tells whether the process has not ended, be it frozen or not.
func (p *Process) Running() bool { return p.child.running() }

// PID is the process id of the present or last run.
func (p *Process) PID() int { return p.child.pid() }

// LogFile is where stdout and stderr of all runs go.
func (p *Process) LogFile() string { return p.child.command.Log }

// Log reads what stdout and stderr of all runs have printed so far.
func (p *Process) Log() string {
	p.t.Helper()
	text, err := os.ReadFile(p.child.command.Log)
	p.must(err)
	return string(text)
}

// Usage reads what the running process uses; it fails the test where there is no /proc.
func (p *Process) Usage() Usage {
	p.t.Helper()
	usage, err := readUsage(p.child.pid())
	p.must(err)
	return usage
}
