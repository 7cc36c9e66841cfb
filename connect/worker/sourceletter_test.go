package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// intoQueue is what a source needs to have its dead letters in the topic "dead".
func intoQueue(more ...string) connect.Config {
	config := connect.Config{
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "1",
		"errors.deadletterqueue.context.headers.enable": "true",
	}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return config
}

// unfit fails one text.
func unfit(text string) func(string) error {
	return func(t string) error {
		if t == text {
			return fmt.Errorf("%w: %s does not fit", connect.ErrData, text)
		}
		return nil
	}
}

// letters reads all dead letters.
func (s *stage) letters() []*sarama.ConsumerMessage {
	s.t.Helper()
	n := int(s.kafka.PartitionInfo("dead", 0).HighWatermark)
	all := testbed.Consume(s.t, s.kafka.ListenAddrs()[0], "dead", n, within)
	require.Len(s.t, all, n)
	return all
}

// headersOf are a message's headers in order, as "name=value".
func headersOf(m *sarama.ConsumerMessage) (all []string) {
	for _, h := range m.Headers {
		all = append(all, string(h.Key)+"="+string(h.Value))
	}
	return all
}

// deadLettered requires that one number is a dead letter and all others are in their topic, each acknowledged in its turn.
func (s *stage) deadLettered(n *numbers, which int64) {
	s.t.Helper()
	s.acknowledged(n)
	for _, r := range n.receipts() {
		if int64(r.Tag) != which {
			require.Equal(s.t, connect.Produced, r.Outcome)
			continue
		}
		assert.Equal(s.t, connect.Receipt{
			Source: r.Source, Offset: r.Offset, Tag: r.Tag, KafkaPartition: -1, KafkaOffset: -1, Outcome: connect.DeadLettered,
		}, r)
	}
	want := numbersUpTo(n.last)
	assert.Equal(s.t, append(want[:which-1], want[which:]...), s.values(n.topic))
}

func TestARecordOfASourceThatCannotBeConvertedIsADeadLetterInItsTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.convert.fails(unfit("55"))
	n := &numbers{topic: "t", last: 1000, batch: 100}
	id := s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass))
	s.deadLettered(n, 55)
	s.eventually("its offset moves like any other", func() bool { return s.stored(id, n) == 1000 })
	s.shows(id, Running, "")
	letters := s.letters()
	require.Len(t, letters, 1, "the queue's topic was created")
	assert.Equal(t, "55", string(letters[0].Value))
	assert.Nil(t, letters[0].Key)
	assert.Equal(t, []string{
		"__connect.errors.topic=t", `__connect.errors.source.partition={"source":"t"}`, `__connect.errors.source.offset={"n":55}`,
		"__connect.errors.connector.name=flow", "__connect.errors.task.id=0", "__connect.errors.stage=VALUE_CONVERTER",
		"__connect.errors.class.name=" + scriptedConverterClass,
		"__connect.errors.exception.class.name=org.apache.kafka.connect.errors.DataException",
		"__connect.errors.exception.message=55 does not fit",
		"__connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: 55 does not fit\n",
	}, headersOf(letters[0]))
	assert.Equal(t, map[string]float64{
		"total_record_failures": 1, "total_record_errors": 1, "total_records_skipped": 1, "total_retries": 0, "total_errors_logged": 0,
		"deadletterqueue_produce_requests": 1, "deadletterqueue_produce_failures": 0,
	}, errorCounts(t, s.worker))
}

// errorCounts are the task-error-metrics of a worker with one task. The time of the last error has to be a recent one.
func errorCounts(t *testing.T, w *Worker) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(w.Metrics()))
	families, err := registry.Gather()
	require.NoError(t, err)
	counts := map[string]float64{}
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), "kafka_connect_task_error_metrics_")
		if !ours {
			continue
		}
		require.Len(t, f.GetMetric(), 1)
		if name == "last_error_timestamp" {
			if at := f.GetMetric()[0].GetGauge().GetValue(); at != 0 {
				assert.InDelta(t, float64(time.Now().UnixMilli()), at, 60_000)
			}
			continue
		}
		counts[name] = f.GetMetric()[0].GetCounter().GetValue()
	}
	return counts
}

func TestWithoutContextHeadersADeadLetterIsTheRecordAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.convert.fails(unfit("1"))
	n := &numbers{topic: "t", last: 1, batch: 1}
	s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass, "errors.deadletterqueue.context.headers.enable", "false"))
	s.acknowledged(n)
	assert.Empty(t, s.letters()[0].Headers)
}

func TestARejectedRecordIsADeadLetterOfWhatThereIsOfIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 3, batch: 3}
	reading := connect.StructSchema("Reading", connect.F("unit", connect.StringSchema), connect.F("degrees", connect.Float64Schema))
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if err := n.poll(ctx, b); err != nil || b.Len() == 0 {
			return err
		}
		r := &b.Records()[1]
		r.Key, r.KeySchema = connect.Bytes([]byte{0, 0xff}), connect.BytesSchema
		r.SetStruct(connect.NewStruct(reading).Set("unit", connect.String("C")).Set("degrees", connect.Float64(21.5)))
		r.Header("plant", connect.StringSchema, connect.String("north"))
		r.Timestamp = 1234567890123
		r.Reject(errors.New("a reading from the future"))
		return nil
	}
	s.start("flow", what, intoQueue())
	s.deadLettered(n, 2)
	letter := s.letters()[0]
	assert.Equal(t, []byte{0, 0xff}, letter.Key)
	assert.JSONEq(t, `{"unit":"C","degrees":21.5}`, string(letter.Value))
	assert.EqualValues(t, 1234567890123, letter.Timestamp.UnixMilli())
	headers := headersOf(letter)
	assert.Equal(t, "plant=north", headers[0])
	assert.Contains(t, headers, "__connect.errors.stage=TASK_POLL")
	assert.Contains(t, headers, "__connect.errors.class.name="+scriptedClass)
	assert.Contains(t, headers, "__connect.errors.exception.class.name=org.apache.kafka.connect.errors.ConnectException")
	assert.Contains(t, headers, "__connect.errors.exception.message=a reading from the future")
}

func TestARecordThatKafkaRefusesIsADeadLetterWithoutANewProducer(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	require.NoError(t, s.kafka.CreateTopic("t", 1, map[string]string{"max.message.bytes": "2000"}))
	n := &numbers{topic: "t", last: 100, batch: 100, size: func(n int64) int {
		if n == 60 {
			return 3000
		}
		return 0
	}}
	id := s.start("flow", n.script(), intoQueue())
	s.deadLettered(n, 60)
	s.shows(id, Running, "")
	letter := s.letters()[0]
	assert.Len(t, letter.Value, 3000, "the queue's topic takes it whole")
	headers := headersOf(letter)
	assert.Contains(t, headers, "__connect.errors.stage=KAFKA_PRODUCE")
	assert.Contains(t, headers, "__connect.errors.class.name=org.apache.kafka.connect.runtime.WorkerSourceTask")
	assert.Contains(t, headers, "__connect.errors.exception.class.name=org.apache.kafka.common.errors.RecordTooLargeException")
}

func TestADeadLetterThatIsTooLargeIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 100, batch: 100, size: oversized(60)}
	id := s.start("flow", n.script(), intoQueue())
	s.deadLettered(n, 60)
	s.shows(id, Running, "")
	letter := s.letters()[0]
	assert.Equal(t, "60", strings.TrimRight(string(letter.Value), " "))
	assert.Len(t, letter.Value, shownBytes)
	headers := headersOf(letter)
	assert.Equal(t, "__connect.errors.topic=t", headers[0])
	assert.Contains(t, headers, "__connect.errors.source.value.size=2097152")
}

func TestAQueueThatDoesNotTakeALetterFailsItsSourceWithTheTopicAndTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	require.NoError(t, s.kafka.CreateTopic("dead", 1, map[string]string{"cleanup.policy": "compact"}))
	s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: -1, When: producesTo("dead")})
	s.convert.fails(unfit("60"))
	n := &numbers{topic: "t", last: 100, batch: 100}
	id := s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass))
	trace := s.shows(id, Failed, "topic dead (errors.deadletterqueue.topic.name) does not take the dead letter of the record of {source=t} at {n=60}")
	assert.Contains(t, trace, "a compacted topic wants keys")
	assert.Len(t, n.receipts(), 59)
	assert.EqualValues(t, 59, s.stored(id, n), "the record comes again")
	assert.EqualValues(t, 1, errorCounts(t, s.worker)["deadletterqueue_produce_failures"])
}

// producesTo reports whether a request writes to a topic.
func producesTo(topic string) func(kmsg.Request) bool {
	return func(r kmsg.Request) bool {
		for _, t := range r.(*kmsg.ProduceRequest).Topics {
			if t.Topic == topic {
				return true
			}
		}
		return false
	}
}

func TestADeadLetterIsSentAgainWhenTheProducerIsLost(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "dead"})
	s.convert.fails(unfit("500"))
	lost := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownProducerID, When: producesTo("dead")})
	n := &numbers{topic: "t", last: 1000, batch: 100}
	s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass))
	s.acknowledged(n)
	assert.Equal(t, 1, lost.Hits())
	assert.Len(t, s.letters(), 1)
}

func TestARecordIsNotAcknowledgedBeforeItsDeadLetterIsInKafka(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "dead"})
	s.convert.fails(unfit("60"))
	held, gate := make(chan struct{}), make(chan struct{})
	s.kafka.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if !producesTo("dead")(r) {
			s.kafka.KeepControl()
			return nil, nil, false
		}
		close(held)
		s.kafka.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	n := &numbers{topic: "t", last: 100, batch: 1}
	more := make(chan struct{})
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if n.taken() == 59 {
			select {
			case <-more:
			case <-ctx.Done():
				return nil
			}
		}
		return n.poll(ctx, b)
	}
	id := s.start("flow", what, intoQueue("value.converter", scriptedConverterClass))
	s.eventually("those before it", func() bool { return s.stored(id, n) == 59 })
	close(more)
	<-held
	s.eventually("those behind it are polled", func() bool { return n.taken() == 100 })
	assert.EqualValues(t, 59, n.acked())
	close(gate)
	s.deadLettered(n, 60)
}

func TestWithoutToleranceARecordOfASourceStaysWithItAndIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "dead"})
	s.convert.fails(unfit("60"))
	n := &numbers{topic: "t", last: 100, batch: 100}
	id := s.start("flow", n.script(), intoQueue("value.converter", scriptedConverterClass, "errors.tolerance", "none"))
	s.shows(id, Failed, "VALUE_CONVERTER of the record of {source=t} at {n=60}")
	assert.Len(t, n.receipts(), 59)
	assert.Empty(t, s.letters())
}

func TestATopicThatCannotBeCreatedFailsTheTaskWithTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1, batch: 1}
	id := s.start("flow", n.script(), intoQueue("errors.deadletterqueue.topic.replication.factor", "3"))
	s.shows(id, Failed, "topic dead cannot have 3 replicas: create it, or set errors.deadletterqueue.topic.replication.factor")
}

func TestATopicThatIsThereIsNotCreated(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "dead"})
	s.kafka.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		assert.Fail(t, "the right to create topics is not needed")
		return nil, nil, false
	})
	n := &numbers{topic: "t", last: 1, batch: 1}
	s.start("flow", n.script(), intoQueue("errors.deadletterqueue.topic.replication.factor", "3"))
	s.acknowledged(n)
}
