package remote

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// taskRuntime is the runtime of one task of a source or a sink, of which a test sees all that it is told.
type taskRuntime struct {
	config     connect.Config
	metrics    *connect.Metrics
	partitions connect.Partitions
	stored     map[string]connect.Offset
	stop       context.CancelFunc // of the task
	stopped    context.Context

	mu      sync.Mutex
	log     bytes.Buffer
	waiting error
	failure error
	reports []string
	refuse  error // what Report says
	paused  []connect.TopicPartition
	rewound connect.Offsets
	commits int
}

func newRuntime(t testing.TB, cfg connect.Config) *taskRuntime {
	rt := &taskRuntime{config: cfg, metrics: connect.NewMetrics(func(error) {}), stored: map[string]connect.Offset{}}
	rt.stopped, rt.stop = context.WithCancel(context.Background())
	t.Cleanup(rt.stop)
	return rt
}

// Write makes it the writer of its log.
func (rt *taskRuntime) Write(p []byte) (int, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.log.Write(p)
}

func (rt *taskRuntime) Config() connect.Config    { return rt.config }
func (rt *taskRuntime) Connector() string         { return "tested" }
func (rt *taskRuntime) TaskID() int               { return 3 }
func (rt *taskRuntime) Metrics() *connect.Metrics { return rt.metrics }
func (rt *taskRuntime) Transactional() bool       { return rt.config["transactional"] == "true" }
func (rt *taskRuntime) Log() *slog.Logger {
	return slog.New(slog.NewTextHandler(rt, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (rt *taskRuntime) Waiting(cause error, _ time.Time) { rt.set(func() { rt.waiting = cause }) }
func (rt *taskRuntime) Healthy()                         { rt.set(func() { rt.waiting = nil }) }
func (rt *taskRuntime) Suspended() <-chan struct{}       { return nil }
func (rt *taskRuntime) RequestCommit()                   { rt.set(func() { rt.commits++ }) }

func (rt *taskRuntime) Fail(cause error) {
	rt.set(func() {
		if rt.failure == nil {
			rt.failure = cause
		}
	})
	rt.stop()
}

func (rt *taskRuntime) Partition(kv ...string) *connect.Partition {
	return rt.partitions.Intern(connect.Strings(kv...)...)
}

func (rt *taskRuntime) PartitionOf(attrs ...connect.Attr) *connect.Partition {
	return rt.partitions.Intern(attrs...)
}

func (rt *taskRuntime) Offset(_ context.Context, p *connect.Partition) (connect.Offset, error) {
	return rt.stored[p.String()], nil
}

func (rt *taskRuntime) Pause(tps ...connect.TopicPartition) {
	rt.set(func() { rt.paused = append(rt.paused, tps...) })
}

func (rt *taskRuntime) Resume(tps ...connect.TopicPartition) {
	rt.set(func() {
		rt.paused = slices.DeleteFunc(rt.paused, func(tp connect.TopicPartition) bool { return slices.Contains(tps, tp) })
	})
}

func (rt *taskRuntime) Rewind(offsets connect.Offsets) { rt.set(func() { rt.rewound = offsets }) }

func (rt *taskRuntime) Report(_ context.Context, r *connect.SinkRecord, cause error) error {
	rt.set(func() { rt.reports = append(rt.reports, fmt.Sprintf("%d %s: %v", r.Offset, r.Value, cause)) })
	return rt.refuse
}

func (rt *taskRuntime) set(change func()) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	change()
}

// await waits until something is so.
func (rt *taskRuntime) await(t testing.TB, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		met := false
		rt.set(func() { met = so() })
		if met {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s; failure: %v; waiting: %v; log:\n%s", patience, what, rt.failure, rt.waiting, rt.log.String())
		}
		<-time.After(2 * time.Millisecond)
	}
}

// failed waits for the task's failure.
func (rt *taskRuntime) failed(t testing.TB) error {
	t.Helper()
	rt.await(t, "the task fails", func() bool { return rt.failure != nil })
	return rt.failure
}

// logged waits for a text in the log.
func (rt *taskRuntime) logged(t testing.TB, text string) string {
	t.Helper()
	var log string
	rt.await(t, "the log has "+text, func() bool { log = rt.log.String(); return strings.Contains(log, text) })
	return log
}

// within fails a test whose call does not return.
func within(t testing.TB, d time.Duration, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		buf := make([]byte, 1<<20)
		t.Fatalf("the call did not return within %s\n%s", d, buf[:runtime.Stack(buf, true)])
		return nil
	}
}

// leavesNothing checks at the end of the test that no goroutine of a task is left.
func leavesNothing(t testing.TB) {
	t.Cleanup(func() {
		deadline := time.Now().Add(patience)
		for {
			buf := make([]byte, 4<<20)
			var left []string
			for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
				if strings.Contains(stack, "plugins/remote.(*taskStream)") || strings.Contains(stack, "plugins/remote.(*errands)") {
					left = append(left, stack)
				}
			}
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("goroutines of tasks are left:\n%s", strings.Join(left, "\n\n"))
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	})
}

var (
	_ connect.SourceContext = (*taskRuntime)(nil)
	_ connect.SinkContext   = (*taskRuntime)(nil)
)

// ended gives a task's Close a deadline.
func ended(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// poll polls until so many records have come.
func poll(t testing.TB, rt *taskRuntime, task connect.SourceTask, n int) (records []connect.SourceRecord) {
	t.Helper()
	for len(records) < n {
		b := connect.NewBatch(100, 1<<20)
		require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, b) }))
		records = append(records, b.Records()...)
	}
	return records
}
