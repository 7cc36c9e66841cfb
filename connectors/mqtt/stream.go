package mqtt

import (
	"errors"
	"fmt"

	"github.com/eclipse/paho.golang/packets"
)

const (
	// chunkBytes is how much one read of the socket may bring. Messages point into the chunk that they were read into, so that a chunk
	// lives as long as the last of them.
	chunkBytes = 64 << 10
	// chunkRest is the least room that is worth a read.
	chunkRest = 4 << 10
	// messagesAtOnce bounds what is handed to the flow in one piece, and so how far its bounds may be exceeded.
	messagesAtOnce = 256
	// otherMost bounds packets that are not a PUBLISH, in bytes: room for all of it is made when its length is seen.
	otherMost = 1 << 20
	// headMost is how much of a PUBLISH is read whose payload is too long: fixed header, topic, packet id, and properties if they fit.
	headMost = 128 << 10
	// payloadMost is the longest payload where nothing else is configured.
	payloadMost = 16 << 20
)

// flow takes the packets that carry messages to their end (MQTT 5 4.3), in the order in which they came, on the connection's reader. The
// slices are reused; what they point to is not.
type flow interface {
	// publishes takes PUBLISH packets.
	publishes(c *conn, came []message)
	// answers takes PUBACK, PUBREC, PUBREL and PUBCOMP packets.
	answers(c *conn, came []answer)
}

// answer is a PUBACK, PUBREC, PUBREL or PUBCOMP.
type answer struct {
	kind, code byte
	id         uint16
}

// stream cuts what the socket brings into packets. Those that the flow takes are decoded where they lie, without a copy; all others are
// passed to paho byte for byte. It belongs to the reader.
type stream struct {
	c       *conn
	decoder decoder
	most    int // longest payload that is taken, in bytes

	chunk []byte
	r, w  int  // what has been read and not taken
	lent  bool // messages point into chunk
	pass  int  // bytes from r on that are paho's
	skip  int  // bytes from r on that nobody wants
	met   bool // the first packet, CONNACK or AUTH, has been passed on

	came    []message
	answers []answer
}

// Read gives paho the packets that are its own.
func (s *stream) Read(p []byte) (int, error) {
	if s.pass == 0 {
		if err := s.advance(); err != nil {
			var broken *violation
			if errors.As(err, &broken) && !s.decoder.plain {
				s.c.put([]byte{packets.DISCONNECT << 4, 1, broken.code}) // MQTT 5 4.13.1
			}
			return 0, err
		}
	}
	if s.r == s.w {
		if err := s.fill(1); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.chunk[s.r:min(s.w, s.r+s.pass)])
	s.r += n
	s.pass -= n
	return n, nil
}

// advance takes packets until one is for paho, and leaves pass at its length.
func (s *stream) advance() error {
	for {
		if err := s.leap(); err != nil {
			return err
		}
		h, err := readHeader(s.chunk[s.r:s.w])
		switch {
		case err != nil:
			s.deliver()
			return err
		case h.size() == 0:
			err = s.more(1 + s.w - s.r)
		case h.kind != packets.PUBLISH && h.length > otherMost:
			err = &violation{packets.DisconnectPacketTooLarge, fmt.Sprintf("a packet of type %d has %d bytes", h.kind, h.size())}
		case !h.flows():
			s.deliver()
			s.pass, s.met = h.size(), true
			return nil
		case !s.met:
			err = violated("a packet of type %d comes before CONNACK (MQTT 5 3.2.0-1)", h.kind)
		default:
			if read := s.wanted(h); s.w-s.r < read {
				err = s.more(read)
			} else {
				err = s.take(h, s.chunk[s.r+h.head:s.r+read])
			}
		}
		if err != nil {
			s.deliver()
			return err
		}
	}
}

// wanted is how much of a packet is read: all, or the head of one that is much too long.
func (s *stream) wanted(h header) int {
	if h.kind == packets.PUBLISH && h.length > s.most+headMost {
		return headMost
	}
	return h.size()
}

// take decodes a packet of the flow; body is all behind its fixed header, or the beginning of that.
func (s *stream) take(h header, body []byte) error {
	if h.kind != packets.PUBLISH {
		a, err := s.decoder.answer(h, body)
		if err != nil {
			return err
		}
		if len(s.came) > 0 || len(s.answers) == messagesAtOnce {
			s.deliver()
		}
		s.answers = append(s.answers, a)
		s.skip = h.size()
		return nil
	}
	// A server of MQTT 3.1.1 knows no window: each message is looked at before the next is taken.
	if len(s.answers) > 0 || len(s.came) == messagesAtOnce || s.decoder.plain && len(s.came) > 0 {
		s.deliver()
		s.c.hold()
	}
	s.came = append(s.came, message{at: s.c.heardAt().UnixMilli()})
	if err := s.decoder.publish(h, body, s.most, &s.came[len(s.came)-1]); err != nil {
		s.came = s.came[:len(s.came)-1]
		return err
	}
	s.lent = true
	s.skip = h.size()
	return nil
}

// leap goes behind a packet that has been taken, or that nobody wants.
func (s *stream) leap() error {
	for s.skip > 0 {
		n := min(s.skip, s.w-s.r)
		s.r += n
		if s.skip -= n; s.skip > 0 {
			if err := s.more(1); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver hands over what has been gathered.
func (s *stream) deliver() {
	if len(s.came) > 0 {
		s.c.owner.publishes(s.c, s.came)
		clear(s.came)
		s.came = s.came[:0]
	}
	if len(s.answers) > 0 {
		s.c.owner.answers(s.c, s.answers)
		s.answers = s.answers[:0]
	}
}

// more reads the socket until need bytes wait. What has come before goes to the flow first, because this may take long.
func (s *stream) more(need int) error {
	s.deliver()
	for s.w-s.r < need {
		if err := s.fill(need); err != nil {
			return err
		}
	}
	return nil
}

// fill reads the socket once, into a chunk with room for need bytes from r on.
func (s *stream) fill(need int) error {
	s.c.hold()
	switch {
	case !s.lent && s.r > 0 && need <= len(s.chunk): // nobody looks at it: begin again
		s.w = copy(s.chunk, s.chunk[s.r:s.w])
		s.r = 0
	case len(s.chunk)-s.r < need || len(s.chunk)-s.w < chunkRest && len(s.chunk)-s.r < chunkBytes:
		chunk := make([]byte, max(chunkBytes, need))
		s.w = copy(chunk, s.chunk[s.r:s.w])
		s.chunk, s.r, s.lent = chunk, 0, false
	}
	n, err := s.c.receive(s.chunk[s.w:])
	s.w += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}
