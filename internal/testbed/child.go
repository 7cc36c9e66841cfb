package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// pollInterval is how often conditions are looked at.
const pollInterval = 25 * time.Millisecond

// The tail of a log that goes into messages.
const (
	tailBytes = 16 << 10
	tailLines = 40
)

// errEnded says that a process is not there to be signalled.
var errEnded = errors.New("the process has ended")

// child is a command and its present or last run, without a test around it.
type child struct {
	command Command

	mu      sync.Mutex
	current *run
}

// run is one life of a child. done is closed when it has been reaped.
type run struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start begins a new run. The goroutine that reaps it ends with it.
func (c *child) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && !c.current.over() {
		return errors.New("starting: the last run has not ended")
	}
	log, err := os.OpenFile(c.command.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()

	cmd := exec.Command(c.command.Path, c.command.Args...)
	cmd.Env = append(os.Environ(), c.command.Env...)
	cmd.Dir = c.command.Dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := spawn(cmd); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	r := &run{cmd: cmd, done: make(chan struct{})}
	c.current = r
	go func() {
		defer close(r.done)
		_ = cmd.Wait() // the exit code is read from ProcessState
	}()
	return nil
}

func (r *run) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// last is the present or last run, nil before the first.
func (c *child) last() *run {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

func (c *child) running() bool {
	r := c.last()
	return r != nil && !r.over()
}

// ended is closed once the present run is over.
func (c *child) ended() <-chan struct{} {
	if r := c.last(); r != nil {
		return r.done
	}
	never := make(chan struct{})
	close(never)
	return never
}

func (c *child) pid() int {
	if r := c.last(); r != nil {
		return r.cmd.Process.Pid
	}
	return 0
}

// exitCode is valid once the run is over.
func (c *child) exitCode() int {
	if r := c.last(); r != nil && r.over() {
		return r.cmd.ProcessState.ExitCode()
	}
	return -1
}

func (c *child) signal(signal syscall.Signal) error {
	r := c.last()
	if r == nil || r.over() {
		return fmt.Errorf("sending %v: %w", signal, errEnded)
	}
	if err := r.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %v: %w", signal, err)
	}
	return nil
}

// kill ends the run, if there is one, and waits for that.
func (c *child) kill() error {
	r := c.last()
	if r == nil {
		return nil
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing: %w", err)
	}
	<-r.done
	return nil
}

// terminate asks the run to end and kills it, with an error, if it does not.
func (c *child) terminate(within time.Duration) error {
	r := c.last()
	if r == nil || r.over() {
		return nil
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, thawSignal} {
		if err := r.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("sending %v: %w", signal, err)
		}
	}
	select {
	case <-r.done:
		return nil
	case <-time.After(within):
	}
	if err := c.kill(); err != nil {
		return err
	}
	return fmt.Errorf("killed: it did not end within %v of SIGTERM\n%s", within, c.logTail())
}

// waitReady asks the command's Ready until it returns nil, the run ends, or ctx does.
func (c *child) waitReady(ctx context.Context) error {
	if c.command.Ready == nil {
		return nil
	}
	ended := c.ended()
	err := poll(ctx, func(ctx context.Context) error {
		select {
		case <-ended:
			return final{fmt.Errorf("exit code %d", c.exitCode())}
		default:
			return c.command.Ready(ctx)
		}
	})
	if err != nil {
		return fmt.Errorf("waiting until it is ready: %w\n%s", err, c.logTail())
	}
	return nil
}

// logTail is the end of the log, for messages.
func (c *child) logTail() string {
	f, err := os.Open(c.command.Log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
