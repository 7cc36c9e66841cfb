package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
)

// taskRun is what one life of a source or a sink task has in common: who it is, what it may know, how it ends, what its status says.
type taskRun struct {
	id       TaskID
	measured *taskMetrics
	config   connect.Config   // resolved
	secrets  redaction.Values // what the texts of its errors must not show
	settings *Settings
	log      *slog.Logger
	target   *target
	status   *taskStatus
	health   *health
	own      *connect.Metrics        // the plugin's
	end      context.CancelCauseFunc // of the stop context
	// acker is set once the plugin's task is open; acknowledgements of records need it, and none exist before.
	acker atomic.Pointer[connect.Acker]
	// troubled is when Kafka was last complained of, in Unix nanoseconds; 0 while it is well. relieved is when that was last taken back.
	troubled, relieved atomic.Int64
}

// phases are the contexts of a task's life, in the order in which they end. A task that keeps to them has ended before the worker abandons it,
// however slow Kafka or the plugin's system are.
type phases struct {
	stop   context.Context // the task shall stop, or has failed: no more records are taken
	drain  context.Context // 4/10 of the graceful time later: what a sink has in flight by now stays so
	finish context.Context // half of the graceful time later: what is still under way is given up
	leave  context.Context // 7/10: what offsets are not stored by now never are
	close  context.Context // 9/10: the plugin's Close must return
	kill   context.Context // abandoned: everything is cut
}

func newPhases(stop, kill context.Context, grace time.Duration) phases {
	return phases{
		stop: stop, drain: after(stop, kill, grace*4/10), finish: after(stop, kill, grace/2), leave: after(stop, kill, grace*7/10), close: after(stop, kill, grace*9/10), kill: kill,
	}
}

// after returns a context that ends d after first, or with last.
func after(first, last context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(last)
	context.AfterFunc(first, func() {
		timer := time.AfterFunc(d, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx
}

// failure is the cause of a stop context that ended because the task failed rather than because it was asked to stop.
type failure struct{ cause error }

func (f *failure) Error() string { return f.cause.Error() }
func (f *failure) Unwrap() error { return f.cause }

// fail ends the task as FAILED; only the first failure counts.
func (t *taskRun) fail(cause error) { t.end(&failure{cause}) }

// ended tells why a task ends: the failure that was noted, nil for a stop that was asked for, or else err.
func ended(stop context.Context, err error) error {
	if f := new(failure); errors.As(context.Cause(stop), &f) {
		return f.cause
	}
	if stop.Err() != nil {
		return nil
	}
	return err
}

// running publishes that the task works.
func (t *taskRun) running() { t.status.set(Running) }

// patiently repeats call while its error asks for that, with the status saying why. It returns the first other error, or stop's.
func (t *taskRun) patiently(stop context.Context, who cause, call func() error) error {
	pause := backoff{}
	for {
		err := call()
		var again *connect.RetryError
		if err == nil || !errors.As(err, &again) {
			t.health.report(who, nil, time.Time{}, time.Now())
			return err
		}
		if !t.wait(stop, who, again, &pause) {
			return stop.Err()
		}
	}
}

// wait reports why the task waits, and waits. It returns false when ctx ends first.
func (t *taskRun) wait(ctx context.Context, who cause, again *connect.RetryError, pause *backoff) bool {
	d := again.After
	if d <= 0 {
		d = pause.next()
	}
	now := time.Now()
	t.health.report(who, again.Cause, now.Add(d), now)
	return sleep(ctx, d)
}

// answered takes back what an error that asked for another try has put into the status.
func (t *taskRun) answered() { t.health.report(callFailed, nil, time.Time{}, time.Now()) }

// unpaused waits while the target state is PAUSED, with the status saying so, and returns a context that ends when it becomes that
// again, or with stop. waited tells whether there was a pause.
func (t *taskRun) unpaused(stop context.Context) (working context.Context, waited bool, err error) {
	for {
		ctx, resumed := t.target.context(stop)
		if resumed == nil {
			return ctx, waited, nil
		}
		waited = true
		t.status.set(Paused)
		select {
		case <-resumed:
		case <-stop.Done():
			return nil, waited, stop.Err()
		}
	}
}

// Config implements connect.TaskContext.
func (t *taskRun) Config() connect.Config { return t.config }

// Connector implements connect.TaskContext.
func (t *taskRun) Connector() string { return t.id.Connector }

// TaskID implements connect.TaskContext.
func (t *taskRun) TaskID() int { return t.id.Task }

// Log implements connect.TaskContext.
func (t *taskRun) Log() *slog.Logger { return t.log }

// Metrics implements connect.TaskContext.
func (t *taskRun) Metrics() *connect.Metrics { return t.own }

// Waiting implements connect.TaskContext.
func (t *taskRun) Waiting(cause error, next time.Time) {
	t.health.report(systemAway, cause, next, time.Now())
}

// Healthy implements connect.TaskContext. It ends a retry's complaint too: the plugin knows before its call returns.
func (t *taskRun) Healthy() {
	t.health.report(systemAway, nil, time.Time{}, time.Now())
	t.answered()
}

// Fail implements connect.TaskContext.
func (t *taskRun) Fail(cause error) { t.fail(cause) }

// backoff doubles from 1 s to 60 s.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, time.Second), time.Minute)
	return b.last
}

func (b *backoff) reset() { b.last = 0 }
