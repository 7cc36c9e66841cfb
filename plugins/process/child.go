package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// drainTime is how long what a process has written is read on after its end, where something that it left behind holds its pipes open.
const drainTime = 500 * time.Millisecond

// child is the process as the system has it, and go-plugin's view of it (runner.Runner).
type child struct {
	launch  *Launch
	program *program
	env     []string // set before the start, like sockets
	sockets string   // the private folder, removed at the end
	log     *slog.Logger
	words   words

	stdin          *os.File // held open: its end tells the process that this one is gone
	stdout, stderr *os.File
	bounds         *bounds
	hello          string        // the first line of standard output; read after said
	said           chan struct{} // closed when hello is there, be it empty
	gone           chan struct{} // closed when the process has ended and all that it wrote is read
	readers        sync.WaitGroup

	mu     sync.Mutex
	hold   *hold // nil before there is a process
	reaped bool
	reason error // why it was killed
	killed bool
	state  string // how it ended; read after gone
}

func newChild(l *Launch, p *program) *child {
	return &child{launch: l, program: p, log: l.logger(), said: make(chan struct{}), gone: make(chan struct{})}
}

// Start starts the process. It ends the files that it opened if that fails.
func (c *child) Start(context.Context) error {
	var theirs [3]*os.File
	var err error
	closeAll := func(files ...*os.File) {
		for _, f := range files {
			if f != nil {
				_ = f.Close() // nothing is buffered
			}
		}
	}
	defer func() { closeAll(theirs[:]...) }()
	for i, end := range []**os.File{&c.stdin, &c.stdout, &c.stderr} {
		var r, w *os.File
		if r, w, err = os.Pipe(); err != nil {
			closeAll(c.stdin, c.stdout, c.stderr)
			return err
		}
		if i == 0 {
			theirs[i], *end = r, w
		} else {
			*end, theirs[i] = r, w
		}
	}
	c.bounds = newBounds(c.launch, c.log)
	started := make(chan error)
	reading, ended := context.WithCancel(context.Background())
	go func() {
		defer close(c.gone)
		defer ended()
		c.run(theirs, started, ended)
	}()
	if err := <-started; err != nil {
		<-c.gone
		return err
	}
	c.readers.Go(func() { (&lines{log: c.log, words: &c.words, hide: c.launch.Hide}).read(reading, c.stderr) })
	c.readers.Go(func() {
		out := &lines{log: c.log, hide: c.launch.Hide, first: func(line string) {
			c.hello = line
			close(c.said)
		}}
		out.read(reading, c.stdout)
	})
	started <- nil // the readers are there
	return nil
}

// run lives as long as the process, on one thread of the system: where the process is told to die with its parent (Linux, PDEATHSIG), its parent is
// the thread that made it, and a thread that Go has no more use for ends. A goroutine that is not bound to its thread would now and then have its
// plugin killed for nothing.
func (c *child) run(theirs [3]*os.File, started chan error, ended func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	held, err := c.fork(theirs)
	if err != nil {
		c.bounds.close()
		for _, f := range []*os.File{c.stdin, c.stdout, c.stderr} {
			_ = f.Close() // nothing is buffered
		}
		started <- err
		return
	}
	c.mu.Lock()
	c.hold = held
	if c.killed { // meanwhile
		held.end()
	}
	c.mu.Unlock()
	c.bounds.apply(held.pid)
	started <- nil
	<-started
	awaitExit(held.cmd)
	c.mu.Lock()
	c.reaped = true
	held.end() // what it started and left behind
	c.mu.Unlock()
	_ = held.cmd.Wait() // the state says how it ended
	c.state = held.state()
	if c.bounds.outOfMemory() {
		c.mu.Lock()
		c.reason = &OutOfMemory{Limit: c.launch.Limits.Memory}
		c.mu.Unlock()
	}
	c.bounds.close()
	ended()
	for _, f := range []*os.File{c.stdout, c.stderr} {
		_ = f.SetReadDeadline(time.Now().Add(drainTime)) // a pipe takes deadlines
	}
	c.readers.Wait()
	for _, f := range []*os.File{c.stdin, c.stdout, c.stderr} {
		_ = f.Close() // nothing is buffered
	}
}

// hold is how a process is held.
type hold struct {
	cmd   *exec.Cmd
	pid   int           // the plugin's, which need not be cmd's
	end   func()        // kills it, with what it has started; it may be called again until cmd is waited for
	state func() string // how it ended, to be asked after that
}

// direct starts a process that is this one's own child.
func direct(cmd *exec.Cmd) (*hold, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	return &hold{cmd: cmd, pid: pid, end: func() { killGroup(pid) }, state: func() string { return cmd.ProcessState.String() }}, nil
}

// fork makes the process: within its bounds, unless the system refuses that.
func (c *child) fork(theirs [3]*os.File) (*hold, error) {
	held, err := c.forkKept(theirs, c.bounds.enter)
	if err != nil && c.bounds.grouped() {
		unbound, again := c.forkKept(theirs, func(*exec.Cmd) {})
		if again == nil {
			c.bounds.forgo(err)
		}
		held, err = unbound, again
	}
	if err != nil {
		return nil, c.program.refused(err)
	}
	return held, nil
}

// forkKept makes a process that is kept in as well as is allowed here.
func (c *child) forkKept(theirs [3]*os.File, enter func(*exec.Cmd)) (held *hold, err error) {
	for _, how := range isolations {
		cmd := &exec.Cmd{
			Path: c.program.path, Args: c.launch.Command, Env: c.env, Dir: c.launch.Dir, Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2],
			SysProcAttr: attributes(how),
		}
		c.program.pin(cmd, c.sockets)
		enter(cmd)
		if held, err = begin(cmd, how); err == nil {
			return held, nil
		}
	}
	return nil, err
}

// kill ends the process at once, with what it has started. The first reason stays.
func (c *child) kill(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return
	}
	if !c.killed {
		c.killed, c.reason = true, reason
	}
	if c.hold != nil {
		c.hold.end()
		c.bounds.kill()
	}
}

func (c *child) wasKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// ended is how the process ended, to be asked after gone.
func (c *child) ended() *Ended {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Ended{Plugin: c.launch.Plugin, State: c.state, Reason: c.reason, Words: c.words.String()}
}

// Kill is how go-plugin gives up: a process that has closed its output is about to say by its exit state why.
func (c *child) Kill(context.Context) error {
	select {
	case <-c.said:
		if c.hello == "" {
			select {
			case <-c.gone:
			case <-time.After(drainTime):
			}
		}
	default:
	}
	c.kill(nil)
	return nil
}

// Wait lasts until the process has ended.
func (c *child) Wait(context.Context) error {
	<-c.gone
	return nil
}

// Stdout is the first line alone, which is all that go-plugin wants.
func (c *child) Stdout() io.ReadCloser { return &hello{child: c} }

// Stderr is nothing: it is read here.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the plugin's.
func (c *child) Name() string { return c.launch.Plugin }

// ID is the process's.
func (c *child) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hold == nil {
		return ""
	}
	return strconv.Itoa(c.hold.pid)
}

// Diagnose has nothing to add: [Start] tells what is wrong.
func (c *child) Diagnose(context.Context) string { return "" }

var errAddress = errors.New("it must listen on a unix socket in the folder that PLUGIN_UNIX_SOCKET_DIR names, or on 127.0.0.1")

// PluginToHost refuses every address that is not the process's own.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	switch network {
	case "unix":
		if real, err := filepath.EvalSymlinks(filepath.Dir(address)); err == nil {
			if own, err := filepath.EvalSymlinks(c.sockets); err == nil && real == own {
				return network, address, nil
			}
		}
	case "tcp":
		if host, _, err := net.SplitHostPort(address); err == nil && net.ParseIP(host).IsLoopback() {
			return network, address, nil
		}
	}
	return "", "", fmt.Errorf("it listens on %s %s: %w", network, address, errAddress)
}

// HostToPlugin leaves addresses as they are.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

var _ runner.Runner = (*child)(nil)

// hello is read like a file that has the first line.
type hello struct {
	child *child
	rest  *strings.Reader
}

func (h *hello) Read(p []byte) (int, error) {
	if h.rest == nil {
		<-h.child.said
		h.rest = strings.NewReader(h.child.hello + "\n")
	}
	return h.rest.Read(p)
}

func (h *hello) Close() error { return nil }
