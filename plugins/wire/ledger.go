package wire

import (
	"fmt"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// Ledger keeps, for each source partition in order, the offsets and tags of what a source task has sent until it is receipted, so that receipts need not carry
// them. It holds as many records as the host lets be under way. The zero Ledger is ready. It is safe for concurrent use by a [SourceEncoder], which adds, and
// one goroutine that calls Expand.
type Ledger struct {
	mu       sync.Mutex
	rings    []ring // by the partition's number; 0 has those of no partition
	names    names
	receipts []connect.Receipt
}

// ring is a queue of what is under way in one source partition.
type ring struct {
	source      *connect.Partition
	slots       []sentRecord // a power of two
	first, sent uint64       // ever taken out, and put in
}

type sentRecord struct {
	offset connect.Offset
	tag    uint64
}

// sent adds the records of a batch.
func (l *Ledger) sent(e *SourceEncoder, records []connect.SourceRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range records {
		r := &records[i]
		n := int(e.number(r.Source))
		if n >= len(l.rings) {
			l.rings = append(l.rings, make([]ring, n+1-len(l.rings))...)
		}
		q := &l.rings[n]
		if q.sent-q.first == uint64(len(q.slots)) {
			q.grow()
		}
		q.source = r.Source
		s := &q.slots[q.sent&uint64(len(q.slots)-1)]
		s.offset, s.tag = r.Offset, r.Tag
		q.sent++
	}
}

func (q *ring) grow() {
	grown := make([]sentRecord, max(4, 2*len(q.slots)))
	for i := q.first; i < q.sent; i++ {
		grown[i&uint64(len(grown)-1)] = q.slots[i&uint64(len(q.slots)-1)]
	}
	q.slots = grown
}

// run is a Run message.
type run struct {
	source, count, outcome uint64
	topic                  []byte
	partition              int32
	offset                 int64
}

// Expand returns the receipts that a Receipts message stands for. The slice is good until the next call. An error means that the host has broken the contract,
// and says how.
func (l *Ledger) Expand(receipts []byte) ([]connect.Receipt, error) {
	n, err := count(receipts, 0x0a)
	if err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names.begin()
	l.receipts = l.receipts[:0]
	c := over(receipts)
	for i := range n {
		c.find(0x0a)
		r, err := readRun(c.bytes)
		if err == nil {
			err = l.take(&r)
		}
		if err != nil {
			return nil, fmt.Errorf("run %d of the receipts: %w", i, err)
		}
	}
	return l.receipts, nil
}

// take takes the records of a run out of their ring.
func (l *Ledger) take(r *run) error {
	if r.source >= uint64(len(l.rings)) {
		return fmt.Errorf("source %d: nothing was sent of it", r.source)
	}
	q := &l.rings[r.source]
	if under := q.sent - q.first; r.count > under {
		return fmt.Errorf("source %d: %d records, of %d that were not receipted", r.source, r.count, under)
	}
	done := connect.Receipt{Source: q.source, Outcome: connect.Dropped, KafkaPartition: -1, KafkaOffset: -1}
	if r.outcome <= uint64(connect.Aborted) { // of one that a later version knows, this one knows that the record is done with
		done.Outcome = connect.Outcome(r.outcome)
	}
	if done.Outcome == connect.Produced {
		done.Topic, done.KafkaPartition, done.KafkaOffset = l.names.text(r.topic), r.partition, r.offset
	}
	for ; r.count > 0; r.count-- {
		s := &q.slots[q.first&uint64(len(q.slots)-1)]
		done.Offset, done.Tag = s.offset, s.tag
		*s = sentRecord{}
		q.first++
		l.receipts = append(l.receipts, done)
		if done.Outcome == connect.Produced {
			done.KafkaOffset++
		}
	}
	return nil
}

func readRun(raw []byte) (r run, err error) {
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x08:
			r.source = c.number
		case 0x10:
			r.count = c.number
		case 0x18:
			r.outcome = c.number
		case 0x22:
			r.topic = c.bytes
		case 0x28:
			r.partition = int32(c.number)
		case 0x30:
			r.offset = int64(c.number)
		}
	}
	return r, c.err
}
