package mqtt

import (
	"sync"
	"sync/atomic"

	"github.com/eclipse/paho.golang/packets"
)

// message is a PUBLISH on its way to Poll.
type message struct {
	pub     packets.Publish // its Properties are not nil
	tag     uint64          // what its receipt carries; 0 for QoS 0
	hash    uint64          // of topic, payload and properties, where somebody asks
	at      int64           // time of arrival, milliseconds since 1970
	tooLong int             // bytes of a payload that was not taken; 0 where the payload is there
}

// generation is that of the connection which brought the message, where it has a tag.
func (m *message) generation() uint64 { return m.tag >> 17 }

// size is what the message keeps in memory, near enough.
func (m *message) size() int { return 256 + len(m.pub.Topic) + cap(m.pub.Payload) }

// queue holds messages between the reader of the connection and Poll, bounded in number and bytes: when it is full the reader stops
// ([gate]), so that it grows beyond its bounds by what is in one delivery of the reader.
//
// push is called by the connection's reader, take and drop by Poll's goroutine. Neither holds the lock for longer than it takes to append one
// read's messages.
type queue struct {
	maxCount, maxBytes int

	mu    sync.Mutex
	fill  []message // came since the last take
	count int       // of fill and of what take gave out
	bytes int

	full  atomic.Bool
	held  atomic.Bool   // the subscriber's window is full
	ready chan struct{} // capacity 1: fill has something
	room  chan struct{} // capacity 1: no longer full or held
}

func newQueue(maxCount, maxBytes int) *queue {
	return &queue{
		maxCount: maxCount, maxBytes: maxBytes,
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
	q.fill = append(q.fill, more...)
	q.count += len(more)
	for i := range more {
		q.bytes += more[i].size()
	}
	if q.count >= q.maxCount || q.bytes >= q.maxBytes {
		q.full.Store(true)
	}
	q.mu.Unlock()
	if first {
		signal(q.ready)
	}
}

// take returns all that came since the last call, and gives the queue an empty slice to go on with. The messages count
// against the bounds until drop.
func (q *queue) take(empty []message) []message {
	q.mu.Lock()
	defer q.mu.Unlock()
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

func (q *queue) open() bool { return !q.full.Load() && !q.held.Load() }

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
