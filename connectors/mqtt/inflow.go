package mqtt

import (
	"github.com/sluice-connect/sluice/connect"
)

// inflow is one session at the broker on its way into records: that of the task, or one that a task which is no more has left behind.
type inflow struct {
	subscriber *subscriber
	link       *link
	partition  *connect.Partition
	offset     connect.Offset

	rest []message // taken from the queue
	next int       // of rest
}

// fetch takes what has come, and reports whether there is something.
func (f *inflow) fetch() bool {
	if f.next == len(f.rest) {
		clear(f.rest)
		f.rest, f.next = f.subscriber.queue.take(f.rest), 0
	}
	return len(f.rest) > 0
}

// pour maps at most so many messages into b.
func (f *inflow) pour(m *mapping, b *connect.Batch, most int) {
	start, bytes := f.next, 0
	for f.next < len(f.rest) && f.next-start < most && !b.Full() {
		msg := &f.rest[f.next]
		bytes += msg.size()
		if !m.add(b, f.partition, f.offset, msg) {
			f.subscriber.settle([]connect.Receipt{{Tag: msg.tag, Outcome: connect.Filtered}})
		}
		f.next++
	}
	f.subscriber.queue.drop(f.next-start, bytes)
}
