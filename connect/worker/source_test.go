package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

func TestRecordsArriveInOrderAndAreAcknowledgedWhenKafkaHasThem(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 5000, batch: 700}
	early := make(chan string, 1)
	what := n.script()
	what.ack = func(ctx context.Context, done []connect.Receipt) error {
		for _, r := range done {
			if end := s.kafka.PartitionInfo("t", 0).HighWatermark; r.KafkaOffset >= end {
				select {
				case early <- fmt.Sprintf("%d acknowledged at %d, but Kafka ends at %d", r.Tag, r.KafkaOffset, end):
				default:
				}
			}
		}
		return n.ack(ctx, done)
	}
	id := s.start("flow", what, nil)
	s.acknowledged(n)
	assert.Empty(t, early)
	for i, r := range n.receipts() {
		require.Equal(t, connect.Produced, r.Outcome)
		require.Equal(t, "t", r.Topic)
		require.EqualValues(t, 0, r.KafkaPartition)
		require.EqualValues(t, i, r.KafkaOffset)
	}
	assert.Equal(t, numbersUpTo(5000), s.values("t"))
	s.shows(id, Running, "")
	s.stop(id)
	s.released()
	s.shows(id, Unassigned, "")
	assert.EqualValues(t, 5000, s.stored(id, n))
}

func TestNothingIsAcknowledgedOrStoredBeforeKafkaAnswers(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	ahead := make(chan string, 1)
	s.offsets.put = func(_ context.Context, at map[string]int64) error {
		end := s.kafka.PartitionInfo("t", 0).HighWatermark
		for key, n := range at {
			if n > end {
				select {
				case ahead <- fmt.Sprintf("offset %d of %s, but Kafka ends at %d", n, key, end):
				default:
				}
			}
		}
		return nil
	}
	n := &numbers{topic: "t", last: 300, batch: 100}
	first := make(chan struct{})
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if n.taken() == 100 {
			select { // the rest comes when the test wants it
			case <-first:
			case <-ctx.Done():
				return nil
			}
		}
		return n.poll(ctx, b)
	}
	id := s.start("flow", what, nil)
	s.eventually("the first records stored", func() bool { return s.stored(id, n) == 100 })

	held, release := s.hold()
	close(first)
	s.eventually("all records polled", func() bool { return n.taken() == 300 })
	<-held
	assert.Len(t, n.receipts(), 100)
	assert.EqualValues(t, 100, s.stored(id, n))

	release()
	s.acknowledged(n)
	s.eventually("all offsets stored", func() bool { return s.stored(id, n) == 300 })
	assert.Empty(t, ahead)
	assert.Equal(t, numbersUpTo(300), s.values("t"))
}

func TestOffsetsThatCouldNotBeStoredAreDueAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	failures := 3
	s.offsets.put = func(context.Context, map[string]int64) error {
		if failures--; failures >= 0 {
			return errors.New("the offsets topic is away")
		}
		return nil
	}
	n := &numbers{topic: "t", last: 10, batch: 10}
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n)
	s.eventually("the offset stored after failures", func() bool { return s.stored(id, n) == 10 })
	s.shows(id, Running, "")
}

func TestARestartedTaskGoesOnAfterTheStoredOffset(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 10}
	id := s.start("flow", n.script(), nil)
	for range 3 {
		at := n.acked()
		s.eventually("progress", func() bool { return n.acked() > at || at == 1000 })
		require.True(t, s.worker.RestartTask(id))
	}
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(1000), s.values("t"), "a graceful stop repeats nothing")
}

func TestARetryOfOpenIsShownUntilItSucceeds(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 10}
	ready := make(chan struct{})
	what := n.script()
	what.open = func(ctx context.Context, rt connect.SourceContext) error {
		select {
		case <-ready:
			return n.open(ctx, rt)
		default:
			return connect.Retry(errors.New("the device sleeps"), time.Millisecond)
		}
	}
	id := s.start("flow", what, nil)
	trace := s.shows(id, Running, "the device sleeps")
	assert.Regexp(t, `^retrying: the device sleeps \(since .*Z, next try within 30s\)$`, trace)
	close(ready)
	s.shows(id, Running, "")
	s.acknowledged(n)
	assert.Len(t, s.statuses.history(id), 2, "each change is said once, however many tries there were")
}

func TestARetryOfPollWaitsAndKeepsWhatWasPolled(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 1}
	ready := make(chan struct{})
	var last time.Time
	tooSoon := make(chan time.Duration, 100)
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if n.taken() < 3 {
			if since := time.Since(last); since < 20*time.Millisecond {
				tooSoon <- since
			}
			n.fill(b) // counts, although an error comes with it
			last = time.Now()
			return connect.Retry(errors.New("the line is down"), 20*time.Millisecond)
		}
		select {
		case <-ready:
			return n.poll(ctx, b)
		default:
			return connect.Retry(errors.New("the line is down"), time.Millisecond)
		}
	}
	id := s.start("flow", what, nil)
	s.shows(id, Running, "retrying: the line is down")
	s.eventually("records beside an error", func() bool { return n.acked() == 3 })
	assert.Empty(t, tooSoon)
	close(ready)
	s.acknowledged(n)
	s.shows(id, Running, "")
	assert.Equal(t, numbersUpTo(10), s.values("t"))
}

func TestAnErrorOrAPanicFailsTheTaskAndNoOther(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"good", "bad"})
	n := &numbers{topic: "good", last: 1 << 40, batch: 10}
	good := s.start("good", n.script(), nil)
	dog := errors.New("the dog ate it")
	bad := func(change func(*script)) script {
		n := &numbers{topic: "bad", last: 10, batch: 10}
		what := n.script()
		change(&what)
		return what
	}
	for name, c := range map[string]struct {
		what  script
		trace string
	}{
		"open-error": {bad(func(w *script) { w.open = func(context.Context, connect.SourceContext) error { return dog } }), "the dog ate it"},
		"open-panic": {bad(func(w *script) { w.open = func(context.Context, connect.SourceContext) error { panic("boom") } }), "panic in Open: boom"},
		"poll-error": {bad(func(w *script) { w.poll = func(context.Context, *connect.Batch) error { return dog } }), "the dog ate it"},
		"poll-panic": {bad(func(w *script) { w.poll = func(context.Context, *connect.Batch) error { panic("boom") } }), "panic in Poll: boom"},
		"ack-error":  {bad(func(w *script) { w.ack = func(context.Context, []connect.Receipt) error { return dog } }), "the dog ate it"},
		"ack-panic":  {bad(func(w *script) { w.ack = func(context.Context, []connect.Receipt) error { panic("boom") } }), "panic in Ack: boom"},
		"not-a-try": {bad(func(w *script) {
			w.open = func(context.Context, connect.SourceContext) error { panic(connect.Retry(dog, 1)) }
		}), "panic in Open: the dog ate it"},
	} {
		closed := make(chan struct{})
		c.what.close = func(context.Context) error { close(closed); return nil }
		id := s.start(name, c.what, nil)
		trace := s.shows(id, Failed, c.trace)
		if c.what.open == nil {
			<-closed
		}
		assert.NotContains(t, trace, "retrying")
		last := s.statuses.history(id)
		assert.Equal(t, Failed, last[len(last)-1].state)
	}
	at := n.acked()
	s.eventually("the other task goes on", func() bool { return n.acked() > at })
	assert.Equal(t, []said{{Running, ""}}, s.statuses.history(good))
}

func TestAFailedTaskStartsAnewWhenItIsRestarted(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 100, batch: 10}
	opens := 0
	what := n.script()
	what.open = func(ctx context.Context, rt connect.SourceContext) error {
		opens++
		return n.open(ctx, rt)
	}
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if opens == 1 && n.taken() == 50 {
			panic("boom")
		}
		return n.poll(ctx, b)
	}
	id := s.start("flow", what, nil)
	s.shows(id, Failed, "panic in Poll: boom")
	assert.Len(t, n.receipts(), 50, "what was polled before is delivered and acknowledged")
	assert.EqualValues(t, 50, s.stored(id, n))
	require.True(t, s.worker.RestartTask(id))
	s.shows(id, Running, "")
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(100), s.values("t"))
}

func TestAPausedTaskPollsNothingUntilItIsResumed(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1 << 40, batch: 10}
	opens := 0
	what := n.script()
	what.open = func(ctx context.Context, rt connect.SourceContext) error {
		opens++
		return n.open(ctx, rt)
	}
	id := s.start("flow", what, nil)
	s.eventually("records", func() bool { return n.acked() > 100 })
	s.retarget(id, stores.Paused)
	s.shows(id, Paused, "")
	at := n.taken()
	s.eventually("what was polled before the pause is acknowledged", func() bool { return n.acked() == at })
	s.eventually("and its offset stored", func() bool { return s.stored(id, n) == at })
	assert.Equal(t, at, n.taken(), "a paused task is not polled")

	s.retarget(id, stores.Started)
	s.shows(id, Running, "")
	s.eventually("more records", func() bool { return n.acked() > at })

	s.retarget(id, stores.Paused)
	s.shows(id, Paused, "")
	s.stop(id)
	assert.Less(t, s.released(), 5*time.Second, "a stop ends a pause")
	s.shows(id, Unassigned, "")
	assert.Equal(t, 1, opens, "a pause does not close the plugin")
	assert.Equal(t, numbersUpTo(n.taken()), s.values("t"))
}

func TestAPauseEndsAPollThatWaitsForRecords(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 10}
	polls := make(chan struct{}, 10)
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		polls <- struct{}{}
		if err := n.poll(ctx, b); err != nil || b.Len() > 0 {
			return err
		}
		return ctx.Err() // which is no failure
	}
	id := s.start("flow", what, nil)
	<-polls
	<-polls // waits now
	s.retarget(id, stores.Paused)
	s.shows(id, Paused, "")
	s.retarget(id, stores.Started)
	<-polls
	s.shows(id, Running, "")
}

func TestATaskThatBeginsPausedIsNotOpened(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 10}
	opened := make(chan struct{})
	what := n.script()
	what.open = func(ctx context.Context, rt connect.SourceContext) error {
		close(opened)
		return n.open(ctx, rt)
	}
	id := s.startIn(stores.Paused, "flow", what, nil)
	s.shows(id, Paused, "")
	select {
	case <-opened:
		t.Fatal("opened although paused")
	default:
	}
	s.retarget(id, stores.Started)
	<-opened
	s.shows(id, Running, "")
	s.acknowledged(n)
}
