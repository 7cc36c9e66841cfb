package plugins

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// orphanClose is how long a task has to close whose worker is gone or has cut the stream.
const orphanClose = 5 * time.Second

// task is what the tasks of sources and of sinks have in common. It implements connect.TaskContext.
type task struct {
	open    *contract.OpenTask
	log     *slog.Logger
	metrics *connect.Metrics
	stream  grpc.ServerStream
	words   words

	alive context.Context // until the stream is cut or the process must end
	// working ends when the task is asked to stop, too.
	working context.Context
	stop    context.CancelFunc
	// closing is closed when the task must close; then timeout, from that moment on, is what it has for that.
	closing chan struct{}
	timeout time.Duration

	sending sync.Mutex

	saying sync.Mutex // guards the rest
	said   standing
}

// standing is what the worker was last told of the task's system.
type standing struct {
	known bool   // something was said
	cause string // "" is healthy
	next  int64
}

// words put what tasks of both kinds say into the messages of their stream.
type words interface {
	log(*contract.LogLine) any
	metrics(*contract.Metrics) any
	waiting(*contract.Waiting) any
	healthy() any
	fail(*contract.Fault) any
	closed(*contract.TaskClosed) any
}

// newTask takes the first message of a stream. end must be called.
func (s *server) newTask(open *contract.OpenTask, stream grpc.ServerStream, w words) (t *task, end func()) {
	t = &task{open: open, stream: stream, words: w, closing: make(chan struct{})}
	lines := &lines{send: func(l *contract.LogLine) { t.send(w.log(l)) }}
	t.log = slog.New(&handler{lines: lines})
	t.metrics = connect.NewMetrics(func(cause error) { t.log.Warn("a metric is not shown", "error", cause) })
	alive, die := s.mortal(stream.Context())
	t.alive = alive
	t.working, t.stop = context.WithCancel(alive)
	var reporting sync.WaitGroup
	over := make(chan struct{})
	reporting.Go(func() { t.reportMetrics(over) })
	return t, func() {
		close(over)
		reporting.Wait()
		t.stop()
		die()
	}
}

// send sends one message. That the stream is cut is noticed by whoever reads it.
func (t *task) send(message any) {
	t.sending.Lock()
	defer t.sending.Unlock()
	_ = t.stream.SendMsg(message)
}

// close says that the task must end, in so much time.
func (t *task) close(timeout time.Duration) {
	t.stop()
	t.timeout = timeout
	close(t.closing)
}

// orphaned is close for a task whose stream is cut.
func (t *task) orphaned() { t.close(orphanClose) }

// awaitClose waits until the task must close, and returns how long it has for that.
func (t *task) awaitClose() time.Duration {
	select {
	case <-t.closing:
		return t.timeout
	case <-t.alive.Done():
		return orphanClose
	}
}

// finish closes the author's task and says so.
func (t *task) finish(timeout time.Duration, close func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.alive), timeout)
	defer cancel()
	err := guard("Close", func() error { return close(ctx) })
	t.sayMetrics(nil)
	t.send(t.words.closed(&contract.TaskClosed{Fault: wire.ToFault(err)}))
}

// Config implements connect.TaskContext.
func (t *task) Config() connect.Config { return t.open.GetConfig() }

// Connector implements connect.TaskContext.
func (t *task) Connector() string { return t.open.GetConnector() }

// TaskID implements connect.TaskContext.
func (t *task) TaskID() int { return int(t.open.GetTask()) }

// Log implements connect.TaskContext.
func (t *task) Log() *slog.Logger { return t.log }

// Metrics implements connect.TaskContext.
func (t *task) Metrics() *connect.Metrics { return t.metrics }

// Waiting implements connect.TaskContext.
func (t *task) Waiting(cause error, next time.Time) {
	if cause == nil {
		t.Healthy()
		return
	}
	now := standing{known: true, cause: cause.Error()}
	if !next.IsZero() {
		now.next = next.UnixMilli()
	}
	t.stand(now, t.words.waiting(&contract.Waiting{Cause: now.cause, NextTry: now.next}))
}

// Healthy implements connect.TaskContext.
func (t *task) Healthy() { t.stand(standing{known: true}, t.words.healthy()) }

// stand says how the task's system is, unless that was said.
func (t *task) stand(now standing, message any) {
	t.saying.Lock()
	defer t.saying.Unlock()
	if t.said != now {
		t.said = now
		t.send(message)
	}
}

// asksAgain notes that the worker's status has a complaint that the task did not make through Waiting: the next Healthy takes it back.
func (t *task) asksAgain() {
	t.saying.Lock()
	t.said = standing{}
	t.saying.Unlock()
}

// Fail implements connect.TaskContext.
func (t *task) Fail(cause error) {
	t.stop()
	t.send(t.words.fail(wire.ToFault(cause)))
}

// metricsEvery is how often metrics are sent that have changed.
const metricsEvery = time.Second

func (t *task) reportMetrics(over <-chan struct{}) {
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	var sent []connect.Metric
	for {
		select {
		case <-tick.C:
			sent = t.sayMetrics(sent)
		case <-over:
			return
		}
	}
}

// sayMetrics sends the metrics unless they are as they were when they were last sent, and returns them.
func (t *task) sayMetrics(sent []connect.Metric) []connect.Metric {
	now := t.metrics.All()
	if slices.Equal(now, sent) {
		return sent
	}
	m := &contract.Metrics{}
	for _, one := range now {
		m.Metrics = append(m.Metrics, &contract.Metric{Name: one.Name, Help: one.Help, Counter: one.Counter, Value: one.Value})
	}
	t.send(t.words.metrics(m))
	return now
}
