package connect

import "context"

// SinkConnector makes the tasks of a sink. One value serves all connectors of its class in the worker, so it holds no
// state of any of them. Optional abilities: [Splitter], [Validator], [SinkOffsetAlterer], [Remover].
type SinkConnector interface {
	// Spec is as for [SourceConnector].
	Spec() Spec
	// Open is as for [SourceConnector]. Partitions are not assigned yet.
	Open(ctx context.Context, rt SinkContext) (SinkTask, error)
}

// SinkTask writes to its system. All methods, those of its optional abilities [PreCommitter] and [Assigner] included, are called on
// the task's goroutine, one after the other.
type SinkTask interface {
	// Put takes records, in the order of each partition; never an empty batch. nil means taken: written, or safely held until PreCommit
	// covers it; until then the records belong to the task and stay as they are. An error made by [Retry] means the same batch again
	// later, with all partitions paused meanwhile; a [*BatchError] that only the records named in it failed; any other error ends the
	// task as FAILED, and its records come again. ctx ends when the task must stop.
	Put(ctx context.Context, records []SinkRecord) error
	// Close ends the task, once, last, also after a failure. ctx has the deadline; the error is logged.
	Close(ctx context.Context) error
}

// PreCommitter is a sink task that has not finished with a record when Put returns.
type PreCommitter interface {
	// PreCommit returns how far the system really has the records: put is how far Put took them. It may wait for what is in flight,
	// as long as ctx lasts. Partitions left out, and offsets beyond put, commit nothing. An error commits nothing and reads on from the
	// last committed offsets, so that records come again; one that closes a partition commits nothing.
	PreCommit(ctx context.Context, put Offsets) (safe Offsets, err error)
}

// Drainer is a [PreCommitter] that has records in flight for longer than PreCommit, which holds up Put, should wait for them.
type Drainer interface {
	// Drain waits until what Put took has been dealt with, or until ctx ends, and is followed by the PreCommit that closes all partitions.
	// What is not done by then comes again, at whoever has the partitions next.
	Drain(ctx context.Context)
}

// Assigner is a sink task that holds something for each partition.
type Assigner interface {
	// Assigned names partitions that are new to the task, before their first Put.
	Assigned(ctx context.Context, partitions []TopicPartition) error
	// Revoked names partitions that the task loses, after PreCommit and before another task gets them.
	Revoked(ctx context.Context, partitions []TopicPartition) error
}
