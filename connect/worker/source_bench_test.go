package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// echo is a sarama producer that acknowledges everything at once.
type echo struct {
	sarama.AsyncProducer
	through chan *sarama.ProducerMessage
}

func (e *echo) Input() chan<- *sarama.ProducerMessage     { return e.through }
func (e *echo) Successes() <-chan *sarama.ProducerMessage { return e.through }
func (e *echo) Errors() <-chan *sarama.ProducerError      { return nil }

// BenchmarkPollToAck is a record's way through all that is the worker's own: Poll's batch, converters, tracker, delivery and receipt. One operation
// is one record; sarama and Kafka are not in it.
func BenchmarkPollToAck(b *testing.B) {
	const batch = 1000
	classes, err := catalog.New(nil, nil)
	require.NoError(b, err)
	text, err := classes.Converter("org.apache.kafka.connect.storage.StringConverter")
	require.NoError(b, err)
	key, err := text.New(converters.Key, nil)
	require.NoError(b, err)
	value, err := text.New(converters.Value, nil)
	require.NoError(b, err)
	tr := newTracker(windowRecords, windowBytes)
	task := &sourceTask{
		tracker: tr, converter: &sourceConversion{key: key, value: value}, delivery: newDelivery(tr, slog.New(slog.DiscardHandler)),
	}
	task.delivery.current = newProducerSession(&kafkaclient.Producer{
		AsyncProducer: &echo{through: make(chan *sarama.ProducerMessage, 256)}, // sarama's ChannelBufferSize
	})
	task.metrics = newMetrics(metrics.Sampling{}).task(TaskID{Connector: "c"}).asSource(new(atomic.Int64))
	tr.emptied = task.metrics.emptied
	acked := 0
	task.delivery.ack = func(_ context.Context, done []connect.Receipt) error {
		task.metrics.acknowledged(done)
		acked += len(done)
		return nil
	}
	ctx := b.Context()
	end := spawn(ctx, func(ctx context.Context) { _ = task.delivery.deliver(ctx, ctx) })
	defer end()

	var names connect.Partitions
	source := names.Intern(connect.Strings("source", "a")...)
	records := connect.NewBatch(batchRecords, batchBytes)
	payload := connect.String(string(make([]byte, 256)))
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; {
		require.True(b, task.awaitRoom(ctx))
		records.Reset()
		began := time.Now()
		for range min(batch, b.N-sent) {
			r := records.Next("t", source, connect.At("n", int64(sent)))
			r.KeySchema, r.Key = connect.StringSchema, connect.String("device-1")
			r.ValueSchema, r.Value = connect.StringSchema, payload
			sent++
		}
		task.metrics.polled(records.Len(), time.Since(began))
		require.NoError(b, task.send(phases{stop: ctx, finish: ctx}, records))
	}
	for !tr.idle() {
		<-tr.room
	}
	b.StopTimer()
	end()
	require.Equal(b, b.N, acked)
}

// What is allocated belongs to batches, never to records: a record more must cost nothing. A tenth leaves room for the batches.
func TestARecordsWayAllocatesNothingOfItsOwn(t *testing.T) {
	got := testing.Benchmark(BenchmarkPollToAck)
	require.Positive(t, got.N, "the benchmark failed")
	perRecord := float64(got.MemAllocs) / float64(got.N)
	require.Less(t, perRecord, 0.1, "allocations a record, of %d records", got.N)
	t.Logf("%d records, %.4f allocations and %d bytes a record", got.N, perRecord, got.AllocedBytesPerOp())
}
