package connecttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// host is what the runtimes of a source and of a sink have in common, over all lives of the task.
type host struct {
	t       testing.TB
	opts    options
	config  connect.Config
	log     *slog.Logger
	logging *testLog
	metrics *connect.Metrics // of the present life, its own

	state    // guards the rest
	opened   bool
	waiting  error // why the task waits, nil while it is healthy
	retrying bool  // waiting is what a call asked for that is repeated
	failure  error // what ended the task
	reported bool  // the test has been told of failure
	stop     context.CancelFunc
	calls    map[string]time.Time // under way, since when
}

func newHost(t testing.TB, cfg connect.Config, opts []Option) *host {
	out := &testLog{t: t}
	return &host{
		t:       t,
		opts:    settle(opts),
		config:  maps.Clone(cfg),
		log:     slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: untimed})),
		logging: out,
		calls:   map[string]time.Time{},
	}
}

// guard calls into the connector. It notes which call is under way, and turns a panic into an error with its stack.
func (h *host) guard(name string, call func() error) (err error) {
	h.update(func() { h.calls[name] = time.Now() })
	defer func() {
		h.update(func() { delete(h.calls, name) })
		if what := recover(); what != nil {
			err = &panicked{fmt.Sprintf("panic in %s: %v\n%s", name, what, debug.Stack())}
		}
	}()
	return call()
}

// panicked is a panic of the connector's.
type panicked struct{ text string }

func (p *panicked) Error() string { return p.text }

// patiently repeats a call that asks for it, until ctx ends.
func (h *host) patiently(ctx context.Context, call func() error) error {
	for {
		err := call()
		var again *connect.RetryError
		if !errors.As(err, &again) {
			h.succeeded()
			return err
		}
		if err := h.pause(ctx, again); err != nil {
			return err
		}
	}
}

// pause waits before a call is repeated, and says why.
func (h *host) pause(ctx context.Context, again *connect.RetryError) error {
	h.update(func() { h.waiting, h.retrying = again.Cause, true })
	timer := time.NewTimer(min(max(again.After, time.Millisecond), retryDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// succeeded takes back what pause said. What the task itself said stays until the task takes it back.
func (h *host) succeeded() {
	h.update(func() {
		if h.retrying {
			h.waiting, h.retrying = nil, false
		}
	})
}

// wait is what the task says about its system; nil is healthy.
func (h *host) wait(cause error) {
	h.update(func() { h.waiting, h.retrying = cause, false })
}

// fail ends the task; only the first failure of a life counts.
func (h *host) fail(cause error) {
	h.update(func() {
		if h.failure == nil {
			h.failure = cause
		}
		h.stop()
	})
}

// Metric returns the value of a metric of the task's own ([connect.TaskContext] Metrics). The present life must have one of that name.
func (h *host) Metric(name string) float64 {
	h.t.Helper()
	for _, m := range h.metrics.All() {
		if m.Name == name {
			return m.Value
		}
	}
	h.t.Fatalf("connecttest: the task has no metric %s", name)
	return 0
}

// Waiting returns why the task waits for its system, nil while it is healthy.
func (h *host) Waiting() (cause error) {
	h.update(func() { cause = h.waiting })
	return cause
}

// AwaitWaiting waits until the task waits for its system, and returns the cause.
func (h *host) AwaitWaiting() (cause error) {
	h.t.Helper()
	h.need("want the task to wait for its system", func() bool { cause = h.waiting; return cause != nil })
	return cause
}

// AwaitHealthy waits until the task is open and does not wait for its system.
func (h *host) AwaitHealthy() {
	h.t.Helper()
	h.need("want the task to be healthy", func() bool { return h.opened && h.waiting == nil })
}

// AwaitFailed waits until the task has failed, and returns the cause: the test expects it.
func (h *host) AwaitFailed() (cause error) {
	h.t.Helper()
	ok := h.await(h.opts.patience, nil, func() bool {
		if h.failure != nil {
			cause, h.reported = h.failure, true
		}
		return cause != nil
	})
	if !ok {
		h.t.Fatalf("connecttest: want the task to fail: %s", h.describe())
	}
	return cause
}

// begin notes that a life of the task begins, which stop ends.
func (h *host) begin(stop context.CancelFunc) {
	h.metrics = connect.NewMetrics(h.fail)
	h.update(func() {
		h.stop, h.opened = stop, false
		h.failure, h.reported, h.waiting, h.retrying = nil, false, nil, false
	})
}

// need waits for something that has to happen; want names it for the failure of the test.
func (h *host) need(want string, met func() bool) {
	h.t.Helper()
	done := false
	h.await(h.opts.patience, nil, func() bool { done = met(); return done || h.failure != nil })
	if !done {
		h.t.Fatalf("connecttest: %s: %s", want, h.describe())
	}
}

// describe says what the task does instead of what was wanted of it.
func (h *host) describe() (text string) {
	h.update(func() {
		if h.failure != nil {
			h.reported = true
			text = fmt.Sprintf("the task failed: %v", h.failure)
			return
		}
		text = fmt.Sprintf("not within %s", h.opts.patience)
		for call, since := range h.calls {
			text += fmt.Sprintf("; %s is under way for %s", call, time.Since(since).Round(time.Millisecond))
		}
		if h.waiting != nil {
			text += fmt.Sprintf("; the task is waiting: %v", h.waiting)
		}
	})
	return text
}

// ended waits for the end of a task that has been told to stop. A hang is told with the place of it.
func (h *host) ended(done <-chan struct{}) error {
	timer := time.NewTimer(h.opts.patience)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
	}
	var hang []string
	h.update(func() { hang = slices.Sorted(maps.Keys(h.calls)) })
	return fmt.Errorf("connecttest: the task did not end within %s after its context did; in: %s\n%s",
		h.opts.patience, strings.Join(hang, ", "), stacks())
}

// leftover is a failure that no call of the test has told yet.
func (h *host) leftover() (cause error) {
	h.update(func() {
		if !h.reported {
			cause = h.failure
		}
		h.reported = true
	})
	return cause
}

// stacks returns the stacks of the goroutines that run a task.
func stacks() string {
	buf := make([]byte, 1<<20)
	var ours []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "connecttest.(*host).guard") {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}
