package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// retries repeats operations on a record, by a converter, a transform or a predicate, whose error asks for it
// (org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator). It belongs to the task's goroutine.
type retries struct {
	budget  time.Duration // errors.retry.timeout, from the first attempt: 0 for none, negative for ever
	longest time.Duration // errors.retry.delay.max.ms
	metrics *errorMetrics
	health  *health
	// wait returns false when the task lets go of the record in hand: it stops, or its partition went to somebody else.
	wait func(ctx context.Context, d time.Duration) bool
}

// errLetGo says that a record was let go in the middle of its conversion, without a verdict on it: it comes again.
var errLetGo = errors.New("the record was let go while an operation on it was retried")

// repeat takes the error of a first attempt and makes others until one succeeds, fails for good, or the budget is spent: the last error then comes
// back. Meanwhile the task's status says why it waits. It is errLetGo where the wait ended early.
func (r *retries) repeat(ctx context.Context, err error, operation func() error) error {
	again := new(connect.RetryError)
	if !errors.As(err, &again) {
		return err
	}
	pause := retryPause{longest: r.longest}
	began := time.Now()
	defer func() { r.health.report(operationFailed, nil, time.Time{}, time.Now()) }()
	for {
		r.metrics.failures.Inc()
		now := time.Now()
		d := max(again.After, 0)
		if d == 0 {
			d = pause.next()
		}
		if r.budget >= 0 {
			left := r.budget - now.Sub(began)
			if left <= 0 {
				return err
			}
			d = min(d, left)
		}
		r.health.report(operationFailed, again.Cause, now.Add(d), now)
		if !r.wait(ctx, d) {
			return errLetGo
		}
		r.metrics.retries.Inc()
		if err = operation(); err == nil || !errors.As(err, &again) {
			return err
		}
	}
}

const (
	firstRetryPause   = 300 * time.Millisecond
	briefestPause     = time.Millisecond // errors.retry.delay.max.ms=0 must not spin, where Java throws IllegalArgumentException
	doublingsOfAPause = 40               // more than any errors.retry.delay.max.ms needs; Java's shift wraps around after 55
)

// retryPause is Java's back-off: 300 ms, doubling, and from errors.retry.delay.max.ms on a random time below that.
type retryPause struct {
	longest  time.Duration
	attempts uint
}

func (p *retryPause) next() time.Duration {
	d := firstRetryPause.Milliseconds() << min(p.attempts, doublingsOfAPause)
	p.attempts++
	longest := p.longest.Milliseconds()
	if d <= longest {
		return time.Duration(d) * time.Millisecond
	}
	return max(rand.N(max(p.longest, 1)), briefestPause)
}
