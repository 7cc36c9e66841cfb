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
	laden      connect.Offset // instead, while the session has filters of earlier runs
	journal    *journal       // with exactly-once: what makes offsets instead

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
	f.journal = &journal{live: maps.Clone(received)}
	f.subscriber.exact = &exact{used: len(received) > 0, asked: map[uint16]uint64{}}
	f.subscriber.received = received
	return nil
}

// now is the offset of messages that come now; exactly-once adds to it.
func (f *inflow) now() connect.Offset {
	if f.subscriber.laden.Load() {
		return f.laden
	}
	return f.offset
}

// pour maps at most so many messages into b.
func (f *inflow) pour(m *mapping, b *connect.Batch, most int) {
	at := f.now()
	if f.journal != nil {
		f.journal.fixed = at.Attrs()
		r, some := f.subscriber.takeRelease()
		f.journal.begin(r, min(len(f.rest)-f.next, most))
		if some {
			b.Advance(f.partition, f.journal.offset(), r.tag)
		}
	}
	start, bytes := f.next, 0
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
