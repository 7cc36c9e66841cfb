package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect"
)

func TestPollingStopsAtTheWindowAndTheStatusSaysWhyUntilKafkaAnswers(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"many", "large"})
	_, release := s.hold()
	many := &numbers{topic: "many", last: windowRecords + 2*batchRecords, batch: batchRecords}
	large := &numbers{topic: "large", last: 400, batch: 16, size: func(int64) int { return 64 << 10 }}
	sources := map[TaskID]*numbers{s.start("many", many.script(), nil): many, s.start("large", large.script(), nil): large}
	for id, n := range sources {
		assert.Regexp(t, `^retrying: Kafka at \S+: no acknowledgement: check bootstrap\.servers`, s.shows(id, Running, "no acknowledgement"))
		assert.Empty(t, n.receipts())
	}
	assert.EqualValues(t, windowRecords, many.taken())
	assert.EqualValues(t, windowBytes/(64<<10), large.taken())
	release()
	for id, n := range sources {
		s.acknowledged(n)
		s.shows(id, Running, "")
		assert.Equal(t, numbersUpTo(n.last), s.values(n.topic))
	}
}

func TestAStopWhileKafkaIsAwayEndsInTimeAndStoresNothingAhead(t *testing.T) {
	const grace = time.Second
	for name, leave := range map[string]func(*stage) (held <-chan struct{}){
		"silent": func(s *stage) <-chan struct{} {
			held, _ := s.hold()
			return held
		},
		"gone": func(s *stage) <-chan struct{} {
			s.kafka.Close()
			gone := make(chan struct{})
			close(gone)
			return gone
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, []string{"t"}, graceful(grace))
			n := &numbers{topic: "t", last: 500, batch: 100}
			more, closed := make(chan struct{}), make(chan struct{})
			what := n.script()
			what.poll = func(ctx context.Context, b *connect.Batch) error {
				if n.taken() == 100 {
					select {
					case <-more:
					case <-ctx.Done():
						return nil
					}
				}
				return n.poll(ctx, b)
			}
			what.close = func(context.Context) error { close(closed); return nil }
			id := s.start("flow", what, nil)
			s.eventually("the first offset stored", func() bool { return s.stored(id, n) == 100 })
			s.offsets.mu.Lock()
			s.offsets.put = func(ctx context.Context, _ map[string]int64) error { // its topic is away, too
				<-ctx.Done()
				return ctx.Err()
			}
			s.offsets.mu.Unlock()
			held := leave(s)
			close(more)
			<-held
			s.eventually("records under way", func() bool { return n.taken() == 500 })
			s.stop(id)
			assert.Less(t, s.released(), grace)
			<-closed
			s.shows(id, Unassigned, "")
			assert.EqualValues(t, 100, s.stored(id, n))
			assert.Len(t, n.receipts(), 100)
		})
	}
}

func TestATaskWaitsForAKafkaThatIsNotThereAndCanBeStopped(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.kafka.Close()
	n := &numbers{topic: "t", last: 10, batch: 10}
	id := s.start("flow", n.script(), nil)
	trace := s.shows(id, Running, "cannot be reached (connection refused): check bootstrap.servers")
	assert.Contains(t, trace, "retrying: ")
	s.stop(id)
	assert.Less(t, s.released(), 3*time.Second)
	s.shows(id, Unassigned, "")
	assert.Zero(t, n.taken())
}
