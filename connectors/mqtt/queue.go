package mqtt

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/eclipse/paho.golang/packets"
)

// message is a PUBLISH on its way to Poll.
type message struct {
	pub *packets.Publish
	tag uint64 // what its receipt carries; 0 for QoS 0
	at  int64  // time of arrival, milliseconds since 1970
}

// size is what the message keeps in memory, near enough.
func (m *message) size() int { return 256 + len(m.pub.Topic) + cap(m.pub.Payload) }

// queue holds messages between the reader of the connection and Poll, bounded in number and bytes: when it is full the reader stops
// ([gate]), so that it grows beyond its bounds by the few packets already on their way through paho.
//
// With an overflow that drops, reading goes on: messages of QoS 0 beyond the bounds are forgotten, and of the others there are no more than the window.
//
// push is called by paho's goroutines, take and drop by Poll's. Nothing here is done per message under a lock that the other side holds
// for longer than a slice swap.
type queue struct {
	maxCount, maxBytes int
	overflow           overflow

	mu      sync.Mutex
	fill    []message // came since the last take
	count   int       // of fill and of what take gave out
	bytes   int
	dead    int // of fill, forgotten
	oldest  int // in fill: none of QoS 0 that is alive comes before
	dropped int // since the last takeDropped
	arrived int // messages ever

	full  atomic.Bool
	ready chan struct{} // capacity 1: fill has something
	room  chan struct{} // capacity 1: no longer full
}

// overflow is what happens to messages of QoS 0 when the queue is full (mqtt.qos0.overflow).
type overflow uint8

const (
	blockReader overflow = iota
	dropOldest
	dropNewest
)

var overflows = map[string]overflow{"block": blockReader, "drop_oldest": dropOldest, "drop_newest": dropNewest}

func newQueue(maxCount, maxBytes int, o overflow) *queue {
	return &queue{
		maxCount: maxCount, maxBytes: maxBytes, overflow: o,
		ready: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// push appends a message. It never waits: the gate holds the reader back before the next one.
func (q *queue) push(m message) {
	q.mu.Lock()
	if q.overflow != blockReader && m.tag == 0 && q.full.Load() {
		q.dropped++
		if q.overflow == dropNewest || !q.forgetOldest() {
			q.mu.Unlock()
			return
		}
	}
	q.fill = append(q.fill, m)
	q.count++
	q.arrived++
	q.bytes += m.size()
	first := len(q.fill) == 1
	if q.count >= q.maxCount || q.bytes >= q.maxBytes {
		q.full.Store(true)
	}
	q.mu.Unlock()
	if first {
		signal(q.ready)
	}
}

// forgetOldest forgets the oldest message of QoS 0 that nobody has taken, and reports whether there was one.
func (q *queue) forgetOldest() bool {
	for ; q.oldest < len(q.fill); q.oldest++ {
		m := &q.fill[q.oldest]
		if m.pub == nil || m.tag != 0 {
			continue
		}
		q.count--
		q.bytes -= m.size()
		*m = message{}
		if q.dead++; q.dead > len(q.fill)/2 {
			q.bury()
		}
		return true
	}
	return false
}

// bury takes what was forgotten out of fill.
func (q *queue) bury() {
	if q.dead > 0 {
		q.fill = slices.DeleteFunc(q.fill, func(m message) bool { return m.pub == nil })
	}
	q.dead, q.oldest = 0, 0
}

// takeDropped is how many messages were forgotten since the last call.
func (q *queue) takeDropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped = 0
	return n
}

// state is how many messages are here, those that take gave out and drop did not count, and how many have ever come.
func (q *queue) state() (waiting, arrived int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count, q.arrived
}

// take returns all that came since the last call, and gives the queue an empty slice to go on with. The messages count
// against the bounds until drop.
func (q *queue) take(empty []message) []message {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bury()
	got := q.fill
	q.fill = empty[:0]
	return got
}

// drop says that n messages of so many bytes have gone into records.
func (q *queue) drop(n, bytes int) {
	q.mu.Lock()
	q.count -= n
	q.bytes -= bytes
	reopened := q.full.Load() && q.count < q.maxCount && q.bytes < q.maxBytes
	if reopened {
		q.full.Store(false)
	}
	q.mu.Unlock()
	if reopened {
		signal(q.room)
	}
}

func (q *queue) open() bool { return q.overflow != blockReader || !q.full.Load() }

func (q *queue) wait(quit <-chan struct{}) {
	for !q.open() {
		select {
		case <-q.room:
		case <-quit:
			return
		}
	}
}

// signal wakes the one who waits on a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
