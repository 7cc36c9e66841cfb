package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/stores"
)

var errRegistry = errors.New("the registry is down")

func TestThePauseBetweenRetriesDoublesAndIsRandomBelowItsMaximumThen(t *testing.T) {
	p := retryPause{longest: time.Second}
	assert.Equal(t, 300*time.Millisecond, p.next())
	assert.Equal(t, 600*time.Millisecond, p.next())
	for range 200 { // Java's shift is back at 300 ms after 64
		d := p.next()
		assert.Less(t, d, time.Second)
		assert.GreaterOrEqual(t, d, briefestPause)
	}
	none := retryPause{}
	assert.Equal(t, briefestPause, none.next(), "Java throws IllegalArgumentException")
}

// retried runs an operation that always asks for another try, in virtual time.
func retried(t *testing.T, budget time.Duration) (attempts int, took time.Duration, err error) {
	t.Helper()
	w := newMetrics(metrics.Sampling{})
	r := &retries{
		budget: budget, longest: time.Minute, metrics: &w.task(TaskID{Connector: "c"}).errors, health: &health{publish: func(string) {}, log: func(string) {}},
		wait: func(ctx context.Context, d time.Duration) bool { return sleep(ctx, d) },
	}
	began := time.Now()
	attempts = 1
	err = r.repeat(t.Context(), connect.Retry(errRegistry, 0), func() error {
		attempts++
		if attempts == 20 {
			return nil
		}
		return connect.Retry(errRegistry, 0)
	})
	return attempts, time.Since(began), err
}

func TestAnOperationIsRetriedUntilItsBudgetIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts, took, err := retried(t, 2*time.Second)
		require.ErrorIs(t, err, errRegistry)
		assert.Equal(t, 4, attempts, "at 0, 300, 900 and 2000 ms: the last pause is cut at the deadline")
		assert.Equal(t, 2*time.Second, took)
	})
}

func TestABudgetOfZeroRetriesNothingAndANegativeOneForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts, took, err := retried(t, 0)
		require.ErrorIs(t, err, errRegistry)
		assert.Equal(t, 1, attempts)
		assert.Zero(t, took)
		attempts, _, err = retried(t, -time.Millisecond)
		require.NoError(t, err)
		assert.Equal(t, 20, attempts)
	})
}

func TestAnOperationSaysItselfWhenToRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &retries{
			budget: time.Hour, longest: time.Minute, metrics: &newMetrics(metrics.Sampling{}).task(TaskID{Connector: "c"}).errors, health: &health{publish: func(string) {}, log: func(string) {}}, wait: sleep,
		}
		began := time.Now()
		require.NoError(t, r.repeat(t.Context(), connect.Retry(errRegistry, 7*time.Second), func() error { return nil }))
		assert.Equal(t, 7*time.Second, time.Since(began))
	})
}

// unfitUntil fails one text with a wish to be asked again, until ready is closed.
func unfitUntil(ready <-chan struct{}, text string) func(string) error {
	return func(t string) error {
		if t != text {
			return nil
		}
		select {
		case <-ready:
			return nil
		default:
			return connect.Retry(errRegistry, time.Millisecond)
		}
	}
}

func TestAConverterOfASourceIsRetriedWithTheStatusSayingWhy(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	ready := make(chan struct{})
	s.convert.fails(unfitUntil(ready, "55"))
	n := &numbers{topic: "t", last: 100, batch: 10}
	id := s.start("flow", n.script(), connect.Config{"value.converter": scriptedConverterClass, "errors.retry.timeout": "-1"})
	trace := s.shows(id, Running, "the registry is down")
	assert.Regexp(t, `^retrying: the registry is down \(since .*Z, next try within 30s\)$`, trace)
	close(ready)
	s.acknowledged(n)
	s.shows(id, Running, "")
	assert.Equal(t, numbersUpTo(100), s.values("t"))
	counts := errorCounts(t, s.worker)
	assert.NotZero(t, counts["total_retries"])
	assert.Equal(t, counts["total_retries"], counts["total_record_failures"])
	assert.Zero(t, counts["total_record_errors"])
}

func TestARetryThatRunsOutFailsTheTaskAndDropsNothing(t *testing.T) {
	t.Parallel()
	for _, timeout := range []string{"0", "20"} {
		t.Run(timeout+" ms", func(t *testing.T) {
			t.Parallel()
			s := newStage(t, []string{"t"})
			ready := make(chan struct{})
			s.convert.fails(unfitUntil(ready, "55"))
			n := &numbers{topic: "t", last: 100, batch: 10}
			id := s.start("flow", n.script(), connect.Config{"value.converter": scriptedConverterClass, "errors.retry.timeout": timeout})
			trace := s.shows(id, Failed, "VALUE_CONVERTER of the record of {source=t} at {n=55} for topic t: the registry is down")
			assert.Contains(t, trace, "raise errors.retry.timeout")
			assert.Len(t, n.receipts(), 54)
			close(ready)
			require.True(t, s.worker.RestartTask(id))
			s.acknowledged(n)
			assert.Equal(t, numbersUpTo(100), s.values("t"))
		})
	}
}

func TestARetryThatRunsOutIsReportedWhereErrorsAreTolerated(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.convert.fails(unfitUntil(nil, "55"))
	n := &numbers{topic: "t", last: 100, batch: 10}
	s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass, "errors.retry.timeout", "10"))
	s.deadLettered(n, 55)
	assert.Contains(t, headersOf(s.letters()[0]), "__connect.errors.exception.class.name=org.apache.kafka.connect.errors.RetriableException")
}

func TestAStopDuringARetrySendsWhatIsConvertedAndTheRestComesAgain(t *testing.T) {
	t.Parallel()
	for _, tolerance := range []string{"none", "all"} {
		t.Run(tolerance, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, []string{"t"})
			ready := make(chan struct{})
			s.convert.fails(unfitUntil(ready, "55"))
			n := &numbers{topic: "t", last: 100, batch: 10}
			config := connect.Config{"value.converter": scriptedConverterClass, "errors.retry.timeout": "-1", "errors.tolerance": tolerance}
			id := s.start("flow", n.script(), config)
			s.shows(id, Running, "the registry is down")
			s.stop(id)
			assert.Less(t, s.released(), 5*time.Second)
			s.shows(id, Unassigned, "")
			assert.EqualValues(t, 54, s.stored(id, n))
			assert.Equal(t, numbersUpTo(54), s.values("t"))
			close(ready)
			s.start("flow", n.script(), config)
			s.acknowledged(n)
			assert.Equal(t, numbersUpTo(100), s.values("t"), "nothing is lost or doubled")
		})
	}
}

func TestAPauseDuringARetryWaitsForIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	ready := make(chan struct{})
	s.convert.fails(unfitUntil(ready, "5"))
	n := &numbers{topic: "t", last: 10, batch: 10}
	id := s.start("flow", n.script(), connect.Config{"value.converter": scriptedConverterClass, "errors.retry.timeout": "-1"})
	s.shows(id, Running, "the registry is down")
	s.retarget(id, stores.Paused)
	close(ready)
	s.acknowledged(n)
	s.shows(id, Paused, "")
}

// counting is a transform that fails its first attempts and counts all.
type counting struct {
	failures, calls int
	closed          bool
}

func (c *counting) Apply(r *connect.Record) (bool, error) {
	if c.calls++; c.calls <= c.failures {
		return false, connect.Retry(errRegistry, time.Millisecond)
	}
	r.SetString(r.Value.Str() + "!")
	return true, nil
}

func (c *counting) Close() { c.closed = true }

func TestOnlyTheLinkThatFailsIsRetried(t *testing.T) {
	before, flaky := &counting{}, &counting{failures: 3}
	c := chain{newLink("test.Before", before, nil, false), newLink("test.Flaky", flaky, nil, false)}
	r := &retries{budget: time.Hour, longest: time.Minute, metrics: &newMetrics(metrics.Sampling{}).task(TaskID{Connector: "c"}).errors, health: &health{publish: func(string) {}, log: func(string) {}}, wait: sleep}
	var record connect.Record
	record.SetString("a")
	keep, failed := c.apply(t.Context(), &record, r)
	require.Nil(t, failed)
	assert.True(t, keep)
	assert.Equal(t, "a!!", record.Value.Str())
	assert.Equal(t, 1, before.calls)
	assert.Equal(t, 4, flaky.calls)

	flaky.calls, flaky.failures, r.budget = 0, 3, 0
	_, failed = c.apply(t.Context(), &record, r)
	require.NotNil(t, failed)
	assert.Equal(t, "test.Flaky", failed.class)
	assert.Equal(t, stageTransform, failed.stage)
}
