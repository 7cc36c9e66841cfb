package mqtt

import (
	"maps"

	"github.com/sluice-connect/sluice/connect"
)

// inflow is one session at the broker on its way into records: that of the task, or one that a task which is no more has left behind.
type inflow struct {
	subscriber *subscriber
	link       *link
	partition  *connect.Partition
	offset     connect.Offset
	journal    *journal // with exactly-once: what makes offsets instead

	rest []message // taken from the queue
	next int       // of rest
}

// fetch takes what has come, and reports whether there is something.
func (f *inflow) fetch() bool {
	if f.next == len(f.rest) {
		clear(f.rest)
		f.rest, f.next = f.subscriber.queue.take(f.rest), 0
	}
	return len(f.rest) > 0 || f.subscriber.releaseDue()
}

// beExact has offsets kept as exactly-once wants it, from the stored one on.
func (f *inflow) beExact(before connect.Offset) error {
	received, err := parseReceived(before)
	if err != nil {
		return err
	}
	f.journal = &journal{fixed: f.offset.Attrs(), live: maps.Clone(received)}
	f.subscriber.exact = &exact{used: len(received) > 0, asked: map[uint16]uint64{}}
	f.subscriber.received = received
	return nil
}

// pour maps at most so many messages into b.
func (f *inflow) pour(m *mapping, b *connect.Batch, most int) {
	if f.journal != nil {
		r, some := f.subscriber.takeRelease()
		f.journal.begin(r, min(len(f.rest)-f.next, most))
		if some {
			b.Advance(f.partition, f.journal.offset(), r.tag)
		}
	}
	start, bytes, at := f.next, 0, f.offset
	for f.next < len(f.rest) && f.next-start < most && !b.Full() {
		msg := &f.rest[f.next]
		bytes += msg.size()
		if f.journal != nil {
			f.journal.add(msg)
			at = f.journal.offset()
		}
		if !m.add(b, f.partition, at, msg) && msg.tag != 0 {
			b.Advance(f.partition, at, msg.tag)
		}
		f.next++
	}
	f.subscriber.queue.drop(f.next-start, bytes)
}
