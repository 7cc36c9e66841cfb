package mqtt

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// message is a PUBLISH on its way to Poll.
type message struct {
	pub     packets.Publish // its Properties are not nil
	tag     uint64          // what its receipt carries; 0 for QoS 0
	hash    uint64          // of topic, payload and properties, where somebody asks
	at      int64           // time of arrival, milliseconds since 1970
	tooLong int             // bytes of a payload that was not taken; 0 where the payload is there
	dead    bool            // forgotten before anybody took it
}

// generation is that of the connection which brought the message, where it has a tag.
func (m *message) generation() uint64 { return m.tag >> 17 }

// size is what the message keeps in memory, near enough.
func (m *message) size() int { return 256 + len(m.pub.Topic) + cap(m.pub.Payload) }

// queue holds messages between the reader of the connection and Poll, bounded in number and bytes: when it is full the reader stops
// ([gate]), so that it grows beyond its bounds by what is in one delivery of the reader.
//
// With an overflow that drops, reading goes on: messages of QoS 0 beyond the bounds are forgotten, and of the others there are no more than the window.
//
// push is called by the connection's reader, take and drop by Poll's goroutine. Neither holds the lock for longer than it takes to append one
// read's messages.
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

	counts intake

	full  atomic.Bool
	held  atomic.Bool   // the subscriber's window is full
	ready chan struct{} // capacity 1: fill has something
	room  chan struct{} // capacity 1: no longer full or held
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
		maxCount: maxCount, maxBytes: maxBytes, overflow: o, counts: unseen(),
		ready: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// push appends messages. It never waits: the gate holds the reader back before the next ones.
func (q *queue) push(more []message) {
	if len(more) == 0 {
		return
	}
	q.mu.Lock()
	first := len(q.fill) == 0
	q.arrived += len(more)
	for i := range more {
		if q.overflow != blockReader && q.spill(&more[i]) {
			continue
		}
		q.fill = append(q.fill, more[i])
		q.count++
		q.bytes += more[i].size()
		if q.count >= q.maxCount || q.bytes >= q.maxBytes {
			q.full.Store(true)
		}
	}
	first = first && len(q.fill) > 0
	q.mu.Unlock()
	if first {
		signal(q.ready)
	}
}

// spill reports whether a message is forgotten because the queue is full; or it makes room for it.
func (q *queue) spill(m *message) bool {
	if m.tag != 0 || !q.full.Load() {
		return false
	}
	q.dropped++
	q.counts.dropped.Add(1)
	return q.overflow == dropNewest || !q.forgetOldest()
}

// forgetOldest forgets the oldest message of QoS 0 that nobody has taken, and reports whether there was one.
func (q *queue) forgetOldest() bool {
	for ; q.oldest < len(q.fill); q.oldest++ {
		m := &q.fill[q.oldest]
		if m.dead || m.tag != 0 {
			continue
		}
		q.count--
		q.bytes -= m.size()
		*m = message{dead: true}
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
		q.fill = slices.DeleteFunc(q.fill, func(m message) bool { return m.dead })
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

// hold stops the reader, or lets it go on as far as the queue has room.
func (q *queue) hold(held bool) {
	if q.held.Swap(held) && !held {
		signal(q.room)
	}
}

func (q *queue) open() bool { return (q.overflow != blockReader || !q.full.Load()) && !q.held.Load() }

func (q *queue) wait(quit <-chan struct{}) {
	began := time.Now()
	defer func() { q.counts.paused.Add(int(time.Since(began).Milliseconds())) }()
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
