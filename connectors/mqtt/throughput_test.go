package mqtt

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// bareContext is a runtime that does nothing, so that a benchmark shows the connector alone.
type bareContext struct {
	connect.Partitions
	cfg     connect.Config
	metrics *connect.Metrics
	healthy chan struct{}
}

func newBareContext(cfg connect.Config) *bareContext {
	return &bareContext{cfg: cfg, metrics: connect.NewMetrics(func(cause error) { panic(cause) }), healthy: make(chan struct{}, 1)}
}

func (c *bareContext) Config() connect.Config    { return c.cfg }
func (c *bareContext) Connector() string         { return "bare" }
func (c *bareContext) TaskID() int               { return 0 }
func (c *bareContext) Log() *slog.Logger         { return slog.New(slog.DiscardHandler) }
func (c *bareContext) Metrics() *connect.Metrics { return c.metrics }
func (c *bareContext) Waiting(error, time.Time)  {}
func (c *bareContext) Healthy()                  { signal(c.healthy) }
func (c *bareContext) Fail(cause error)          { panic(cause) }

func (c *bareContext) Partition(kv ...string) *connect.Partition {
	return c.Intern(connect.Strings(kv...)...)
}
func (c *bareContext) PartitionOf(attrs ...connect.Attr) *connect.Partition {
	return c.Intern(attrs...)
}
func (c *bareContext) Offset(context.Context, *connect.Partition) (connect.Offset, error) {
	return connect.Offset{}, nil
}

func (c *bareContext) Transactional() bool { return false }

func (c *bareContext) Pause(...connect.TopicPartition)  {}
func (c *bareContext) Resume(...connect.TopicPartition) {}
func (c *bareContext) Rewind(connect.Offsets)           {}
func (c *bareContext) RequestCommit()                   {}
func (c *bareContext) Suspended() <-chan struct{}       { return nil }
func (c *bareContext) Report(_ context.Context, _ *connect.SinkRecord, cause error) error {
	return cause
}

// BenchmarkThroughMosquitto publishes 256-byte messages of QoS 1 with the sink into a source's session, and then reads them.
func BenchmarkThroughMosquitto(b *testing.B) {
	broker := testbed.StartMosquitto(b)
	const messages = 200_000
	ctx := b.Context()
	source := newBareContext(sourceConfig(broker.URL(), "c/#", "mqtt.receive.maximum", "10000"))
	open := func() connect.SourceTask {
		task, err := Source{}.Open(ctx, source)
		require.NoError(b, err)
		return task
	}
	first := open()
	<-source.healthy
	require.NoError(b, first.Close(ctx)) // the session exists from here on
	records := make([]connect.SinkRecord, 500)
	for i := range records {
		records[i].SetKey("1")
		records[i].SetBytes(make([]byte, 256))
	}
	for b.Loop() {
		rt := newBareContext(sinkConfig(broker.URL()))
		sink, err := Sink{}.Open(ctx, rt)
		require.NoError(b, err)
		<-rt.healthy
		start := time.Now()
		for range messages / len(records) {
			require.NoError(b, sink.Put(ctx, records))
		}
		for done := false; !done; done, _ = sink.(*sinkTask).publisher.done(messages) {
			_, err = sink.(*sinkTask).PreCommit(ctx, nil)
			require.NoError(b, err)
		}
		b.ReportMetric(messages/time.Since(start).Seconds(), "published/s")
		require.NoError(b, sink.Close(ctx))

		task := open().(*sourceTask)
		batch := connect.NewBatch(4096, 16<<20)
		done := make([]connect.Receipt, 0, 4096)
		start = time.Now()
		for n := 0; n < messages; n += batch.Len() {
			batch.Reset()
			require.NoError(b, task.Poll(ctx, batch))
			done = done[:0]
			for i := range batch.Records() {
				done = append(done, connect.Receipt{Tag: batch.Records()[i].Tag})
			}
			require.NoError(b, task.Ack(ctx, done))
		}
		b.ReportMetric(messages/time.Since(start).Seconds(), "received/s")
		require.NoError(b, task.Close(ctx))
	}
}
