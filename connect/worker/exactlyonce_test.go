//go:build !race

// The transaction manager of sarama reads its status without its lock while an error changes it (publishTxnPartitions), which the race detector
// finds in tests that make transactions fail. make test runs this file without the detector.

package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// scriptedFencing lets all write, unless told otherwise.
type scriptedFencing struct {
	mu         sync.Mutex
	calls      []string
	fenceError error
	superseded bool
}

func (f *scriptedFencing) Fence(_ context.Context, connector string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "fence "+connector)
	err := f.fenceError
	f.fenceError = nil
	return err
}

func (f *scriptedFencing) Current(_ context.Context, id TaskID, generation int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("current %s %d", id, generation))
	if f.superseded {
		return ErrSuperseded
	}
	return nil
}

func (f *scriptedFencing) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// exactly makes a stage's worker exactly-once, with offsets on topics.
func exactly(t *testing.T, topics []string, change ...setting) (*stage, *scriptedFencing, stores.OffsetStore) {
	t.Helper()
	s := newStage(t, topics, append(change, func(set *Settings) { set.ExactlyOnce, set.GroupID = true, "g" })...)
	fencing := &scriptedFencing{}
	s.worker.fencing = fencing
	return s, fencing, s.onTopics()
}

// committed reads what a reader of committed data sees in a topic.
func (s *stage) committed(topic string) []string {
	s.t.Helper()
	config := sarama.NewConfig()
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	consumer, err := sarama.NewConsumer(s.kafka.ListenAddrs(), config)
	require.NoError(s.t, err)
	defer func() { assert.NoError(s.t, consumer.Close()) }()
	part, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	require.NoError(s.t, err)
	defer func() { assert.NoError(s.t, part.Close()) }()
	var values []string
	for end := s.kafka.PartitionInfo(topic, 0).LastStableOffset; ; {
		select {
		case m := <-part.Messages():
			values = append(values, string(m.Value))
		case <-time.After(500 * time.Millisecond): // markers at the end have no message
			if s.kafka.PartitionInfo(topic, 0).LastStableOffset == end {
				return values
			}
			end = s.kafka.PartitionInfo(topic, 0).LastStableOffset
		}
	}
}

func TestRecordsAndOffsetsAreCommittedTogether(t *testing.T) {
	t.Parallel()
	s, fencing, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 100}
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(1000), s.committed("t"))
	assert.EqualValues(t, 1000, storedOn(t, offsets, id, n), "an acknowledged record's offset is stored")
	assert.Equal(t, []string{"fence flow", "current flow-0 0", "current flow-0 0"}, fencing.asked())
	for _, r := range n.receipts() {
		require.Equal(t, connect.Produced, r.Outcome)
		require.GreaterOrEqual(t, r.KafkaOffset, int64(r.Tag)-1)
	}
	s.shows(id, Running, "")
}

func TestNothingIsAcknowledgedBeforeItsCommit(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	gate, reached := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(reached) })
	s.kafka.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-gate:
		default:
			first()
			s.kafka.SleepControl(func() { <-gate })
		}
		return nil, nil, false
	})
	n := &numbers{topic: "t", last: 100, batch: 100}
	s.start("flow", n.script(), nil)
	<-reached
	assert.EqualValues(t, 100, s.kafka.PartitionInfo("t", 0).HighWatermark, "all are written")
	assert.Empty(t, s.committed("t"))
	assert.Zero(t, n.acked())
	close(gate)
	s.acknowledged(n)
}

func TestOffsetsOfFilteredRecordsAreInTheTransaction(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 100, batch: 10}
	poll := n.script()
	poll.poll = func(ctx context.Context, b *connect.Batch) error {
		err := n.poll(ctx, b)
		for i := range b.Records() {
			if r := &b.Records()[i]; r.Tag > 50 {
				r.Reject(errors.New("not for Kafka"))
			}
		}
		return err
	}
	id := s.start("flow", poll, connect.Config{"errors.tolerance": "all"})
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(50), s.committed("t"))
	assert.EqualValues(t, 100, storedOn(t, offsets, id, n))
}

func TestAPlaceWithoutARecordIsCommittedByItself(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 10}
	what := n.script()
	polls := 0
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if polls++; polls != 2 {
			return n.poll(ctx, b)
		}
		b.Advance(n.part, connect.At("n", 11), 11)
		return nil
	}
	id := s.start("flow", what, nil)
	s.eventually("the place's receipt", func() bool { return len(n.receipts()) == 11 })
	last := n.receipts()[10]
	assert.Equal(t, connect.Filtered, last.Outcome)
	assert.EqualValues(t, 11, last.Tag)
	assert.EqualValues(t, 11, storedOn(t, offsets, id, n))
	assert.Equal(t, numbersUpTo(10), s.committed("t"))
}

func TestALostProducersTransactionIsMadeAgain(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	var produced atomic.Int64
	fault := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber, Count: 3,
		When: func(kmsg.Request) bool { return produced.Add(1)%5 == 0 }})
	n := &numbers{topic: "t", last: 1000, batch: 50}
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n)
	assert.EqualValues(t, 3, fault.Hits())
	assert.Equal(t, numbersUpTo(1000), s.committed("t"))
	assert.EqualValues(t, 1000, storedOn(t, offsets, id, n))
}

func TestATransactionIsMadeAgainWithoutARecordThatIsTolerated(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 200, batch: 50, size: func(i int64) int { return map[bool]int{true: 2 << 20}[i == 77] }}
	id := s.start("flow", n.script(), connect.Config{"errors.tolerance": "all"})
	s.acknowledged(n)
	want := numbersUpTo(200)
	assert.Equal(t, append(want[:76:76], want[77:]...), s.committed("t"))
	assert.Equal(t, connect.Dropped, n.receipts()[76].Outcome)
	assert.EqualValues(t, 200, storedOn(t, offsets, id, n))
}

func TestARecordThatIsRefusedFailsTheTaskAndNothingOfItsTransactionIsSeen(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 200, batch: 50, size: func(i int64) int { return map[bool]int{true: 2 << 20}[i == 77] }}
	id := s.start("flow", n.script(), nil)
	s.shows(id, Failed, "KAFKA_PRODUCE")
	assert.Equal(t, numbersUpTo(50), s.committed("t"))
	assert.EqualValues(t, 50, storedOn(t, offsets, id, n))
	assert.EqualValues(t, 50, n.acked())
	assert.Equal(t, s.kafka.PartitionInfo("t", 0).HighWatermark, s.kafka.PartitionInfo("t", 0).LastStableOffset, "no reader is held up")
}

func TestATaskThatAnotherProducerFencesFails(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	more := make(chan struct{})
	n := &numbers{topic: "t", last: 200, batch: 100}
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if n.taken() == 100 {
			select {
			case <-more:
			case <-ctx.Done():
			}
		}
		return n.poll(ctx, b)
	}
	id := s.start("flow", what, nil)
	s.eventually("the first half", func() bool { return n.acked() == 100 })
	config := sarama.NewConfig()
	config.Producer.Idempotent, config.Net.MaxOpenRequests, config.Producer.RequiredAcks = true, 1, sarama.WaitForAll
	config.Producer.Transaction.ID = "g-flow-0"
	config.Producer.Return.Successes = true
	config.Version = sarama.V2_8_0_0
	other, err := sarama.NewAsyncProducer(s.kafka.ListenAddrs(), config)
	require.NoError(t, err)
	defer other.AsyncClose()
	close(more)
	s.shows(id, Failed, "another producer has taken over the transactional.id g-flow-0")
	assert.Equal(t, numbersUpTo(100), s.committed("t"))
}

func TestATaskOfAnEarlierGenerationWritesNothingAndDoesNotFail(t *testing.T) {
	t.Parallel()
	s, fencing, _ := exactly(t, []string{"t"})
	fencing.superseded = true
	n := &numbers{topic: "t", last: 100, batch: 100}
	id := s.start("flow", n.script(), nil)
	s.eventually("asked", func() bool { return len(fencing.asked()) == 2 })
	s.stop(id)
	s.released()
	assert.Empty(t, s.statuses.history(id), "it has nothing to say")
	assert.Zero(t, n.taken())
}

func TestAFencingRoundThatFailsForNowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s, fencing, _ := exactly(t, []string{"t"})
	fencing.fenceError = connect.Retry(errors.New("no leader yet"), time.Millisecond)
	n := &numbers{topic: "t", last: 100, batch: 100}
	s.start("flow", n.script(), nil)
	s.acknowledged(n)
	assert.Equal(t, []string{"fence flow", "fence flow", "current flow-0 0", "current flow-0 0"}, fencing.asked())
}

func TestTransactionsEndByTheClockAlsoWhilePollWaits(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 300, batch: 10}
	var polls atomic.Int64
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error { polls.Add(1); return n.poll(ctx, b) }
	var ends atomic.Int64
	s.kafka.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		ends.Add(1)
		return nil, nil, false
	})
	id := s.start("flow", what, connect.Config{"transaction.boundary": "interval", "transaction.boundary.interval.ms": "100"})
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(300), s.committed("t"))
	assert.EqualValues(t, 300, storedOn(t, offsets, id, n))
	assert.Less(t, ends.Load(), polls.Load(), "several batches share a transaction")
}

func TestAnOpenTransactionIsCommittedWhenTheTaskStops(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"}, func(set *Settings) { set.OffsetFlushInterval = time.Hour })
	n := &numbers{topic: "t", last: 300, batch: 100}
	id := s.start("flow", n.script(), connect.Config{"transaction.boundary": "interval"}) // with half a minute to go
	s.eventually("polled", func() bool { return n.taken() == 300 })
	s.stop(id)
	s.released()
	assert.Equal(t, numbersUpTo(300), s.committed("t"))
	assert.EqualValues(t, 300, storedOn(t, offsets, id, n))
}

// dozens ends transactions as a connector does: one every ten numbers, of which it aborts every third.
func dozens(n *numbers) script {
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		n.mu.Lock()
		left := n.polled < n.last
		n.mu.Unlock()
		if !left {
			<-ctx.Done()
			return nil
		}
		for range n.batch {
			n.mu.Lock()
			if n.polled == n.last {
				n.mu.Unlock()
				break
			}
			n.polled++
			i := n.polled
			r := b.Next(n.topic, n.part, connect.At("n", i))
			n.mu.Unlock()
			r.Tag = uint64(i)
			r.SetString(n.value(i))
			switch {
			case i%30 == 0:
				b.AbortTransaction()
				b.CommitTransaction() // the first counts
			case i%10 == 0:
				b.CommitTransaction()
			}
		}
		return nil
	}
	return what
}

func TestTransactionsEndWhereTheConnectorSaysSo(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 105, batch: 25}
	id := s.start("flow", dozens(n), connect.Config{"transaction.boundary": "connector"})
	s.eventually("the last end", func() bool { return n.acked() == 100 })
	s.stop(id)
	s.released()
	var want []string
	for i := 1; i <= 100; i++ {
		if (i-1)%30 < 20 {
			want = append(want, strconv.Itoa(i))
		}
	}
	assert.Equal(t, want, s.committed("t"))
	assert.EqualValues(t, 100, storedOn(t, offsets, id, n), "the offsets of what was aborted are stored, those of what is open are not")
	for _, r := range n.receipts() {
		if aborted := (r.Tag-1)%30 >= 20; aborted {
			require.Equal(t, connect.Receipt{Source: r.Source, Offset: r.Offset, Tag: r.Tag, KafkaPartition: -1, KafkaOffset: -1, Outcome: connect.Aborted}, r)
		} else {
			require.Equal(t, connect.Produced, r.Outcome)
		}
	}
	assert.Equal(t, s.kafka.PartitionInfo("t", 0).HighWatermark, s.kafka.PartitionInfo("t", 0).LastStableOffset, "no reader is held up")
}

func TestConnectorDefinedTransactionsSurviveALostProducer(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	var produced atomic.Int64
	fault := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber, Count: 4,
		When: func(kmsg.Request) bool { return produced.Add(1)%7 == 0 }})
	n := &numbers{topic: "t", last: 600, batch: 25}
	id := s.start("flow", dozens(n), connect.Config{"transaction.boundary": "connector"})
	s.eventually("all", func() bool { return n.acked() == 600 })
	assert.EqualValues(t, 4, fault.Hits())
	var want []string
	for i := 1; i <= 600; i++ {
		if (i-1)%30 < 20 {
			want = append(want, strconv.Itoa(i))
		}
	}
	assert.Equal(t, want, s.committed("t"))
	assert.EqualValues(t, 600, storedOn(t, offsets, id, n))
}

func TestATransactionWithoutEndFailsTheTaskBeforeItFillsTheMemory(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 1 << 40, batch: 1000}
	id := s.start("flow", n.script(), connect.Config{"transaction.boundary": "connector"})
	s.shows(id, Failed, "no end")
	assert.Empty(t, s.committed("t"))
	assert.LessOrEqual(t, n.taken(), int64(transactionRecords+2000))
}

func TestATaskMustNotWriteToTheTopicOfItsOffsets(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	n := &numbers{topic: "worker-offsets", last: 10, batch: 10}
	id := s.start("flow", n.script(), nil)
	s.shows(id, Failed, "which its offsets are stored in")
}

func TestAnExactlyOnceConnectorMayHaveATopicOfItsOwnForOffsets(t *testing.T) {
	t.Parallel()
	s, _, shared := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 100}
	id := s.start("flow", n.script(), connect.Config{"offsets.storage.topic": "own-offsets"})
	s.acknowledged(n)
	assert.EqualValues(t, 1000, storedOn(t, s.openOffsets(id), id, n))
	s.eventually("copied", func() bool { return storedOn(t, shared, id, n) == 1000 })
}

func TestDeadLettersAreInTheTransaction(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t", "dead"})
	n := &numbers{topic: "t", last: 100, batch: 10, size: func(i int64) int { return map[bool]int{true: 2 << 20}[i == 77] }}
	poll := n.script()
	poll.poll = func(ctx context.Context, b *connect.Batch) error {
		err := n.poll(ctx, b)
		for i := range b.Records() {
			if r := &b.Records()[i]; r.Tag == 33 {
				r.Reject(errors.New("not for Kafka"))
			}
		}
		return err
	}
	id := s.start("flow", poll, connect.Config{
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "1",
	})
	s.acknowledged(n)
	want := numbersUpTo(100)
	want = append(want[:76:76], want[77:]...)
	assert.Equal(t, append(want[:32:32], want[33:]...), s.committed("t"))
	assert.Len(t, s.committed("dead"), 2)
	assert.EqualValues(t, 100, storedOn(t, offsets, id, n))
	for _, at := range []int{33, 77} {
		assert.Equal(t, connect.DeadLettered, n.receipts()[at-1].Outcome)
	}
}
