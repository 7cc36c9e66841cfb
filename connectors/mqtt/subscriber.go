package mqtt

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"

	"github.com/sluice-connect/sluice/connect"
)

// subscriber is the receiving side's session state (MQTT 5 4.1), as paho's SessionManager: it takes each PUBLISH straight from the
// reader into the queue, and writes PUBACK and PUBREC when the runtime says that Kafka has the record.
//
// Invariants: an acknowledgement is written only for a PUBLISH of the present connection, in the order of the PUBLISHes
// (MQTT 5 4.6), and only when its record is in Kafka. A PUBLISH of QoS 2 whose id is between PUBREC and PUBCOMP is answered, not
// produced.
//
// Lock order: subscriber.mu before conn.mu.
type subscriber struct {
	queue  *queue
	dedupe bool // mqtt.dedupe.enabled, for QoS 1; QoS 2 cannot do without
	atOnce bool // mqtt.ack.mode=received
	seed   maphash.Seed

	mu         sync.Mutex
	conn       *conn  // nil while there is no connection
	generation uint64 // of conn
	window     flights
	// carried are the messages of earlier connections whose acknowledgement was not written, by packet id. The broker cannot
	// have freed these ids, so that the same message under the same id is the same delivery.
	carried map[uint16]flight
	// settling finds a carried message by its record's tag.
	settling map[uint64]uint16
	received *idSet // QoS 2: PUBREC written, PUBREL awaited

	requests map[uint16]chan<- packets.ControlPacket // SUBSCRIBE and UNSUBSCRIBE under way
	lastID   uint16

	acks     []byte        // reused by acknowledge
	answered chan struct{} // capacity 1: acknowledgements were written
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
		queue: q, dedupe: dedupe, seed: maphash.MakeSeed(),
		requests: map[uint16]chan<- packets.ControlPacket{}, answered: make(chan struct{}, 1),
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
func (s *subscriber) ConAckReceived(w io.Writer, _ *packets.Connect, ack *packets.Connack) error {
	c, ok := w.(*conn)
	if !ok {
		return fmt.Errorf("connection of type %T", w)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	s.generation++
	if !ack.SessionPresent {
		s.carried, s.settling, s.received = nil, nil, nil
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
	for f, ok := s.window.pop(); ok; f, ok = s.window.pop() {
		if !f.qos2 && !s.dedupe {
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

// AddToSession numbers a SUBSCRIBE or UNSUBSCRIBE; resp gets its answer, or an empty packet when the connection is lost.
func (s *subscriber) AddToSession(_ context.Context, p session.Packet, resp chan<- packets.ControlPacket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return session.ErrNoConnection
	}
	for {
		s.lastID++
		if _, taken := s.requests[s.lastID]; s.lastID != 0 && s.lastID < offlineID && !taken {
			break
		}
	}
	s.requests[s.lastID] = resp
	p.SetIdentifier(s.lastID)
	return nil
}

// PacketReceived is called by the connection's reader.
func (s *subscriber) PacketReceived(p *packets.ControlPacket, _ chan<- *packets.Publish) error {
	switch content := p.Content.(type) {
	case *packets.Publish:
		s.publish(content)
	case *packets.Pubrel:
		s.release(content.PacketID)
	case *packets.Suback, *packets.Unsuback:
		s.answer(p)
	case *packets.Pubrec:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conn != nil {
			presenceAnswered(s.conn, packets.PUBREC, content.PacketID)
		}
	}
	return nil
}

// Ack is how paho passes on messages of QoS 0, the only ones that go through its router, when the router is done with them.
func (s *subscriber) Ack(pub *packets.Publish) error {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		s.queue.push(message{pub: pub, at: c.heardAt().UnixMilli()})
	}
	return nil
}

// publish queues a message of QoS 1 or 2, unless the same delivery is known already.
func (s *subscriber) publish(pub *packets.Publish) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return
	}
	f := flight{id: pub.PacketID, qos2: pub.QoS == 2}
	f.tag = tagOf(s.generation, f.qos2, f.id)
	if f.qos2 && s.received.has(f.id) {
		f.done = true
		s.window.push(f)
		s.acknowledge()
		return
	}
	if s.dedupe || f.qos2 {
		f.hash = s.hash(pub)
	}
	if known, ok := s.recall(f, pub.Duplicate); ok {
		s.window.push(known)
		s.acknowledge()
		return
	}
	f.done = s.atOnce
	s.window.push(f)
	s.queue.push(message{pub: pub, tag: f.tag, at: s.conn.heardAt().UnixMilli()})
	if s.atOnce {
		s.acknowledge()
	}
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
	return known, dup && known.qos2 == f.qos2 && known.hash == f.hash
}

// release answers PUBREL, whether or not the id is known: after a lost PUBCOMP it is not (MQTT 5 4.3.3).
func (s *subscriber) release(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return
	}
	s.received.remove(id)
	s.acks = appendAck(s.acks[:0], packets.PUBCOMP, id)
	s.conn.put(s.acks)
}

// answer passes SUBACK or UNSUBACK on to the one who asked.
func (s *subscriber) answer(p *packets.ControlPacket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply, ok := s.requests[p.PacketID()]; ok {
		reply <- *p
		delete(s.requests, p.PacketID())
	}
}

// settle takes receipts and writes the acknowledgements that they allow, all in one piece.
func (s *subscriber) settle(done []connect.Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range done {
		tag := done[i].Tag
		// A record of an earlier connection that the broker has not sent again so far.
		if id, ok := s.settling[tag]; ok {
			f := s.carried[id]
			f.done = true
			s.carried[id] = f
			delete(s.settling, tag)
		} else if tag != 0 {
			s.window.settle(tag)
		}
	}
	s.acknowledge()
}

// acknowledge writes PUBACK and PUBREC for the finished messages at the head of the window, in one piece.
func (s *subscriber) acknowledge() {
	if s.conn == nil || s.window.ripe == 0 {
		return
	}
	s.acks = s.acks[:0]
	for s.window.ripe > 0 {
		f, _ := s.window.pop()
		if f.qos2 {
			if s.received == nil {
				s.received = new(idSet)
			}
			s.received.add(f.id)
			s.acks = appendAck(s.acks, packets.PUBREC, f.id)
		} else {
			s.acks = appendAck(s.acks, packets.PUBACK, f.id)
		}
	}
	s.conn.put(s.acks)
	signal(s.answered)
}

// appendAck appends an answer of success without properties: the reason code may then be left out (MQTT 5 3.4.2.1).
func appendAck(b []byte, kind byte, id uint16) []byte {
	return append(b, kind<<4, 2, byte(id>>8), byte(id))
}

// hash identifies a message's content within this process.
func (s *subscriber) hash(pub *packets.Publish) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(pub.Topic)
	_ = h.WriteByte(0)
	_, _ = h.Write(pub.Payload)
	if p := pub.Properties; p != nil {
		_, _ = h.WriteString(p.ContentType)
		_, _ = h.WriteString(p.ResponseTopic)
		_, _ = h.Write(p.CorrelationData)
		for _, u := range p.User {
			_, _ = h.WriteString(u.Key)
			_ = h.WriteByte(0)
			_, _ = h.WriteString(u.Value)
			_ = h.WriteByte(0)
		}
	}
	return h.Sum64()
}

// Close, SetErrorLogger and SetDebugLogger complete paho's SessionManager.
func (s *subscriber) Close() error              { return nil }
func (s *subscriber) SetErrorLogger(log.Logger) {}
func (s *subscriber) SetDebugLogger(log.Logger) {}

var _ session.SessionManager = (*subscriber)(nil)
