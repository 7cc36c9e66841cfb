package connect

import (
	"context"
	"log/slog"
	"time"
)

// TaskContext is what every task has of its runtime. All methods may be called from any goroutine, until the task's Close has
// returned.
type TaskContext interface {
	// Config is the task's configuration, with the references of config providers resolved. It does not change in a task's life.
	Config() Config
	// Connector is the name of the connector, as its owner chose it.
	Connector() string
	// TaskID is the number of the task within its connector, from 0.
	TaskID() int
	// Log writes with the connector's and task's names on each line. Values of PASSWORD keys must not be written.
	Log() *slog.Logger
	// Metrics are the task's own, beside those that the runtime keeps of every task. They live as long as the task.
	Metrics() *Metrics
	// Waiting says that the task cannot reach its system: why, and when it tries again (zero: unknown; now: it is trying for the first
	// time). The task's state stays RUNNING and its status carries `retrying: ` with cause, since when and next try, until Healthy. The
	// log has each new cause once. Repeated calls are cheap.
	Waiting(cause error, next time.Time)
	// Healthy takes Waiting back.
	Healthy()
	// Fail ends the task as FAILED with cause, for failures that happen outside the runtime's calls. Only the first counts.
	Fail(cause error)
}

// SourceContext is the runtime of a source task.
type SourceContext interface {
	TaskContext
	// Partition interns the source partition whose members are names and string values in turn. Call it once a stream, not
	// once a record.
	Partition(kv ...string) *Partition
	// PartitionOf is Partition for members of other kinds.
	PartitionOf(attrs ...Attr) *Partition
	// Offset reads the stored offset of a partition, the zero Offset where nothing is stored. It reads the offsets topic to its end,
	// which costs a round trip: at Open, not at each Poll.
	Offset(ctx context.Context, p *Partition) (Offset, error)
	// Transactional reports whether records and their offsets are stored together or not at all (exactly.once.source.support=enabled). Only then does
	// a stored offset say exactly which records are in Kafka.
	Transactional() bool
}

// SinkContext is the runtime of a sink task.
type SinkContext interface {
	TaskContext
	// Pause stops the fetching of partitions, Resume goes on; unknown partitions are ignored.
	Pause(partitions ...TopicPartition)
	Resume(partitions ...TopicPartition)
	// Rewind makes the next batch begin at these offsets, for tasks that keep their own.
	Rewind(offsets Offsets)
	// RequestCommit asks for PreCommit and an offset commit soon instead of at the next offset.flush.interval.ms.
	RequestCommit()
	// Suspended is nil while the task may write to its system. Else this worker has lost its cluster for now, and the task may be another worker's:
	// nothing is to be written before the channel is closed, and then only where Suspended is nil again. The runtime puts nothing meanwhile, but what
	// it put before is the task's to hold back. So a task that writes by itself (from a queue or a buffer, in PreCommit, in Close) asks before each
	// write to its system, which may have many records: that costs a look at the clock. What is not written stays out of what PreCommit returns.
	Suspended() <-chan struct{}
	// Report hands one record to the connector's error handling (errors.* keys) and returns when it is safe there. With
	// errors.tolerance=none it returns an error, which the task must return in turn.
	Report(ctx context.Context, record *SinkRecord, cause error) error
}

// Offsets are positions by topic partition: the offset of the next record to read, as Kafka counts them.
type Offsets map[TopicPartition]int64
