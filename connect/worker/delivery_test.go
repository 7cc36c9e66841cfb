package worker

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
)

// oversized makes one number larger than any request may be.
func oversized(which int64) func(int64) int {
	return func(n int64) int {
		if n == which {
			return 2 << 20
		}
		return 0
	}
}

// withoutRepetitions requires that the values count up from 1, but for goings back to what was there before, and returns the last.
func withoutRepetitions(t *testing.T, values []string) (last int64) {
	t.Helper()
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		require.NoError(t, err)
		require.LessOrEqual(t, n, last+1, "at %d: a record has overtaken those before it", i)
		last = max(last, n)
	}
	return last
}

func TestARecordThatIsTooLargeFailsTheTaskWhenThoseBeforeItAreDelivered(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 1000, size: oversized(600)}
	id := s.start("flow", n.script(), nil)
	trace := s.shows(id, Failed, "KAFKA_PRODUCE")
	assert.Contains(t, trace, "tolerance exceeded in error handler")
	assert.Contains(t, trace, `the record of {source=t} at {n=600} for topic t`)
	assert.Contains(t, trace, "raise producer.override.max.request.size")
	assert.Len(t, n.receipts(), 599)
	assert.EqualValues(t, 599, s.stored(id, n))
	assert.EqualValues(t, 599, withoutRepetitions(t, s.values("t")), "nothing overtakes the record")
}

func TestARecordThatIsTooLargeIsDroppedWhereErrorsAreTolerated(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 100, size: oversized(55)}
	id := s.start("flow", n.script(), connect.Config{"errors.tolerance": "all"})
	s.acknowledged(n)
	for _, r := range n.receipts() {
		if r.Tag != 55 {
			require.Equal(t, connect.Produced, r.Outcome)
			continue
		}
		assert.Equal(t, connect.Receipt{
			Source: r.Source, Offset: r.Offset, Tag: 55, KafkaPartition: -1, KafkaOffset: -1, Outcome: connect.Dropped,
		}, r)
	}
	want := numbersUpTo(1000)
	assert.Equal(t, append(want[:54], want[55:]...), s.values("t"))
	s.eventually("its offset moves like any other", func() bool { return s.stored(id, n) == 1000 })
	s.shows(id, Running, "")
}

// moreThanOne reports whether a request has a batch of more than one record.
func moreThanOne(r kmsg.Request) bool {
	for _, topic := range r.(*kmsg.ProduceRequest).Topics {
		for _, p := range topic.Partitions {
			var batch kmsg.RecordBatch
			if err := batch.ReadFrom(p.Records); err != nil || batch.NumRecords > 1 {
				return true
			}
		}
	}
	return false
}

func TestABatchThatKafkaRefusesIsSentAgainOneByOne(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]*kerr.Error{"too large": kerr.MessageTooLarge, "invalid": kerr.InvalidRecord} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, []string{"t"})
			refused := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: -1, When: moreThanOne})
			n := &numbers{topic: "t", last: 100, batch: 25}
			id := s.start("flow", n.script(), nil)
			s.acknowledged(n)
			assert.NotZero(t, refused.Hits())
			assert.Equal(t, numbersUpTo(100), s.values("t"))
			assert.Equal(t, []said{{Running, ""}}, s.statuses.history(id), "Kafka is well")
		})
	}
}

func TestOneRecordThatKafkaRefusesDoesNotTakeItsBatchAlong(t *testing.T) {
	t.Parallel()
	for tolerance, last := range map[string]int{"none": 59, "all": 100} {
		t.Run(tolerance, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			require.NoError(t, s.kafka.CreateTopic("t", 1, map[string]string{"max.message.bytes": "2000"}))
			n := &numbers{topic: "t", last: 100, batch: 100, size: func(n int64) int {
				if n == 60 {
					return 3000
				}
				return 0
			}}
			id := s.start("flow", n.script(), connect.Config{"errors.tolerance": tolerance})
			want := numbersUpTo(100)
			if tolerance == "none" {
				want = want[:59]
				assert.Contains(t, s.shows(id, Failed, "{n=60}"), "check max.message.bytes of the topic")
			} else {
				want = append(want[:59], want[60:]...)
				s.acknowledged(n)
				s.shows(id, Running, "")
			}
			assert.Len(t, n.receipts(), last)
			assert.Equal(t, want, s.values("t"))
		})
	}
}

func TestEverythingUnacknowledgedComesAgainInOrderWhenTheProducerIsLost(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]*kerr.Error{
		"unknown id": kerr.UnknownProducerID, "out of order": kerr.OutOfOrderSequenceNumber, "epoch": kerr.InvalidProducerEpoch,
		"nonsense": kerr.UnknownServerError,
	} {
		for size, batch := range map[string]int{"ones": 1, "batches": 100} {
			t.Run(name+" "+size, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, []string{"t"})
				n := &numbers{topic: "t", last: 1000, batch: batch}
				lost := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err})
				id := s.start("flow", n.script(), nil)
				s.acknowledged(n)
				assert.Equal(t, 1, lost.Hits())
				assert.EqualValues(t, 1000, withoutRepetitions(t, s.values("t")))
				s.shows(id, Running, "")
				assert.Contains(t, s.statuses.history(id)[1].trace, "retrying: ", "the second that is waited is told")
			})
		}
	}
}

func TestABatchThatIsPutOffKeepsItsPlace(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 10}
	s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 5})
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(1000), s.values("t"))
	s.eventually("the complaint is taken back", func() bool {
		all := s.statuses.history(id)
		return all[len(all)-1] == said{Running, ""}
	})
}

func TestATaskThatMayNotWriteFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.ClusterAuthorizationFailed, Count: -1})
	n := &numbers{topic: "t", last: 1000, batch: 10}
	id := s.start("flow", n.script(), nil)
	s.shows(id, Failed, "check its ACLs")
	assert.Empty(t, n.receipts())
	assert.Zero(t, s.stored(id, n))
}

func TestRecordsGoOnWhereAnAcknowledgementWasLost(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 10}
	lost := 0
	s.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		if lost++; lost > 3 {
			return nil, nil, false
		}
		return nil, context.Canceled, true // the connection breaks instead of an answer
	})
	s.start("flow", n.script(), nil)
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(1000), s.values("t"))
}
