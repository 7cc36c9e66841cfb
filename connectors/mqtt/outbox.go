package mqtt

// outbox is the publisher's queue: a ring that grows with its need. The zero value is empty.
type outbox struct {
	ring []outgoing // a power of two long
	head int
	n    int
}

// at is message i from the head.
func (q *outbox) at(i int) *outgoing { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *outbox) push(o outgoing) {
	if q.n == len(q.ring) {
		ring := make([]outgoing, max(64, 2*len(q.ring)))
		for i := range q.n {
			ring[i] = *q.at(i)
		}
		q.ring, q.head = ring, 0
	}
	q.n++
	*q.at(q.n - 1) = o
}

// drop takes the first message out.
func (q *outbox) drop() {
	*q.at(0) = outgoing{} // its record may go
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
}
