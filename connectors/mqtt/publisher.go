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

// outWaiting is how many bytes may wait for the socket before publishing pauses; less than keepOut, so that their buffers stay.
const outWaiting = 256 << 10

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
	counts  output
	stale   time.Duration // mqtt.stale.after.ms, for records that are held; negative for none

	mu      sync.Mutex
	conn    *conn // nil while there is no connection
	began   time.Time
	blame   bool // an end of the connection is the broker's doing
	quota   int  // the broker's Receive Maximum
	encoder encoder
	queue   outbox
	first   uint64        // number of the queue's first
	sent    int           // of queue, all before it were sent by this connection or are held
	flight  int           // sent with QoS 1 or 2 and not answered
	moved   chan struct{} // capacity 1: the head has moved, a message was refused or is held, or the connection changed
	refused int           // messages in state refusedOut
	acked   int           // of the answers that are being taken
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
	return &publisher{room: min(room, ids), counts: ignored(), stale: -1, moved: make(chan struct{}, 1), paced: make(chan struct{}, 1), held: newHeld()}
}

// ids is how many packet ids there are for messages: two are kept for presence.
const ids = offlineID - 1

// idOf is the packet id of message n.
func idOf(n uint64) uint16 { return uint16(n%ids) + 1 }

// add appends messages, as far as the queue has room, sends what the window allows, and returns how many it took.
func (p *publisher) add(list []outgoing) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	list = list[:min(len(list), max(0, p.room-p.queue.n))]
	for i := range list {
		if list[i].pub == nil {
			list[i].state = settled
			p.counts.skipped.Add(1)
		}
		p.queue.push(list[i])
	}
	p.pump()
	return len(list)
}

// pump sends what window and pace allow, in order, all in one piece.
func (p *publisher) pump() {
	if p.conn != nil && p.sent < p.queue.n && !p.conn.paused.Load() {
		p.conn.fill(p.encode)
	}
	p.advance()
}

// encode appends what may be sent now.
func (p *publisher) encode(out []byte) []byte {
	now, written := time.Now(), 0
	for ; p.sent < p.queue.n; p.sent++ {
		o := p.queue.at(p.sent)
		if o.live || o.state == settled || o.state == refusedOut || o.state == heldOut {
			continue
		}
		if p.held.holds(o) {
			p.hold(o)
			continue
		}
		n := p.first + uint64(p.sent)
		if o.pub.QoS > 0 && p.flight >= p.windowAt(n) || len(out) > outWaiting {
			break
		}
		if o.state == unsent && p.encoder.tooLong(o.pub) {
			p.refuse(o, packets.DisconnectPacketTooLarge)
			continue
		}
		if !p.mayGo(o, now) {
			break
		}
		if o.state != received {
			written++
		}
		out = p.write(out, o, n, now)
	}
	p.counts.published.Add(written)
	return out
}

// windowAt is how many messages may be in flight when message n goes.
func (p *publisher) windowAt(n uint64) int {
	if p.suspect.careful(n) {
		return 1
	}
	return p.quota
}

// mayGo asks the pace.
func (p *publisher) mayGo(o *outgoing, now time.Time) bool {
	if !p.pace.limited() || o.state == received {
		return true
	}
	p.due = p.pace.take(now, len(o.pub.Topic)+len(o.pub.Payload))
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

// write appends one message.
func (p *publisher) write(out []byte, o *outgoing, n uint64, now time.Time) []byte {
	o.at = now
	switch {
	case o.state == received:
		o.live = true
		p.flight++
		return appendRelease(out, idOf(n))
	case o.pub.QoS == 0:
		o.state = settled
	default:
		o.state = sentOut
		o.pub.PacketID = idOf(n)
		o.live = true
		p.flight++
	}
	return p.encoder.publish(out, o.pub)
}

// appendRelease appends PUBREL.
func appendRelease(b []byte, id uint16) []byte {
	return append(b, packets.PUBREL<<4|2, 2, byte(id>>8), byte(id))
}

// advance drops what is settled at the head.
func (p *publisher) advance() {
	n := 0
	for ; p.queue.n > 0 && p.queue.at(0).state == settled; n++ {
		ref := p.queue.at(0).record
		ref.progress.next = ref.record.Offset + 1
		p.queue.drop()
	}
	if n == 0 {
		return
	}
	p.first += uint64(n)
	p.sent = max(0, p.sent-n)
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
	p.quota, p.encoder = 65535, encoder{plain: c.in.decoder.plain}
	if props := ack.Properties; props != nil {
		if props.ReceiveMaximum != nil {
			p.quota = int(*props.ReceiveMaximum)
		}
		if props.MaximumPacketSize != nil {
			p.encoder.most = int(*props.MaximumPacketSize)
		}
		if props.TopicAliasMaximum != nil && p.aliased {
			p.encoder.aliases = newAliases(int(*props.TopicAliasMaximum))
		}
	}
	for i := range p.queue.n {
		o := p.queue.at(i)
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
	for i := range p.queue.n {
		if o := p.queue.at(i); o.live && o.state == sentOut {
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
		p.refuse(p.queue.at(first), 0)
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
	p.counts.refused.Add(1)
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
	p.counts.acknowledged.Add(p.acked)
	p.acked = 0
	p.pump()
}

// publishes: a sink subscribes to nothing.
func (p *publisher) publishes(*conn, []message) {}

// find returns the message under way with a packet id, nil for none: an answer that nobody waits for is passed over.
func (p *publisher) find(id uint16) *outgoing {
	at := (int(id) - int(idOf(p.first)) + ids) % ids
	if id == 0 || at >= p.queue.n || !p.queue.at(at).live {
		return nil
	}
	return p.queue.at(at)
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
		p.hold(o)
	default:
		o.state = settled
		p.acked++
		if p.held.free(o) {
			p.release(o)
		}
	}
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
