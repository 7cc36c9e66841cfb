package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// taskRun is what one life of a source or a sink task has in common: who it is, what it may know, how it ends, what its status says.
type taskRun struct {
	id       TaskID
	config   connect.Config // resolved
	settings *Settings
	log      *slog.Logger
	target   *target
	status   *taskStatus
	health   *health
	end      context.CancelCauseFunc // of the stop context
	// acker is set once the plugin's task is open; acknowledgements of records need it, and none exist before.
	acker atomic.Pointer[connect.Acker]
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
		if err := t.wait(stop, who, again, &pause); err != nil {
			return err
		}
	}
}

// wait reports why the task waits, and waits.
func (t *taskRun) wait(stop context.Context, who cause, again *connect.RetryError, pause *backoff) error {
	d := again.After
	if d <= 0 {
		d = pause.next()
	}
	now := time.Now()
	t.health.report(who, again.Cause, now.Add(d), now)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-stop.Done():
		return stop.Err()
	}
}

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

// TaskID implements connect.TaskContext.
func (t *taskRun) TaskID() int { return t.id.Task }

// Log implements connect.TaskContext.
func (t *taskRun) Log() *slog.Logger { return t.log }

// Waiting implements connect.TaskContext.
func (t *taskRun) Waiting(cause error, next time.Time) {
	t.health.report(systemAway, cause, next, time.Now())
}

// Healthy implements connect.TaskContext.
func (t *taskRun) Healthy() { t.health.report(systemAway, nil, time.Time{}, time.Now()) }

// Fail implements connect.TaskContext.
func (t *taskRun) Fail(cause error) { t.fail(cause) }

// backoff doubles from 1 s to 60 s.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, time.Second), time.Minute)
	return b.last
}

func (b *backoff) reset() { b.last = 0 }
