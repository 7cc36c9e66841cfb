package mqtt

import (
	"context"
	"fmt"
	"io"
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
// Packet ids follow the place in the queue, so that an answer finds its message by arithmetic: message n has id n mod 65533 + 1. They
// are unique because the queue is never longer than that.
//
// Lock order: publisher.mu before conn.mu.
type publisher struct {
	room    int  // messages the queue may hold
	aliased bool // mqtt.topic.alias.enabled
	nobody  nobodyPolicy
	stale   time.Duration // mqtt.stale.after.ms, for records that are held; negative for none

	mu      sync.Mutex
	conn    *conn // nil while there is no connection
	began   time.Time
	blame   bool   // an end of the connection is the broker's doing
	quota   int    // the broker's Receive Maximum
	packet  uint32 // its Maximum Packet Size, 0 for none
	aliases aliases
	queue   []outgoing
	first   uint64        // number of queue[0]
	sent    int           // of queue, all before it were sent by this connection or are held
	flight  int           // sent with QoS 1 or 2 and not answered
	moved   chan struct{} // capacity 1: the head has moved, a message was refused, or the connection changed
	refused int           // messages in state refusedOut
	suspect suspicion
	pace    pace
	due     time.Duration // how long until the pace lets the next message through
	paced   chan struct{} // capacity 1: due is set
	held    held
}

// outgoing is a message on its way to the broker.
type outgoing struct {
	pub    *packets.Publish // nil for a record that sends nothing
	record recordRef
	state  sendState
	live   bool      // under way on the present connection
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

// sendState is how far a message is.
type sendState uint8

const (
	unsent     sendState = iota
	sentOut              // PUBLISH written
	received             // QoS 2: PUBREC came, PUBREL written
	heldOut              // nobody has subscribed: it waits
	refusedOut           // the broker does not want it
	settled              // nothing more to do
)

func newPublisher(room int) *publisher {
	return &publisher{room: min(room, ids), stale: -1, moved: make(chan struct{}, 1), paced: make(chan struct{}, 1), held: newHeld()}
}

// ids is how many packet ids there are for messages: two are kept for presence.
const ids = offlineID - 1

// idOf is the packet id of message n.
func idOf(n uint64) uint16 { return uint16(n%ids) + 1 }

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

// pump sends what window and pace allow, in order.
func (p *publisher) pump() {
	for ; p.conn != nil && p.sent < len(p.queue) && !p.conn.paused.Load(); p.sent++ {
		o := &p.queue[p.sent]
		if o.live || o.state == settled || o.state == refusedOut || o.state == heldOut {
			continue
		}
		if p.held.holds(o) {
			o.state = heldOut
			continue
		}
		n := p.first + uint64(p.sent)
		if o.pub.QoS > 0 && p.flight >= p.windowAt(n) || p.conn.backlog() > outWaiting {
			break
		}
		if o.state == unsent && p.tooLong(o.pub) {
			p.refuse(o, packets.DisconnectPacketTooLarge)
			continue
		}
		if !p.mayGo(o) {
			break
		}
		p.write(o, n)
	}
	p.advance()
}

// windowAt is how many messages may be in flight when message n goes.
func (p *publisher) windowAt(n uint64) int {
	if p.suspect.careful(n) {
		return 1
	}
	return p.quota
}

// mayGo asks the pace.
func (p *publisher) mayGo(o *outgoing) bool {
	if !p.pace.limited() || o.state == received {
		return true
	}
	p.due = p.pace.take(time.Now(), len(o.pub.Topic)+len(o.pub.Payload))
	if p.due > 0 {
		signal(p.paced)
	}
	return p.due == 0
}

// pause is how long until the pace lets the next message through.
func (p *publisher) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due
}

// tooLong reports whether a packet is longer than the server takes: sending it would end the connection.
func (p *publisher) tooLong(pub *packets.Publish) bool {
	if p.packet == 0 || len(pub.Payload) < int(p.packet)/2 {
		return false
	}
	n, err := pub.WriteTo(io.Discard)
	return err == nil && n > int64(p.packet)
}

// write sends one message.
func (p *publisher) write(o *outgoing, n uint64) {
	o.at = time.Now()
	if o.state == received {
		o.live = true
		p.flight++
		p.conn.put(appendRelease(nil, idOf(n)))
		return
	}
	if o.pub.QoS > 0 {
		o.pub.PacketID = idOf(n)
		o.live = true
		p.flight++
	}
	topic := o.pub.Topic
	if number, known := p.aliases.of(topic); number != nil {
		o.pub.Properties.TopicAlias = number
		if known {
			o.pub.Topic = ""
		}
	}
	p.conn.publish(o.pub)
	o.pub.Topic, o.pub.Properties.TopicAlias = topic, nil
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
	p.began, p.blame = time.Now(), true
	p.quota, p.packet, p.aliases = 65535, 0, aliases{}
	if props := ack.Properties; props != nil {
		if props.ReceiveMaximum != nil {
			p.quota = int(*props.ReceiveMaximum)
		}
		if props.MaximumPacketSize != nil {
			p.packet = *props.MaximumPacketSize
		}
		if props.TopicAliasMaximum != nil && p.aliased {
			p.aliases = newAliases(int(*props.TopicAliasMaximum))
		}
	}
	for i := range p.queue {
		o := &p.queue[i]
		o.live = false
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

// drained goes on after the socket has taken what waited, or the pace allows more.
func (p *publisher) drained() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pump()
}

// ConnectionLost keeps the queue for the next connection.
func (p *publisher) ConnectionLost(*packets.Disconnect) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil && p.blame {
		p.look()
	}
	p.conn, p.sent, p.flight = nil, 0, 0
	signal(p.moved)
	return nil
}

// look has the suspicion judge what is in flight at an end of the connection that is not ours.
func (p *publisher) look() {
	first, last := -1, 0
	for i := range p.queue {
		if o := &p.queue[i]; o.live && o.state == sentOut {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return
	}
	if p.suspect.ended(time.Since(p.began), p.first+uint64(first), p.first+uint64(last)+1) {
		p.refuse(&p.queue[first], 0)
	}
}

// ending says that the connection is about to end because we want it.
func (p *publisher) ending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blame = false
}

// refuse hands a message to the error handling: see takeRefused. Code 0 stands for a broker that closes the connection instead.
func (p *publisher) refuse(o *outgoing, code byte) {
	o.state, o.code, o.live = refusedOut, code, false
	p.refused++
	signal(p.moved)
}

// answers takes what the server says of messages.
func (p *publisher) answers(c *conn, came []answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != c {
		return
	}
	for _, a := range came {
		switch o := p.find(a.id); {
		case presenceAnswered(c, a.kind, a.id) || o == nil:
		case a.kind == packets.PUBACK || a.kind == packets.PUBREC && a.code >= 0x80:
			p.answered(a.id, a.code, sentOut)
		case a.kind == packets.PUBREC && o.state == sentOut:
			o.state, o.code = received, a.code
			c.put(appendRelease(nil, a.id))
		case a.kind == packets.PUBCOMP:
			// 0x92, "not found", means that it was complete already (MQTT 5 4.3.3).
			p.answered(a.id, o.code, received)
		}
	}
}

// publishes: a sink subscribes to nothing.
func (p *publisher) publishes(*conn, []message) {}

// find returns the message under way with a packet id, nil for none: an answer that nobody waits for is passed over.
func (p *publisher) find(id uint16) *outgoing {
	at := (int(id) - int(idOf(p.first)) + ids) % ids
	if id == 0 || at >= len(p.queue) || !p.queue[at].live {
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
	o.live = false
	p.suspect.passed(p.first + uint64((int(id)-int(idOf(p.first))+ids)%ids))
	switch {
	case transient(code):
		// The order forbids to send this one later by itself: all goes again, after the link's back-off.
		o.live = true
		p.blame = false
		p.conn.end(fmt.Errorf("MQTT broker does not take a message on %q for now: reason code 0x%02X, %s", o.pub.Topic, code, answerText(code)))
		return
	case code >= 0x80:
		p.refuse(o, code)
	case code == packets.PubackNoMatchingSubscribers && p.nobody == nobodyFails:
		p.refuse(o, code)
	case code == packets.PubackNoMatchingSubscribers && p.nobody == nobodyWaits:
		o.state, o.code = heldOut, 0
		p.held.hold(o)
	default:
		o.state = settled
		if p.held.free(o) {
			p.release(o)
		}
	}
	p.pump()
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
