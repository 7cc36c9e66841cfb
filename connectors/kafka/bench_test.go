package kafka

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// bare is a runtime that costs nothing, for benchmarks: connecttest's copies and compares.
type bare struct {
	connect.TaskContext
	connect.Partitions
	cfg connect.Config
}

func (b *bare) Config() connect.Config                               { return b.cfg }
func (b *bare) Log() *slog.Logger                                    { return slog.New(slog.DiscardHandler) }
func (b *bare) Waiting(error, time.Time)                             {}
func (b *bare) Healthy()                                             {}
func (b *bare) Transactional() bool                                  { return false }
func (b *bare) Partition(kv ...string) *connect.Partition            { return b.Intern(connect.Strings(kv...)...) }
func (b *bare) PartitionOf(attrs ...connect.Attr) *connect.Partition { return b.Intern(attrs...) }
func (b *bare) Offset(context.Context, *connect.Partition) (connect.Offset, error) {
	return connect.Offset{}, nil
}
func (b *bare) Pause(...connect.TopicPartition)                                    {}
func (b *bare) Resume(...connect.TopicPartition)                                   {}
func (b *bare) Rewind(connect.Offsets)                                             {}
func (b *bare) RequestCommit()                                                     {}
func (b *bare) Suspended() <-chan struct{}                                         { return nil }
func (b *bare) Report(_ context.Context, _ *connect.SinkRecord, cause error) error { return cause }

// The broker runs in the same process: its work is in these figures.
func BenchmarkSinkAndSource(b *testing.B) {
	addr := testbed.Embedded(b)
	testbed.CreateTopic(b, addr, "readings", 4, nil)
	ctx := b.Context()
	const batch = 500
	written := 0
	b.Run("sink", func(b *testing.B) {
		task, err := Sink{}.Open(ctx, &bare{cfg: connect.Config{"target.bootstrap.servers": addr, "partitions.preserve": "true"}})
		require.NoError(b, err)
		value := strings.Repeat("x", 256)
		b.ReportAllocs()
		for b.Loop() {
			records := make([]connect.SinkRecord, batch)
			for i := range records {
				records[i] = record("readings", int32(i%4), value)
				records[i].Consumed = connect.TopicPartition{Topic: "readings", Partition: int32(i % 4)}
			}
			require.NoError(b, task.Put(ctx, records))
			written += batch
		}
		_, err = task.(connect.PreCommitter).PreCommit(ctx, nil)
		require.NoError(b, err)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/record")
		require.NoError(b, task.Close(ctx))
	})
	b.Run("source", func(b *testing.B) {
		cfg := connect.Config{"source.bootstrap.servers": addr, "topics": "readings", assignedPartitions: "readings-0,readings-1,readings-2,readings-3"}
		task, err := Source{}.Open(ctx, &bare{cfg: cfg})
		require.NoError(b, err)
		records := connect.NewBatch(2048, 1<<20)
		b.ResetTimer()
		n := 0
		for n < written { // all there is, whatever b.N says
			records.Reset()
			require.NoError(b, task.Poll(ctx, records))
			n += records.Len()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
		b.StopTimer()
		require.NoError(b, task.Close(ctx))
	})
}
