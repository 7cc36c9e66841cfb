package connect

// ExactlyOnceSource is a source connector that can say whether each of its records reaches Kafka exactly once, where the worker puts records and
// their offsets into one transaction (exactly.once.source.support=enabled, KIP-618).
type ExactlyOnceSource interface {
	// ExactlyOnce reports whether the stored offset alone decides what comes next under cfg: a task that is opened at an offset must produce what
	// follows it, all of it and nothing else, whatever an earlier task did beyond it. exactly.once.support=required refuses a configuration for
	// which this is false, and a connector that does not implement it. It is called when a configuration is checked, on any goroutine, and does no
	// input or output.
	ExactlyOnce(cfg Config) bool
}

// TransactionDefiner is a source connector whose tasks can say where a transaction ends, by [Batch.CommitTransaction] and [Batch.AbortTransaction].
type TransactionDefiner interface {
	// DefinesTransactions reports whether the tasks will do so under cfg, in which transaction.boundary is connector. A configuration for which this
	// is false, or whose connector does not implement it, is refused: its transactions would never end. It is called as
	// [ExactlyOnceSource] is.
	DefinesTransactions(cfg Config) bool
}

// TransactionEnd is where a task ends a transaction.
type TransactionEnd struct {
	// Records is how many records of the batch come before it: 0 ends what earlier batches left open.
	Records int
	// Abort drops the records of the transaction. Their offsets are stored all the same, so that nothing sees them again.
	Abort bool
}

// CommitTransaction ends the transaction behind the records added so far: they and all before them since the last end become visible together, and
// their offsets are stored. Where nothing was added since the last end it does nothing. It counts where transaction.boundary is connector and
// the worker is exactly-once, and has no effect otherwise, so a task need not ask.
//
// A transaction that stays open longer than the producer's transaction.timeout.ms (a minute) is aborted by Kafka, and its records hold back every
// reader of committed data until it ends.
func (b *Batch) CommitTransaction() { b.ends = append(b.ends, TransactionEnd{Records: len(b.recs)}) }

// AbortTransaction ends the transaction as [Batch.CommitTransaction] does, but no reader of committed data will see its records. They count as done:
// their offsets are stored, and their receipts say [Aborted].
func (b *Batch) AbortTransaction() {
	b.ends = append(b.ends, TransactionEnd{Records: len(b.recs), Abort: true})
}

// TransactionEnds returns the ends in the order in which they were set, shared, good until Reset.
func (b *Batch) TransactionEnds() []TransactionEnd { return b.ends }
