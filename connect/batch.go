package connect

// Batch is what a source task fills during one Poll. It belongs to the runtime and is reused: it must not be kept beyond the
// call. It is not safe for concurrent use.
type Batch struct {
	recs       []SourceRecord
	maxRecords int
	maxBytes   int
	sized      int // records counted in bytes so far
	bytes      int
	arena      []byte
	ends       []TransactionEnd
}

// arenaBytes is the size of the chunks that Copy cuts from. A chunk lives as long as the last record in it.
const arenaBytes = 32 << 10

// NewBatch returns a batch that is full with so many records or so many bytes, whichever comes first. The runtime makes
// them; a connector's author needs it in benchmarks only.
func NewBatch(maxRecords, maxBytes int) *Batch {
	return &Batch{maxRecords: maxRecords, maxBytes: maxBytes}
}

// Next appends a record of a source partition and returns it to be filled. The pointer is good until the next call. Partition and
// timestamp are [NoPartition] and [NoTimestamp] until set.
func (b *Batch) Next(topic string, source *Partition, at Offset) *SourceRecord {
	if len(b.recs) == cap(b.recs) {
		b.grow()
	}
	b.recs = b.recs[:len(b.recs)+1]
	r := &b.recs[len(b.recs)-1]
	r.Topic, r.Partition, r.Timestamp = topic, NoPartition, NoTimestamp
	r.Source, r.Offset = source, at
	return r
}

// Advance adds a place without a record, for a source that has moved on and has nothing for Kafka to show for it (KIP-910). In its turn the offset of
// the source partition becomes at, with exactly-once by a transaction that may have no records; its receipt, with tag, says [Filtered].
func (b *Batch) Advance(source *Partition, at Offset, tag uint64) {
	r := b.Next("", source, at)
	r.Tag, r.advances = tag, true
}

// grow doubles the room. Slots are reused by later polls, so this ends once the largest batch has been seen.
func (b *Batch) grow() {
	grown := make([]SourceRecord, len(b.recs), max(16, 2*cap(b.recs)))
	copy(grown, b.recs)
	b.recs = grown
}

// Full reports whether the task should return. Records may be added beyond it, where they come in groups that must not be cut;
// a task that never asks puts the whole of what it has into memory.
func (b *Batch) Full() bool {
	for ; b.sized < len(b.recs); b.sized++ {
		b.bytes += b.recs[b.sized].size()
	}
	return len(b.recs) >= b.maxRecords || b.bytes >= b.maxBytes
}

// Limits returns how many records, and how many bytes, fill the batch: for what reads ahead on another's behalf.
func (b *Batch) Limits() (records, bytes int) { return b.maxRecords, b.maxBytes }

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.recs) }

// Records returns the records, shared, good until Reset.
func (b *Batch) Records() []SourceRecord { return b.recs }

// Copy returns a copy of p that lives as long as the record it is put into: for bytes in a buffer that the author reuses.
func (b *Batch) Copy(p []byte) []byte {
	if len(p) > arenaBytes/4 {
		return append([]byte(nil), p...)
	}
	if len(b.arena)+len(p) > cap(b.arena) {
		b.arena = make([]byte, 0, arenaBytes)
	}
	at := len(b.arena)
	b.arena = append(b.arena, p...)
	return b.arena[at:len(b.arena):len(b.arena)]
}

// Reset empties the batch. It clears the slots, so that no record sees what an earlier one left there. Bytes handed out by
// Copy stay good.
func (b *Batch) Reset() {
	clear(b.recs)
	b.recs, b.sized, b.bytes = b.recs[:0], 0, 0
	b.ends = b.ends[:0]
}
