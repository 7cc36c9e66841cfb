package mqtt

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"

	"github.com/sluice-connect/sluice/connect"
)

// outWaiting is how many bytes may wait for the socket before publishing pauses.
const outWaiting = 4 << 20

// publisher is the sending side's session state (MQTT 5 4.1), as paho's SessionManager. Outgoing messages stand in one queue in
// the order of Put; a prefix of it has been sent, and what is acknowledged at its head leaves it. A new connection sends again what
// was not acknowledged, in that order.
//
// Packet ids follow the place in the queue, so that an answer finds its message by arithmetic: message n has id n mod 65535 + 1. They
// are unique because the queue is never longer than that.
//
// Lock order: publisher.mu before conn.mu.
type publisher struct {
	room int // messages the queue may hold

	mu      sync.Mutex
	conn    *conn // nil while there is no connection
	quota   int   // the broker's Receive Maximum
	queue   []outgoing
	first   uint64        // number of queue[0]
	sent    int           // of queue, by this connection
	flight  int           // sent with QoS 1 or 2 and not answered
	moved   chan struct{} // capacity 1: the head has moved, a message was refused, or the connection changed
	refused int           // messages in state refusedOut
}

// outgoing is a message on its way to the broker.
type outgoing struct {
	pub    *packets.Publish // nil for a record that sends nothing
	record recordRef
	state  sendState
	code   byte      // of a refusal
	at     time.Time // when it was last sent
}

// recordRef is the record behind a message.
type recordRef struct {
	record   *connect.SinkRecord
	progress *progress
}

// progress is how far a partition is. It is guarded by the publisher's lock.
type progress struct {
	partition connect.TopicPartition
	next      int64 // the offset after the last settled record; negative for none yet
}

// transient reports whether the broker may take the same message later.
func transient(code byte) bool { return code == 0x80 || code == 0x83 || code == 0x97 }

// answerText is what MQTT 5 calls a reason code of PUBACK.
func answerText(code byte) string {
	return strings.TrimSuffix((&packets.Puback{ReasonCode: code}).Reason(), ".")
}

// sendState is how far a message is.
type sendState uint8

const (
	unsent     sendState = iota
	sentOut              // PUBLISH written
	received             // QoS 2: PUBREC came, PUBREL written
	refusedOut           // the broker does not want it
	settled              // nothing more to do
)

func newPublisher(room int) *publisher {
	return &publisher{room: min(room, 65535), moved: make(chan struct{}, 1)}
}

// idOf is the packet id of message n.
func idOf(n uint64) uint16 { return uint16(n%65535) + 1 }

// add appends a message, sends it if the window allows, and reports false, having done nothing, where the queue is full.
func (p *publisher) add(o outgoing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) >= p.room {
		return false
	}
	if o.pub == nil {
		o.state = settled
	}
	p.queue = append(p.queue, o)
	p.pump()
	return true
}

// pump sends what the window allows, in order.
func (p *publisher) pump() {
	if p.conn == nil {
		p.advance()
		return
	}
	for ; p.sent < len(p.queue); p.sent++ {
		o := &p.queue[p.sent]
		if o.state == settled || o.state == refusedOut {
			continue
		}
		if o.pub.QoS > 0 && p.flight >= p.quota || p.conn.backlog() > outWaiting {
			break
		}
		p.write(o, p.first+uint64(p.sent))
	}
	p.advance()
}

// write sends one message.
func (p *publisher) write(o *outgoing, n uint64) {
	o.at = time.Now()
	if o.state == received {
		p.flight++
		p.conn.put(appendRelease(nil, idOf(n)))
		return
	}
	if o.pub.QoS > 0 {
		o.pub.PacketID = idOf(n)
		p.flight++
	}
	_, _ = o.pub.WriteTo(p.conn)
	if o.pub.QoS == 0 {
		o.state = settled
	} else {
		o.state = sentOut
	}
}

// appendRelease appends PUBREL.
func appendRelease(b []byte, id uint16) []byte {
	return append(b, packets.PUBREL<<4|2, 2, byte(id>>8), byte(id))
}

// advance drops what is settled at the head.
func (p *publisher) advance() {
	n := 0
	for n < len(p.queue) && p.queue[n].state == settled {
		ref := p.queue[n].record
		ref.progress.next = ref.record.Offset + 1
		n++
	}
	if n == 0 {
		return
	}
	p.first += uint64(n)
	p.sent = max(0, p.sent-n)
	clear(p.queue[:n])
	p.queue = p.queue[n:]
	signal(p.moved)
}

// ConAckReceived begins a connection: everything in the queue is to be sent on it, as a repetition where the broker has the session,
// as new messages where it has not.
func (p *publisher) ConAckReceived(w io.Writer, _ *packets.Connect, ack *packets.Connack) error {
	c, ok := w.(*conn)
	if !ok {
		return fmt.Errorf("connection of type %T", w)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.sent, p.flight = c, 0, 0
	p.quota = 65535
	if ack.Properties != nil && ack.Properties.ReceiveMaximum != nil {
		p.quota = int(*ack.Properties.ReceiveMaximum)
	}
	for i := range p.queue {
		o := &p.queue[i]
		switch {
		case o.state == received && !ack.SessionPresent:
			o.state, o.pub.Duplicate = unsent, false
		case o.state == sentOut:
			o.state, o.pub.Duplicate = unsent, ack.SessionPresent
		}
	}
	p.pump()
	signal(p.moved)
	return nil
}

// drained goes on after the socket has taken what waited.
func (p *publisher) drained() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pump()
}

// ConnectionLost keeps the queue for the next connection.
func (p *publisher) ConnectionLost(*packets.Disconnect) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.sent, p.flight = nil, 0, 0
	signal(p.moved)
	return nil
}

// answers takes what the server says of messages.
func (p *publisher) answers(c *conn, came []answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != c {
		return
	}
	for _, a := range came {
		switch {
		case a.kind == packets.PUBACK || a.kind == packets.PUBREC && a.code >= 0x80:
			p.answered(a.id, a.code, sentOut)
		case a.kind == packets.PUBREC:
			if o := p.find(a.id); o != nil {
				o.state = received
				c.put(appendRelease(nil, a.id))
			}
		case a.kind == packets.PUBCOMP:
			// 0x92, "not found", means that it was complete already (MQTT 5 4.3.3).
			p.answered(a.id, 0, received)
		}
	}
}

// publishes: a sink subscribes to nothing.
func (p *publisher) publishes(*conn, []message) {}

// find returns the message under way with a packet id, nil for none: an answer that nobody waits for is passed over.
func (p *publisher) find(id uint16) *outgoing {
	at := (int(id) - int(idOf(p.first)) + 65535) % 65535
	if id == 0 || at >= p.sent || p.queue[at].pub == nil {
		return nil
	}
	return &p.queue[at]
}

// answered ends a message that is in a state.
func (p *publisher) answered(id uint16, code byte, in sendState) {
	o := p.find(id)
	if o == nil || o.state != in {
		return
	}
	p.flight--
	switch {
	case transient(code):
		// The order forbids to send this one later by itself: all goes again, after the link's back-off.
		p.conn.end(fmt.Errorf("MQTT broker does not take a message on %q for now: reason code 0x%02X, %s", o.pub.Topic, code, answerText(code)))
		return
	case code >= 0x80:
		o.state, o.code = refusedOut, code
		p.refused++
		signal(p.moved)
		return
	}
	o.state = settled
	p.pump()
}

// takeRefused returns the refused messages, which stay in the queue until each is settled by forget.
func (p *publisher) takeRefused() []numbered {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused == 0 {
		return nil
	}
	var list []numbered
	for i := range p.queue {
		if o := p.queue[i]; o.state == refusedOut {
			list = append(list, numbered{p.first + uint64(i), o})
		}
	}
	return list
}

// numbered is a message and its place.
type numbered struct {
	n uint64
	outgoing
}

// forget settles a refused message.
func (p *publisher) forget(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := n - p.first; at < uint64(len(p.queue)) && p.queue[at].state == refusedOut {
		p.queue[at].state = settled
		p.refused--
		p.pump()
	}
}

// abandon forgets the records of a partition that were not sent: another task has them now.
func (p *publisher) abandon(lost *progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.queue {
		if o := &p.queue[i]; o.state == unsent && o.record.progress == lost {
			o.state, o.pub = settled, nil
		}
	}
	p.pump()
}

// safe adds to offsets how far each partition is.
func (p *publisher) safe(of map[connect.TopicPartition]*progress, offsets connect.Offsets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for partition, at := range of {
		if at.next >= 0 {
			offsets[partition] = at.next
		}
	}
}

// oldest is when the first unanswered message was sent; false where none is under way.
func (p *publisher) oldest() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.sent {
		if o := &p.queue[i]; o.state == sentOut || o.state == received {
			return o.at, true
		}
	}
	return time.Time{}, false
}

// tail is the number of the next message; all before done(tail) of them have left.
func (p *publisher) tail() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first + uint64(len(p.queue))
}

// done reports whether all messages before n have left the queue, and whether there is a connection to wait for the rest.
func (p *publisher) done(n uint64) (done, connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first >= n, p.conn != nil
}

// serverWindow is the present broker's Receive Maximum.
func (p *publisher) serverWindow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quota
}

// AddToSession is for SUBSCRIBE and paho's own publishing, neither of which the sink uses.
func (p *publisher) AddToSession(context.Context, session.Packet, chan<- packets.ControlPacket) error {
	return session.ErrNoConnection
}

// PacketReceived, Ack, Close, SetErrorLogger and SetDebugLogger complete paho's SessionManager; paho sees neither messages nor their answers.
func (p *publisher) PacketReceived(*packets.ControlPacket, chan<- *packets.Publish) error { return nil }
func (p *publisher) Ack(*packets.Publish) error                                           { return nil }
func (p *publisher) Close() error                                                         { return nil }
func (p *publisher) SetErrorLogger(log.Logger)                                            {}
func (p *publisher) SetDebugLogger(log.Logger)                                            {}

var _ session.SessionManager = (*publisher)(nil)
