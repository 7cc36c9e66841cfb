package connect

import "context"

// SourceConnector makes the tasks of a source. One value serves all connectors of its class in the worker, so it holds no
// state of any of them. Optional abilities: [Splitter], [Validator], [Watcher], [SourceOffsetAlterer], [ExactlyOnceSource],
// [TransactionDefiner], [Remover].
type SourceConnector interface {
	// Spec says who this is and which keys it takes. It is called at any time on any goroutine, needs no configuration, does no
	// input or output, and returns the same each time.
	Spec() Spec
	// Open starts one task, on the task's goroutine, with the configuration and all else in rt. ctx ends when the task is asked to
	// stop. An error made by [Retry] means again later, with the status saying why; any other error is FAILED. A failed Open
	// leaves nothing open.
	Open(ctx context.Context, rt SourceContext) (SourceTask, error)
}

// SourceTask reads from its system. Optional abilities: [Acker].
type SourceTask interface {
	// Poll waits for the first record, adds what is there to b, and returns when b is full, when there is no more at hand, or when
	// ctx ends (its error may be returned or not). It is called on the task's goroutine, one call after the other, and not while
	// earlier records fill the runtime's window: that is how back-pressure reaches the source's system. What it added counts even
	// beside an error. An error made by [Retry] means again later; any other ends the task as FAILED.
	//
	// b is reused: it must not be kept. What the records point to belongs to the runtime from then on ([Batch.Copy]).
	Poll(ctx context.Context, b *Batch) error
	// Close ends the task, once, last, on the task's goroutine, also after a failure. All that was acknowledged by then has been
	// told to Ack. ctx has the deadline; the error is logged.
	Close(ctx context.Context) error
}

// Acker is a source task that passes on to its system what Kafka has.
type Acker interface {
	// Ack says what became of records: produced, filtered, or dead-lettered. For each source partition the receipts come in the order
	// of Poll without gaps, each record once; nothing is acknowledged before everything ahead of it in its partition. Never two calls at
	// once, but beside Poll: an acknowledgement must not wait for more input. With exactly-once the call comes after the commit of
	// the transaction. The slice is reused after the call. An error ends the task as FAILED.
	Ack(ctx context.Context, done []Receipt) error
}

// Receipt says what became of one record.
type Receipt struct {
	Source *Partition
	Offset Offset
	Tag    uint64
	// Topic, KafkaPartition and KafkaOffset say where the record is; "" and -1 unless Outcome is Produced.
	Topic          string
	KafkaPartition int32
	KafkaOffset    int64
	Outcome        Outcome
}

// Outcome is what became of a source record.
type Outcome uint8

// What became of a source record. All of them mean that the source's system may forget it.
const (
	// Produced: Kafka has acknowledged it, from all in-sync replicas.
	Produced Outcome = iota
	// Filtered: a transform dropped it on purpose.
	Filtered
	// DeadLettered: it is in the dead letter queue.
	DeadLettered
	// Dropped: it was skipped because errors.tolerance=all says so.
	Dropped
	// Aborted: the task gave up its transaction ([Batch.AbortTransaction]).
	Aborted
)

// Splitter is a connector that divides its work itself. Without it a source has one task and a sink as many as tasks.max, which share the partitions;
// each has the whole configuration.
type Splitter interface {
	// Split returns the configurations of at most maxTasks tasks; none is allowed. It is called when the connector is created, changed
	// or resumed, on a goroutine of its own with a deadline. An error made by [Retry] means again later; any other makes the connector
	// FAILED. The same cfg must give the same answer as long as the source's system has not changed, else tasks restart for nothing.
	Split(ctx context.Context, cfg Config, maxTasks int) ([]Config, error)
}

// Watcher is a connector that notices when its tasks should be divided anew.
type Watcher interface {
	// Watch runs beside the tasks of a connector, on a goroutine of its own, until ctx ends, and calls split when Split would answer
	// differently. An error makes the connector FAILED; nil ends the watching.
	Watch(ctx context.Context, cfg Config, split func()) error
}

// Validator is a connector that checks more than each key by itself.
type Validator interface {
	// Validate returns what is wrong with a configuration whose keys are each valid by their own checks. It may try real connections; ctx
	// has the deadline. What only may heal, such as a server out of reach, is a Problem with Warning set.
	Validate(ctx context.Context, cfg Config) []Problem
}

// Problem is one finding about a configuration.
type Problem struct {
	Key     string // the key to change
	Message string // cause and fix, without the key and without any secret
	Warning bool   // true: logged and shown, but the configuration is accepted
}
