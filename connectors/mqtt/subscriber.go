package mqtt

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"

	"github.com/sluice-connect/sluice/connect"
)

// subscriber is the receiving side's session state (MQTT 5 4.1), as paho's SessionManager and as the connection's flow: it takes each PUBLISH
// from the reader into the queue, and writes PUBACK and PUBREC when the runtime says that Kafka has the record.
//
// Invariants: an acknowledgement is written only for a PUBLISH of the present connection, in the order of the PUBLISHes
// (MQTT 5 4.6), and only when its record is in Kafka. A PUBLISH of QoS 2 whose record is in Kafka and which the server has not released is answered,
// not produced. No more PUBRECs than the window wait for their PUBREL: a server that keeps to the Receive Maximum never has more to answer. Mosquitto 2.0
// does not keep to it, and for each PUBREC walks the list of its deliveries from the oldest that is not complete; where those are tens of thousands it
// does nothing else.
//
// Lock order: subscriber.mu before conn.mu.
type subscriber struct {
	queue  *queue
	dedupe bool // mqtt.dedupe.enabled, for QoS 1; QoS 2 cannot do without
	atOnce bool // mqtt.ack.mode=received
	most   int  // messages that may wait for their acknowledgement before reading stops; 0 for any number

	// laden says that the session may have filters of earlier runs: offsets tell of them until they are gone, so that a next run takes them back.
	laden atomic.Bool

	mu         sync.Mutex
	conn       *conn  // nil while there is no connection
	generation uint64 // of conn
	window     flights
	// carried are the messages of earlier connections whose acknowledgement was not written, by packet id. The broker cannot
	// have freed these ids, so that the same message under the same id is the same delivery.
	carried map[uint16]flight
	// settling finds a carried message by its record's tag.
	settling map[uint64]uint16
	// received are the deliveries of QoS 2 that are in Kafka and not released: packet ids and hashes.
	received map[uint16]uint64
	// unreleased are the PUBRECs of this connection whose PUBREL has not come, which the server must send for each (MQTT 5 4.3.3). It may be less:
	// PUBRELs that answer earlier connections are not told from others.
	unreleased int
	exact      *exact // nil without exactly-once

	requests map[uint16]chan<- packets.ControlPacket // SUBSCRIBE and UNSUBSCRIBE under way
	lastID   uint16

	acks []byte // reused by acknowledge
}

// flight is a PUBLISH of QoS 1 or 2 that the broker waits to be told about.
type flight struct {
	tag  uint64 // of the record whose fate decides; another than its own connection's after a redelivery
	hash uint64 // of topic, payload and properties
	id   uint16
	qos2 bool
	done bool // Kafka has the record
}

func newSubscriber(q *queue, dedupe bool) *subscriber {
	return &subscriber{
		queue: q, dedupe: dedupe, received: map[uint16]uint64{},
		requests: map[uint16]chan<- packets.ControlPacket{},
	}
}

// unanswered is how many messages of this connection wait for their acknowledgement.
func (s *subscriber) unanswered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.n
}

// tagOf numbers a message for its receipt.
func tagOf(generation uint64, qos2 bool, id uint16) uint64 {
	tag := generation<<17 | uint64(id)
	if qos2 {
		tag |= 1 << 16
	}
	return tag
}

// ConAckReceived begins a connection. A session that the broker has lost ends all that was known of the old one.
func (s *subscriber) ConAckReceived(w io.Writer, request *packets.Connect, ack *packets.Connack) error {
	c, ok := w.(*conn)
	if !ok {
		return fmt.Errorf("connection of type %T", w)
	}
	c.announce(request.Properties)
	switch {
	case s.most > 0 && c.in.decoder.plain: // a server of MQTT 3.1.1 knows no window: each message is looked at before the next is taken
		c.in.atOnce = 1
	case s.most > 0:
		c.in.atOnce = min(messagesAtOnce, s.most)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	s.unreleased = 0
	s.generation++
	if !ack.SessionPresent {
		s.carried, s.settling = nil, nil
		clear(s.received)
		if s.exact != nil {
			s.exact.begin(s.generation)
			signal(s.queue.ready)
		}
	}
	return nil
}

// ConnectionLost ends the connection: what was not acknowledged will come again, if the broker keeps the session.
func (s *subscriber) ConnectionLost(*packets.Disconnect) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = nil
	for id, reply := range s.requests {
		reply <- packets.ControlPacket{}
		delete(s.requests, id)
	}
	s.queue.hold(false)
	for f, ok := s.window.pop(); ok; f, ok = s.window.pop() {
		if !f.qos2 && !s.dedupe || f.qos2 && f.done { // those are in received
			continue
		}
		if s.carried == nil {
			s.carried, s.settling = map[uint16]flight{}, map[uint64]uint16{}
		}
		s.carried[f.id] = f
		if !f.done {
			s.settling[f.tag] = f.id
		}
	}
	return nil
}

// AddToSession numbers a SUBSCRIBE or UNSUBSCRIBE; resp gets its answer, or an empty packet when the connection is lost. Numbers go down from the top:
// some brokers, mochi for one, do not tell a client's packet ids from their own (MQTT 5 2.2.1 does), and theirs go up.
func (s *subscriber) AddToSession(_ context.Context, p session.Packet, resp chan<- packets.ControlPacket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return session.ErrNoConnection
	}
	for taken := true; taken; {
		if s.lastID--; s.lastID == 0 || s.lastID >= offlineID {
			s.lastID = offlineID - 1
		}
		_, taken = s.requests[s.lastID]
	}
	s.requests[s.lastID] = resp
	p.SetIdentifier(s.lastID)
	s.queue.hold(s.crowded())
	return nil
}

// PacketReceived passes SUBACK or UNSUBACK on to the one who asked.
func (s *subscriber) PacketReceived(p *packets.ControlPacket, _ chan<- *packets.Publish) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply, ok := s.requests[p.PacketID()]; ok {
		reply <- *p
		delete(s.requests, p.PacketID())
		s.queue.hold(s.crowded())
	}
	return nil
}

// publishes queues messages, except those of QoS 1 and 2 whose delivery is known already. More of them than the Receive Maximum are no reason to
// end the connection (0x93, MQTT 5 4.9), because mosquitto 2.0 loses count of its window; but they are left in the socket until others have been
// acknowledged.
func (s *subscriber) publishes(c *conn, came []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return
	}
	s.queue.counts.received.Add(len(came))
	fresh := came[:0]
	for i := range came {
		if came[i].pub.QoS == 0 || s.open(&came[i]) {
			fresh = append(fresh, came[i])
		}
	}
	s.queue.counts.duplicates.Add(len(came) - len(fresh))
	s.acknowledge()
	s.queue.hold(s.crowded())
	s.queue.push(fresh)
}

// crowded reports whether more messages wait for Kafka, or behind one that does, than may. A server that keeps to the Receive Maximum never gets there, and is
// listened to all the time; MQTT 3.1.1 has none, so that reading stops when they are as many. While an answer of the server is awaited it may be twice as
// many: mosquitto sends again what a session has waiting, loses count, and has the SUBACK behind it, without which the task does not count as connected.
func (s *subscriber) crowded() bool {
	most := s.most
	if len(s.requests) > 0 {
		most *= 2
	}
	waiting := s.window.n - s.window.ripe
	return most > 0 && (waiting > most || waiting == most && s.conn != nil && s.conn.in.decoder.plain)
}

// open puts a message of QoS 1 or 2 into the window, and reports whether it must be produced.
func (s *subscriber) open(m *message) bool {
	f := flight{id: m.pub.PacketID, qos2: m.pub.QoS == 2}
	f.tag = tagOf(s.generation, f.qos2, f.id)
	if s.dedupe || f.qos2 {
		f.hash = m.identity()
		m.hash = f.hash
	}
	if f.qos2 {
		if hash, ok := s.received[f.id]; ok && hash == f.hash {
			f.done = true
			s.window.push(f)
			return false
		}
		if s.exact != nil {
			s.exact.used = true
		}
	}
	if known, ok := s.recall(f, m.pub.Duplicate); ok {
		s.window.push(known)
		return false
	}
	f.done = s.atOnce
	m.tag = f.tag
	s.window.push(f)
	return true
}

// recall finds the earlier delivery of a message in the same session. DUP alone says only that it was sent before, not that it
// came; the id alone may have been given to another message.
func (s *subscriber) recall(f flight, dup bool) (flight, bool) {
	if len(s.carried) == 0 {
		return flight{}, false
	}
	known, ok := s.carried[f.id]
	if !ok {
		return flight{}, false
	}
	delete(s.carried, f.id)
	delete(s.settling, known.tag)
	return known, (dup || f.qos2) && known.qos2 == f.qos2 && known.hash == f.hash
}

// answers answers PUBREL, whether or not the id is known: after a lost PUBCOMP it is not (MQTT 5 4.3.3). With exactly-once, one that is known waits
// until the offset says that it is released.
func (s *subscriber) answers(c *conn, came []answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return
	}
	s.acks = s.acks[:0]
	for _, a := range came {
		if a.kind != packets.PUBREL {
			presenceAnswered(c, a.kind, a.id)
			continue
		}
		s.unreleased = max(0, s.unreleased-1)
		if _, known := s.received[a.id]; known && s.exact != nil {
			s.exact.ask(a.id, s.generation)
			continue
		}
		delete(s.received, a.id)
		s.acks = appendAck(s.acks, packets.PUBCOMP, a.id)
	}
	if s.exact != nil && len(s.exact.due) > 0 {
		signal(s.queue.ready)
	}
	if len(s.acks) > 0 {
		c.put(s.acks)
	}
	s.acknowledge()
}

// settle takes receipts and writes the acknowledgements that they allow, all in one piece.
func (s *subscriber) settle(done []connect.Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range done {
		tag := done[i].Tag
		if tag&releaseTag != 0 {
			s.released()
			continue
		}
		// A record of an earlier connection that the broker has not sent again so far.
		if id, ok := s.settling[tag]; ok {
			f := s.carried[id]
			delete(s.settling, tag)
			if f.qos2 {
				delete(s.carried, id)
				s.received[id] = f.hash
				continue
			}
			f.done = true
			s.carried[id] = f
		} else if tag != 0 {
			if f := s.window.settle(tag); f != nil && f.qos2 {
				s.received[f.id] = f.hash
			}
		}
	}
	s.acknowledge()
}

// acknowledge writes PUBACK and PUBREC for the finished messages at the head of the window, in one piece, as far as they may be written.
func (s *subscriber) acknowledge() {
	if s.conn == nil {
		return
	}
	s.acks = s.acks[:0]
	for s.window.ripe > 0 {
		kind := byte(packets.PUBACK)
		if s.window.at(0).qos2 {
			if kind = packets.PUBREC; s.most > 0 && s.unreleased >= s.most {
				break
			}
			s.unreleased++
		}
		f, _ := s.window.pop()
		s.acks = appendAck(s.acks, kind, f.id)
	}
	if len(s.acks) > 0 {
		s.queue.counts.acknowledged.Add(len(s.acks) / ackBytes)
		s.conn.put(s.acks)
	}
	s.queue.hold(s.crowded())
}

// ackBytes is the length of an acknowledgement.
const ackBytes = 4

// appendAck appends an answer of success without properties: the reason code may then be left out (MQTT 5 3.4.2.1).
func appendAck(b []byte, kind byte, id uint16) []byte {
	return append(b, kind<<4, 2, byte(id>>8), byte(id))
}

// identity is a hash of the message's content, the same in every process: offsets hold it.
func (m *message) identity() uint64 {
	pub := &m.pub
	var h xxhash.Digest
	var zero [1]byte
	h.Reset()
	_, _ = h.WriteString(pub.Topic)
	_, _ = h.Write(zero[:])
	_, _ = h.Write(pub.Payload)
	if p := pub.Properties; p != noProperties {
		_, _ = h.WriteString(p.ContentType)
		_, _ = h.WriteString(p.ResponseTopic)
		_, _ = h.Write(p.CorrelationData)
		for _, u := range p.User {
			_, _ = h.WriteString(u.Key)
			_, _ = h.Write(zero[:])
			_, _ = h.WriteString(u.Value)
			_, _ = h.Write(zero[:])
		}
	}
	return h.Sum64()
}

// Ack, Close, SetErrorLogger and SetDebugLogger complete paho's SessionManager; paho sees no PUBLISH.
func (s *subscriber) Ack(*packets.Publish) error { return nil }
func (s *subscriber) Close() error               { return nil }
func (s *subscriber) SetErrorLogger(log.Logger)  {}
func (s *subscriber) SetDebugLogger(log.Logger)  {}

var _ session.SessionManager = (*subscriber)(nil)
