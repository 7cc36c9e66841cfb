package embedded

import (
	"cmp"
	"encoding/binary"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	// queueLen and queueBytes bound the PUBLISH packets that wait in a connection; more wait in the broker.
	queueLen   = 256
	queueBytes = 256 << 10
	// controlBytes bounds the other packets (acknowledgements, ping responses): beyond it the client is read no further.
	controlBytes = 256 << 10
	// writeSize is about how much goes into one write.
	writeSize = 64 << 10
	// lastWords is how long a closing connection has for what is still to be written, such as a DISCONNECT.
	lastWords = time.Second
)

// phase is where a connection is in its life.
type phase int

const (
	phaseOpen     phase = iota
	phaseResuming       // the broker hands over what the session had waiting; PUBLISH packets are gathered, not written
	phaseClosing        // only the last control packets are still written
	phaseClosed
)

// outgoing is an encoded PUBLISH.
type outgoing struct {
	id   uint16 // 0 for QoS 0
	data []byte
}

// mqttConn is a client's connection as the broker sees it. It takes over flow control from the broker, whose own deadlocks:
// once a client's Receive Maximum is used up, each packet of that client makes the broker read-lock the same mutex twice
// (Inflight.NextImmediate), and a publisher that wants the write lock in between stops everything. The broker is therefore
// told that no client has a limit, and this connection keeps PUBLISH packets back until the client has room (MQTT 5, 4.9).
//
// A write never blocks, because the broker writes under locks that publishers need; who may wait (the goroutine that empties
// the client's queue in the broker) calls awaitRoom first.
type mqttConn struct {
	net.Conn

	mu      sync.Mutex
	changed sync.Cond // on mu: anything below
	phase   phase
	window  int                 // the client's Receive Maximum
	control []byte              // packets other than PUBLISH
	queue   []outgoing          // PUBLISH packets in their order
	queued  int                 // bytes in queue
	flying  map[uint16]struct{} // packet identifiers written and not yet acknowledged

	// order has the packet identifiers of the session's waiting messages by age. It outlives the connection: the next one
	// of the session inherits it to send them again in order, which the broker does not.
	order map[uint16]uint64
	next  uint64

	// release ends the exclusive part of taking over a session; nil outside of it. Only the goroutine that attaches the
	// client uses it, and fanning, which says that this client's PUBLISH is being handed to subscribers.
	release func()
	fanning bool
}

func newMQTTConn(c net.Conn) *mqttConn {
	conn := &mqttConn{
		Conn:   c,
		window: 1<<16 - 1,
		flying: make(map[uint16]struct{}),
		order:  make(map[uint16]uint64),
	}
	conn.changed.L = &conn.mu
	return conn
}

// Read implements [net.Conn]. A client that does not read what it is sent is not read either.
func (c *mqttConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	for len(c.control) > controlBytes && c.phase < phaseClosing {
		c.changed.Wait()
	}
	c.mu.Unlock()
	return c.Conn.Read(p)
}

// Write implements [net.Conn]. It takes exactly one MQTT packet, and never waits.
func (c *mqttConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase >= phaseClosing {
		return 0, net.ErrClosed
	}
	if p[0]>>4 == packets.Publish {
		c.queue = append(c.queue, outgoing{id: packetID(p), data: slices.Clone(p)})
		c.queued += len(p)
	} else {
		c.control = append(c.control, p...)
	}
	c.changed.Broadcast()
	return len(p), nil
}

// packetID reads the packet identifier of an encoded PUBLISH, 0 for QoS 0 (MQTT 5, 3.3).
func packetID(p []byte) uint16 {
	if p[0]>>1&3 == 0 {
		return 0
	}
	i := 1
	for p[i]&0x80 != 0 { // the remaining length
		i++
	}
	i++
	i += 2 + int(binary.BigEndian.Uint16(p[i:])) // the topic
	return binary.BigEndian.Uint16(p[i:])
}

// awaitRoom waits until another PUBLISH may be written; there is always room while a session is resumed.
func (c *mqttConn) awaitRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.phase == phaseOpen && (len(c.queue) >= queueLen || c.queued >= queueBytes) {
		c.changed.Wait()
	}
}

// write sends what is due until the connection closes.
func (c *mqttConn) write() {
	var buf []byte
	for {
		out, open := c.due(buf[:0])
		if len(out) > 0 {
			if _, err := c.Conn.Write(out); err != nil {
				open = false
			}
		}
		if !open {
			break
		}
		buf = out
		if cap(buf) > 4*writeSize {
			buf = nil
		}
	}
	c.mu.Lock()
	c.phase = phaseClosed
	c.queue, c.control = nil, nil
	c.changed.Broadcast()
	c.mu.Unlock()
	_ = c.Conn.Close()
}

// due waits for something to write and appends it to buf; false when nothing comes after it.
func (c *mqttConn) due(buf []byte) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.phase < phaseClosing && len(c.control) == 0 && !c.mayPublish() {
		c.changed.Wait()
	}
	buf = append(buf, c.control...)
	c.control = c.control[:0]
	for len(buf) < writeSize && c.mayPublish() {
		pk := c.queue[0]
		c.queue[0] = outgoing{}
		c.queue = c.queue[1:]
		c.queued -= len(pk.data)
		if pk.id != 0 {
			c.flying[pk.id] = struct{}{}
		}
		buf = append(buf, pk.data...)
	}
	c.changed.Broadcast()
	return buf, c.phase < phaseClosing
}

func (c *mqttConn) mayPublish() bool {
	if c.phase != phaseOpen || len(c.queue) == 0 {
		return false
	}
	return c.queue[0].id == 0 || len(c.flying) < c.window
}

// Close implements [net.Conn]. What the client is still to be told is written in the background.
func (c *mqttConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase >= phaseClosing {
		return nil
	}
	c.phase = phaseClosing
	c.changed.Broadcast()
	return c.Conn.SetDeadline(time.Now().Add(lastWords))
}

// SetDeadline implements [net.Conn]; the broker sets one a packet for the client's keep alive.
func (c *mqttConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase >= phaseClosing {
		return nil
	}
	return c.Conn.SetDeadline(t)
}

// waiting notes a message that the session has to deliver.
func (c *mqttConn) waiting(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	c.order[id] = c.next
}

// settled forgets a message that was acknowledged or given up.
func (c *mqttConn) settled(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.order, id)
	delete(c.flying, id)
	c.changed.Broadcast()
}

// inherit takes over the order of the messages that the session's last connection left.
func (c *mqttConn) inherit(last *mqttConn) {
	last.mu.Lock()
	order, next := maps.Clone(last.order), last.next
	last.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order, c.next = order, next
}

// beginResume gathers the session's messages, which the broker is about to write in no order and without limit.
func (c *mqttConn) beginResume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseOpen {
		c.phase = phaseResuming
	}
}

// endResume begins to write the gathered messages, oldest first.
func (c *mqttConn) endResume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != phaseResuming {
		return
	}
	c.phase = phaseOpen
	slices.SortStableFunc(c.queue, func(a, b outgoing) int {
		return cmp.Compare(c.order[a.id], c.order[b.id]) // one without an age was being acknowledged while the session moved
	})
	c.changed.Broadcast()
}

// endAttach ends the exclusive part of attaching the client, if it has not ended yet.
func (c *mqttConn) endAttach() {
	if c.release != nil {
		c.release()
		c.release = nil
	}
}
