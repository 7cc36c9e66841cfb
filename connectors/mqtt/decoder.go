package mqtt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/eclipse/paho.golang/packets"
)

// violation is a packet that MQTT does not allow. The connection ends with its reason code (MQTT 5 4.13).
type violation struct {
	code byte
	text string
}

// Error names the reason code and what is wrong.
func (v *violation) Error() string {
	return fmt.Sprintf("the MQTT broker broke the protocol (reason code 0x%02X): %s", v.code, v.text)
}

// malformed is a packet that cannot be parsed (MQTT 5 1.2, "Malformed Packet").
func malformed(format string, args ...any) error {
	return &violation{packets.DisconnectMalformedPacket, fmt.Sprintf(format, args...)}
}

// violated is a packet that can be parsed and may not be sent (MQTT 5 1.2, "Protocol Error").
func violated(format string, args ...any) error {
	return &violation{packets.DisconnectProtocolError, fmt.Sprintf(format, args...)}
}

// header is a fixed header (MQTT 5 2.1).
type header struct {
	kind, flags byte
	head        int // bytes of the header itself; 0 where it is not complete
	length      int // Remaining Length
}

// size is the whole packet's.
func (h header) size() int {
	if h.head == 0 {
		return 0
	}
	return h.head + h.length
}

// flows reports whether the packet is the flow's.
func (h header) flows() bool { return h.kind >= packets.PUBLISH && h.kind <= packets.PUBCOMP }

// readHeader reads the fixed header at the start of b, as far as b has it.
func readHeader(b []byte) (header, error) {
	if len(b) == 0 {
		return header{}, nil
	}
	length, n, err := readVarInt(b[1:])
	if n == 0 || err != nil {
		return header{}, err
	}
	return header{kind: b[0] >> 4, flags: b[0] & 15, head: 1 + n, length: length}, nil
}

// readVarInt reads a Variable Byte Integer (MQTT 5 1.5.5) and returns how many bytes it has; 0 where b ends before it does.
func readVarInt(b []byte) (value, n int, err error) {
	for ; n < len(b) && n < 4; n++ {
		value |= int(b[n]&0x7f) << (7 * n)
		if b[n] < 0x80 {
			if n > 0 && b[n] == 0 {
				return 0, 0, malformed("a Variable Byte Integer has more bytes than it needs (MQTT 5 1.5.5)")
			}
			return value, n + 1, nil
		}
	}
	if n == 4 {
		return 0, 0, malformed("a Variable Byte Integer has more than four bytes (MQTT 5 1.5.5)")
	}
	return 0, 0, nil
}

// answer reads PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5 3.4 to 3.7). Reason String and User Properties are only checked.
func (d *decoder) answer(h header, body []byte) (answer, error) {
	if want := byte(2); (h.kind == packets.PUBREL) != (h.flags == want) || h.kind != packets.PUBREL && h.flags != 0 {
		return answer{}, malformed("a packet of type %d has the flags 0x%X (MQTT 5 2.1.3)", h.kind, h.flags)
	}
	in := cursor{b: body}
	a := answer{kind: h.kind, id: in.uint16()}
	if len(in.b) > 0 && !d.plain {
		a.code = in.byte()
	}
	if len(in.b) > 0 && !d.plain {
		props := cursor{b: in.take(in.varInt())}
		for seen := false; len(props.b) > 0 && props.err == nil; {
			switch id := props.byte(); id {
			case packets.PropReasonString:
				if seen {
					return a, violated("a packet of type %d has property 0x%02X twice (MQTT 5 2.2.2.2)", h.kind, id)
				}
				seen = true
				props.text()
			case packets.PropUser:
				props.text()
				props.text()
			default:
				return a, malformed("a packet of type %d has property 0x%02X (MQTT 5 2.2.2.2)", h.kind, id)
			}
		}
		in.fail(props.err)
	}
	switch {
	case in.err != nil:
		return a, in.err
	case len(in.b) > 0:
		return a, malformed("a packet of type %d has %d bytes behind its properties", h.kind, len(in.b))
	case a.id == 0:
		return a, violated("a packet of type %d has packet id 0 (MQTT 5 2.2.1)", h.kind)
	}
	return a, nil
}

// decoder reads PUBLISH packets. It belongs to one connection.
type decoder struct {
	// plain is MQTT 3.1.1, whose packets have neither properties nor reason codes.
	plain   bool
	aliases []string // topic alias n is at n-1; as long as CONNECT allows (MQTT 5 3.1.2.11.5)
	known   []properties
	users   []packets.User
}

// What is cut from one allocation, for messages that have properties at all. It lives as long as the last of them.
const (
	chunkProperties = 32
	chunkUsers      = 128
)

// properties are those of a PUBLISH, with room for what packets.Properties points to.
type properties struct {
	packets.Properties
	format byte
	alias  uint16
	expiry uint32
	filter int
}

// noProperties is what messages without properties share. It is never written to.
var noProperties = new(packets.Properties)

// publish reads what is behind the fixed header of a PUBLISH (MQTT 5 3.3). The message points into body. Of a message whose payload is longer
// than most, or of which body has only the beginning, the payload is left out.
func (d *decoder) publish(h header, body []byte, most int, m *message) error {
	p := &m.pub
	p.QoS, p.Duplicate, p.Retain = h.flags>>1&3, h.flags&8 != 0, h.flags&1 != 0
	switch {
	case p.QoS == 3:
		return malformed("a PUBLISH has QoS 3 (MQTT 5 3.3.1.2)")
	case p.QoS == 0 && p.Duplicate:
		return malformed("a PUBLISH of QoS 0 has DUP set (MQTT 5 3.3.1.1)")
	}
	in := cursor{b: body}
	p.Topic = in.text()
	if p.QoS > 0 {
		p.PacketID = in.uint16()
	}
	size := 0
	if !d.plain {
		size = in.varInt()
	}
	if in.err != nil {
		return in.err
	}
	if p.QoS > 0 && p.PacketID == 0 {
		return violated("a PUBLISH of QoS %d has packet id 0 (MQTT 5 2.2.1)", p.QoS)
	}
	if strings.ContainsAny(p.Topic, "+#") {
		return &violation{packets.DisconnectTopicNameInvalid, "the topic of a PUBLISH has a wildcard (MQTT 5 3.3.2.1)"}
	}
	p.Properties = noProperties
	rest := h.length - (len(body) - len(in.b)) - size // of the packet, behind its properties
	if rest < 0 {
		return malformed("the properties of a PUBLISH are longer than the packet (MQTT 5 2.2.2.1)")
	}
	if size > len(in.b) { // the head of a packet that is much too long
		m.tooLong = rest
		return d.resolve(p)
	}
	if size > 0 {
		if err := d.properties(p, in.take(size)); err != nil {
			return err
		}
	}
	if rest > most || rest > len(in.b) {
		m.tooLong = rest
	} else {
		p.Payload = in.b[:rest:rest]
	}
	return d.resolve(p)
}

// resolve finds the topic behind a topic alias (MQTT 5 3.3.2.3.4).
func (d *decoder) resolve(p *packets.Publish) error {
	alias := p.Properties.TopicAlias
	switch {
	case alias == nil && p.Topic == "":
		return violated("a PUBLISH has neither topic nor topic alias (MQTT 5 3.3.2.1)")
	case alias == nil:
		return nil
	case *alias == 0 || int(*alias) > len(d.aliases):
		return &violation{packets.DisconnectTopicAliasInvalid, fmt.Sprintf("topic alias %d is not between 1 and %d (MQTT 5 3.3.2.3.4)", *alias, len(d.aliases))}
	}
	if at := &d.aliases[*alias-1]; p.Topic != "" {
		*at = strings.Clone(p.Topic)
	} else if p.Topic = *at; p.Topic == "" {
		return violated("topic alias %d has no topic yet (MQTT 5 3.3.2.3.4)", *alias)
	}
	return nil
}

// properties reads the properties of a PUBLISH (MQTT 5 3.3.2.3). What a publisher wrote is checked no further than its form: a server that is lax
// would otherwise let one device end the connection again and again.
func (d *decoder) properties(p *packets.Publish, b []byte) error {
	if len(d.known) == 0 {
		d.known = make([]properties, chunkProperties)
	}
	props := &d.known[0]
	d.known = d.known[1:]
	p.Properties = &props.Properties
	in := cursor{b: b}
	var seen uint64
	first := len(d.users)
	for len(in.b) > 0 && in.err == nil {
		id := in.byte()
		switch id {
		case packets.PropUser:
			d.user(packets.User{Key: in.text(), Value: in.text()}, &first)
			continue
		case packets.PropSubscriptionIdentifier: // one for each subscription that matches
			if props.filter = in.varInt(); props.filter == 0 {
				return violated("a PUBLISH has subscription identifier 0 (MQTT 5 3.3.2.3.8)")
			}
			props.SubscriptionIdentifier = &props.filter
			continue
		case packets.PropPayloadFormat:
			props.format = in.byte()
			props.PayloadFormat = &props.format
		case packets.PropMessageExpiry:
			props.expiry = in.uint32()
			props.MessageExpiry = &props.expiry
		case packets.PropContentType:
			props.ContentType = in.text()
		case packets.PropResponseTopic:
			props.ResponseTopic = in.text()
		case packets.PropCorrelationData:
			props.CorrelationData = in.binary()
		case packets.PropTopicAlias:
			props.alias = in.uint16()
			props.TopicAlias = &props.alias
		default:
			return malformed("a PUBLISH has property 0x%02X (MQTT 5 2.2.2.2)", id)
		}
		if seen&(1<<id) != 0 {
			return violated("a PUBLISH has property 0x%02X twice (MQTT 5 3.3.2.3)", id)
		}
		seen |= 1 << id
	}
	if end := len(d.users); end > first {
		props.User = d.users[first:end:end]
	}
	return in.err
}

// user keeps a user property. Those of one message stand together, from first on.
func (d *decoder) user(u packets.User, first *int) {
	if len(d.users) == cap(d.users) {
		begun := d.users[*first:]
		d.users = append(make([]packets.User, 0, max(chunkUsers, 2*len(begun))), begun...)
		*first = 0
	}
	d.users = append(d.users, u)
}

// cursor reads what is in a packet. Once something does not fit, all that is read is zero.
type cursor struct {
	b   []byte
	err error
}

// fail notes the first error.
func (c *cursor) fail(err error) {
	if c.err == nil && err != nil {
		c.err, c.b = err, nil
	}
}

// take returns the next n bytes.
func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.fail(malformed("a packet ends too soon"))
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) varInt() int {
	value, n, err := readVarInt(c.b)
	if n == 0 && err == nil {
		err = malformed("a packet ends too soon")
	}
	c.fail(err)
	c.take(n)
	return value
}

// binary reads Binary Data (MQTT 5 1.5.6); what it returns is not nil.
func (c *cursor) binary() []byte { return c.take(int(c.uint16())) }

// text reads a UTF-8 Encoded String (MQTT 5 1.5.4), which shares the packet's memory: a packet is not written to after it was read.
func (c *cursor) text() string {
	b := c.binary()
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		c.fail(malformed("a text is not UTF-8, or has NUL in it (MQTT 5 1.5.4)"))
		return ""
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}
