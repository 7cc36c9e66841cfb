package worker

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// scriptedClaim is a partition whose messages a test writes.
type scriptedClaim struct {
	fakeClaim
	messages chan *sarama.ConsumerMessage
}

func (c *scriptedClaim) Messages() <-chan *sarama.ConsumerMessage { return c.messages }

// scriptedSession is a session that lasts as long as a context.
type scriptedSession struct {
	sarama.ConsumerGroupSession
	ctx context.Context
}

func (s scriptedSession) Context() context.Context { return s.ctx }

func TestWhatIsFetchedWhileTheTaskIsBusyBecomesOnePut(t *testing.T) {
	for name, c := range map[string]struct {
		most, size int // max.poll.records, and the bytes of a record
		want       []int
	}{
		"up to what max.poll.records allows":      {most: 700, want: []int{700, 700, 100}},
		"all of it":                               {most: 5000, want: []int{1500}},
		"one by one":                              {most: 1, want: slices.Repeat([]int{1}, 1500)},
		"up to what a Put may have in bytes":      {most: 5000, size: putBytes / 500, want: []int{501, 501, 498}},
		"a record larger than a Put's bytes each": {most: 500, size: putBytes, want: slices.Repeat([]int{1}, 1500)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancel(t.Context())
				h := &groupHandler{most: c.most, batches: make(chan *fetched), paused: newPausedPartitions(), claims: newClaims()}
				claim := &scriptedClaim{messages: make(chan *sarama.ConsumerMessage, 256)}
				var working sync.WaitGroup
				working.Go(func() { assert.NoError(t, h.ConsumeClaim(scriptedSession{ctx: ctx}, claim)) })
				working.Go(func() {
					value := make([]byte, c.size)
					for o := range int64(1500) {
						claim.messages <- &sarama.ConsumerMessage{Topic: "t", Offset: o, Value: value}
					}
				})
				var offset int64
				for _, want := range c.want {
					synctest.Wait() // the task is busy until there is nothing that anybody could do
					f := <-h.batches
					require.Len(t, f.messages, want)
					for _, m := range f.messages {
						require.Equal(t, offset, m.Offset)
						offset++
					}
				}
				end()
				working.Wait()
			})
		})
	}
}

func TestAClaimThatEndsOrASessionThatEndsLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		h := &groupHandler{most: 500, batches: make(chan *fetched), paused: newPausedPartitions(), claims: newClaims()}
		consume := func() (*scriptedClaim, <-chan error) {
			claim := &scriptedClaim{messages: make(chan *sarama.ConsumerMessage, 256)}
			done := make(chan error, 1)
			claim.messages <- &sarama.ConsumerMessage{Topic: "t"}
			go func() { done <- h.ConsumeClaim(scriptedSession{ctx: ctx}, claim) }()
			synctest.Wait()
			return claim, done
		}
		ended, done := consume()
		close(ended.messages) // what came before it is handed over still
		synctest.Wait()
		require.Len(t, (<-h.batches).messages, 1)
		require.NoError(t, <-done)

		_, done = consume()
		end()
		require.NoError(t, <-done)
	})
}

func TestAPutHasNoMoreRecordsThanMaxPollRecords(t *testing.T) {
	t.Parallel()
	for most, override := range map[int]string{500: "", 3: "3"} {
		t.Run(override, func(t *testing.T) {
			t.Parallel()
			book := &sinkScriptBook{}
			script := sinkScriptKeeping(book)
			var largest int // of the task's goroutine
			script.put = func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
				largest = max(largest, len(records))
				book.add(records)
				return nil
			}
			bed := newSinkScriptBed(t, testbed.Embedded(t), script)
			if override != "" {
				bed.config["consumer.override.max.poll.records"] = override
			}
			testbed.CreateTopic(t, bed.direct, "t", 1, nil)
			bed.produce(0, 1200)
			bed.run(sinkScriptID(0))
			bed.within("1200 records", func() bool { return book.size() == 1200 })
			bed.stop()
			require.LessOrEqual(t, largest, most)
			require.Equal(t, sinkScriptRange(0, 1200), book.offsets()[sinkScriptAt(0)])
		})
	}
}
