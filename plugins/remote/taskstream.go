package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// taskStream is what the tasks of sources and of sinks have in common: a stream of a plugin's process, from open to closed.
type taskStream struct {
	*plugin
	rt      connect.TaskContext
	process Process
	release func()
	stream  grpc.ClientStream
	life    context.Context // of the stream
	cut     context.CancelFunc
	out     outbox
	errands errands
	group   sync.WaitGroup
	unwatch func() bool   // stops waiting for the task's stop
	over    chan struct{} // closed when nothing more comes
	hears   hearing

	mu      sync.Mutex
	handed  bool  // the runtime has the task, and is told of failures
	cause   error // of the first failure
	stopped bool  // StopTask was sent
	closed  *contract.TaskClosed
}

// hearing is what a stream's reader does with what tasks of both kinds say.
type hearing struct {
	lines   lines
	metrics metrics
	pace    pace
}

// hear waits until there is time for what the plugin says.
func (s *taskStream) hear(points int) { s.hears.pace.spend(s.life, points) }

// openStream makes a stream in the task's process, and lets the plugin know when the task shall stop. leave must be called.
func openStream(ctx context.Context, c *class, rt connect.TaskContext, connect func(contract.PluginClient, context.Context) (grpc.ClientStream, error)) (*taskStream, error) {
	p := c.plugin
	process, release, err := p.from.Task(ctx, rt.Connector(), rt.TaskID())
	if err != nil {
		return nil, err
	}
	process.Hide(redaction.From(c.hiding(ctx, rt.Config()))...)
	s := &taskStream{plugin: p, rt: rt, process: process, release: release, over: make(chan struct{})}
	s.out.more = make(chan struct{}, 1)
	s.errands.group = &s.group
	s.hears = hearing{lines: lines{log: rt.Log()}, metrics: metrics{of: rt.Metrics()}}
	s.life, s.cut = context.WithCancel(context.Background())
	if s.stream, err = connect(contract.NewPluginClient(process.Conn()), s.life); err != nil {
		err = p.explain(ctx, process, err)
		s.cut()
		release()
		return nil, err
	}
	s.group.Go(s.send)
	return s, nil
}

// send is the goroutine that sends.
func (s *taskStream) send() {
	var messages []any
	for {
		clear(messages)
		if messages = s.out.take(s.life, messages); messages == nil {
			return
		}
		for _, m := range messages {
			if s.stream.SendMsg(m) != nil {
				return // the reader learns why
			}
		}
	}
}

// read is the goroutine that reads: next takes one message in; its error means that the plugin broke the contract.
func (s *taskStream) read(next func() error) {
	defer close(s.over)
	for {
		err := next()
		if err == nil {
			continue
		}
		if s.isClosed() || s.life.Err() != nil {
			return
		}
		var broke *ContractError
		switch {
		case errors.As(err, &broke):
		case errors.Is(err, io.EOF):
			err = s.broke("it ended the stream of a task that was not closed")
		default:
			err = s.explain(s.life, s.process, err)
		}
		s.breakOff(err)
		return
	}
}

// breakOff ends a stream that is of no further use, and the task.
func (s *taskStream) breakOff(cause error) {
	s.fail(cause)
	s.cut()
}

// waits passes on that the task cannot reach its system.
func (s *taskStream) waits(m *contract.Waiting) {
	s.hear(s.hears.pace.state(m))
	var next time.Time
	if m.GetNextTry() != 0 {
		next = time.UnixMilli(m.GetNextTry())
	}
	s.rt.Waiting(errors.New(m.GetCause()), next)
}

// well passes on that the task reaches its system.
func (s *taskStream) well() {
	s.hear(s.hears.pace.state(nil))
	s.rt.Healthy()
}

// logs writes a line.
func (s *taskStream) logs(m *contract.LogLine) {
	s.hear(lineCost)
	s.hears.lines.write(m)
}

// measures shows metrics.
func (s *taskStream) measures(m *contract.Metrics) {
	s.hear(messageCost + metricCost*len(m.GetMetrics()))
	s.hears.metrics.take(m)
}

// ends notes that the task is closed.
func (s *taskStream) ends(m *contract.TaskClosed) {
	if !s.stopping() {
		s.fail(s.broke("it closed a task that was not asked to stop"))
	}
	s.mu.Lock()
	s.closed = m
	s.mu.Unlock()
	s.cut()
}

func (s *taskStream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed != nil
}

// fail ends the task; only the first cause counts.
func (s *taskStream) fail(cause error) {
	s.mu.Lock()
	if s.cause != nil {
		s.mu.Unlock()
		return
	}
	s.cause = cause
	handed := s.handed
	s.mu.Unlock()
	if handed {
		s.rt.Fail(cause)
	}
}

// failure is the first cause, nil for a task that is well.
func (s *taskStream) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// hand gives the task to the runtime, unless it has failed already.
func (s *taskStream) hand() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handed = s.cause == nil
	return s.cause
}

// begin sends the first message, and lets the plugin know when ctx, the runtime's for the task, ends.
func (s *taskStream) begin(ctx context.Context, open, stop any) {
	s.out.put(open)
	s.unwatch = context.AfterFunc(ctx, func() { s.stop(stop) })
}

// stop asks the task to stop, once.
func (s *taskStream) stop(message any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		s.out.put(message)
	}
}

func (s *taskStream) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

const (
	// lateness is how long after the deadline of Close the answer may come.
	lateness = 500 * time.Millisecond
	// openAbort is how long a task has to close that is asked to stop while it opens.
	openAbort = 2 * time.Second
)

// end closes the task and gives its process back. A task that does not end in time hangs, and might still read or write while the next one does: its
// process is killed.
func (s *taskStream) end(ctx context.Context, stop any, close func(timeout int64) any) error {
	defer s.leave()
	s.stop(stop)
	s.out.put(close(timeoutOf(ctx)))
	select {
	case <-s.over:
	case <-ctx.Done():
		timer := time.NewTimer(lateness)
		defer timer.Stop()
		select {
		case <-s.over:
		case <-timer.C:
			err := fmt.Errorf("plugin %s: task %d of connector %s did not end within its deadline, so the process was killed", s.name, s.rt.TaskID(), s.rt.Connector())
			s.process.Kill(err)
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		return nil // the stream has failed before, and the task with it
	}
	return wire.FromFault(s.closed.GetFault())
}

// leave cuts the stream, waits for what belongs to it, and gives the process back.
func (s *taskStream) leave() {
	s.unwatch()
	s.cut()
	s.group.Wait()
	s.hears.lines.flush()
	s.release()
}

// openTask is the contract's form of what a runtime knows of a task.
func openTask(c *class, rt connect.TaskContext) *contract.OpenTask {
	return &contract.OpenTask{Class: c.described.GetName(), Config: rt.Config(), Connector: rt.Connector(), Task: int32(rt.TaskID())}
}
