package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// Sizes of the connection.
const (
	// maxMessage bounds one message in bytes, in both directions: the 16 MiB of the contract, and its frame.
	maxMessage = 17 << 20
	// Windows let a batch cross without waiting for the other side to say that it has read the first half.
	streamWindow     = 4 << 20
	connectionWindow = 16 << 20
	bufferSize       = 256 << 10
)

// Process is one running plugin. Its methods are safe for concurrent use.
type Process struct {
	child  *child
	client *plugin.Client
	conn   *grpc.ClientConn

	stopped atomic.Bool
	done    chan struct{}
	err     error // read after done

	pings  sync.WaitGroup
	spoken [2]spoken // on standard output, and on standard error
}

// Start starts a plugin and returns when it has answered. Its errors, told apart by [ErrMissing] and the others, name the cause and the fix; the
// error is ctx's where that has ended. Nothing is left of a process that could not be started.
func Start(ctx context.Context, l Launch) (*Process, error) {
	program, err := find(&l)
	if err != nil {
		return nil, err
	}
	defer program.close()
	base, err := socketBase(l.Sockets)
	if err != nil {
		return nil, &startError{plugin: l.Plugin, class: ErrHandshake, text: err.Error()}
	}
	p := &Process{child: newChild(&l, program), done: make(chan struct{})}
	for i := range p.spoken {
		p.spoken[i].lines = lines{log: p.child.log, words: &p.child.words, hide: l.Hide}
	}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: contract.Cookie, MagicCookieValue: contract.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{contract.Version: {}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     2 * handshakeTimeout, // ours ends sooner
		Logger:           hclog.NewNullLogger(),
		SkipHostEnv:      true,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: base},
		GRPCDialOptions:  dialOptions(),
		SyncStdout:       &p.spoken[0],
		SyncStderr:       &p.spoken[1],
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (runner.Runner, error) {
			p.child.env, p.child.sockets = append(l.environment(), cmd.Env...), sockets
			return p.child, nil
		},
	})
	deadline, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, ErrSilent)
	defer cancel()
	if err := p.handshake(deadline); err != nil {
		p.abandon()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("starting plugin %s: %w", l.Plugin, context.Cause(ctx))
		}
		return nil, err
	}
	live, end := context.WithCancel(context.Background())
	p.pings.Go(func() { p.ping(live, l.ping()) })
	go p.watch(end)
	return p, nil
}

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(streamWindow), grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(bufferSize), grpc.WithWriteBufferSize(bufferSize), grpc.WithStreamInterceptor(throttleOwn),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec()), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	}
}

// handshake starts the process, reads where it listens and asks it something.
func (p *Process) handshake(ctx context.Context) error {
	var began sync.WaitGroup // what stops the start when its time is up
	up := make(chan struct{})
	began.Go(func() {
		select {
		case <-ctx.Done():
			p.child.kill(nil)
		case <-up:
		}
	})
	defer began.Wait()
	defer close(up)
	if _, err := p.client.Start(); err != nil {
		return p.explain(ctx, err)
	}
	client, err := p.client.Client()
	if err != nil {
		return p.explain(ctx, err)
	}
	p.conn = client.(*plugin.GRPCClient).Conn // the only protocol that is allowed
	if _, err := contract.NewPluginClient(p.conn).Ping(ctx, &contract.PingRequest{}); err != nil && status.Code(err) != codes.Unimplemented {
		return p.explain(ctx, err)
	}
	return nil
}

// explain tells why a process could not be started, when it has ended.
func (p *Process) explain(ctx context.Context, err error) error {
	if told := new(startError); errors.As(err, &told) {
		return told
	}
	c := p.child
	c.kill(nil)
	if c.ID() == "" {
		return &startError{plugin: c.Name(), class: ErrNotExecutable, text: err.Error()}
	}
	<-c.gone
	ended := c.ended()
	e := &startError{plugin: c.Name(), class: ErrHandshake, words: ended.Words}
	unheard := c.hello == ""
	problem, class := judge(c.hello)
	switch {
	case ended.Reason != nil:
		e.text = "it was killed while it started: " + ended.Reason.Error()
	case !unheard && problem != "":
		e.class, e.text = class, problem
	case ctx.Err() != nil && unheard:
		e.class, e.text = ErrSilent, fmt.Sprintf("within %s it did not say where it listens: a plugin must write its address to its standard output "+
			"as soon as it serves", handshakeTimeout)
	case ctx.Err() != nil:
		e.class, e.text = ErrSilent, fmt.Sprintf("it said where it listens (%s), but did not answer there within %s", c.hello, handshakeTimeout)
	case !c.wasKilled() && unheard:
		e.text = fmt.Sprintf("it has ended (%s) without saying where it listens: is it a plugin? It must serve until it is told to stop", ended.State)
	case !c.wasKilled():
		e.text = fmt.Sprintf("it has ended (%s) before it answered", ended.State)
	case unheard:
		e.text = "it has closed its standard output without saying where it listens"
	case errors.Is(err, errAddress):
		e.text = err.Error()
	default:
		e.text = fmt.Sprintf("it said where it listens (%s), but does not answer there: %v", c.hello, err)
	}
	return e
}

// judge says what is wrong with the first line; "" for nothing.
func judge(line string) (problem string, class error) {
	parts := strings.Split(strings.TrimSpace(line), "|")
	core, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 4 {
		return fmt.Sprintf("the first line of its standard output is %q, where its address was due (%d|%d|unix|/the/socket|grpc): "+
			"a plugin must print nothing before that, and log to standard error", line, plugin.CoreProtocolVersion, contract.Version), ErrHandshake
	}
	version, err := strconv.Atoi(parts[1])
	switch {
	case core != plugin.CoreProtocolVersion:
		return fmt.Sprintf("its handshake is of version %d, and that of this Sluice of version %d: build it with a matching go-plugin",
			core, plugin.CoreProtocolVersion), ErrVersion
	case err != nil:
		return fmt.Sprintf("it says that it speaks version %q of the contract, which is no number", parts[1]), ErrHandshake
	case version != contract.Version:
		return fmt.Sprintf("it speaks version %d of the contract, and this Sluice version %d: use a release of the plugin, or of Sluice, "+
			"that fits", version, contract.Version), ErrVersion
	case len(parts) < 5 || plugin.Protocol(parts[4]) != plugin.ProtocolGRPC:
		return fmt.Sprintf("its first line is %q: a plugin of Sluice speaks gRPC, and says so (|grpc)", line), ErrHandshake
	}
	return "", nil
}

// abandon cleans up after a start that failed.
func (p *Process) abandon() {
	if p.child.ID() != "" {
		p.child.kill(nil)
		<-p.child.gone
	}
	p.clean()
}

// clean is done once, when the process is gone.
func (p *Process) clean() {
	p.client.Kill() // it closes the connection and waits for go-plugin's goroutines, all but the one that copies what was printed
	for i := range p.spoken {
		p.spoken[i].end()
	}
	if p.child.sockets != "" {
		if err := os.RemoveAll(p.child.sockets); err != nil {
			p.child.log.Warn("the folder of a plugin's socket cannot be removed", "error", err)
		}
	}
}

// watch waits for the end.
func (p *Process) watch(endPings context.CancelFunc) {
	<-p.child.gone
	endPings()
	p.pings.Wait()
	p.clean()
	if !p.stopped.Load() {
		p.err = p.child.ended()
	}
	close(p.done)
}

// ping asks every so often whether the process still answers, and kills one that does not.
func (p *Process) ping(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	client, missed := contract.NewPluginClient(p.conn), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		answer, cancel := context.WithTimeout(ctx, every)
		_, err := client.Ping(answer, &contract.PingRequest{})
		cancel()
		missed++
		if err == nil || status.Code(err) == codes.Unimplemented { // that is an answer too
			missed = 0
		}
		if missed == pingsMissed {
			p.Kill(&Hung{After: pingsMissed * every})
			return
		}
	}
}

// Conn is the connection to the plugin, with the codec of plugins/wire.
func (p *Process) Conn() *grpc.ClientConn { return p.conn }

// PID is the number of the process.
func (p *Process) PID() int {
	pid, _ := strconv.Atoi(p.child.ID()) // it is one
	return pid
}

// Done is closed when the process and all that belongs to it is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is a [*Ended] after Done; nil before, and where [Process.Stop] was called.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Kill ends the process at once, with all that it has started; Err then says the reason. It does not wait for the end.
func (p *Process) Kill(reason error) { p.child.kill(reason) }

// killPatience is how long a killed process may take to be gone. One that waits for a dead disk can take for ever.
const killPatience = 5 * time.Second

// Stop asks the process to end, kills it when it is there two seconds later or when ctx ends, and waits for the end. An error says that it is there
// still.
func (p *Process) Stop(ctx context.Context) error {
	p.stopped.Store(true)
	grace, cancel := context.WithTimeout(ctx, stopGrace)
	defer cancel()
	_, _ = contract.NewPluginClient(p.conn).Stop(grace, &contract.StopRequest{}) // what counts is whether it ends
	_ = p.child.stdin.Close()                                                    // that tells it too
	select {
	case <-p.done:
		return nil
	case <-grace.Done():
	}
	p.child.kill(nil)
	patience := time.NewTimer(killPatience)
	defer patience.Stop()
	select {
	case <-p.done:
		return nil
	case <-patience.C:
		return fmt.Errorf("plugin %s: its process %s was killed, but the system does not end it", p.child.Name(), p.child.ID())
	}
}
