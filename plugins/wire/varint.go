package wire

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is wrong with bytes that are no protobuf message. Whoever meets one says where.
var (
	errNumber = errors.New("a number that is cut off or longer than 64 bits")
	errLength = errors.New("a length beyond the end of the message")
	errField  = errors.New("a field that is not protobuf")
)

// appendVarint appends a number. Most are of one byte.
func appendVarint(buf []byte, v uint64) []byte {
	if v < 0x80 {
		return append(buf, byte(v))
	}
	return appendLong(buf, v)
}

func appendLong(buf []byte, v uint64) []byte {
	if v < 1<<14 {
		return append(buf, byte(v)|0x80, byte(v>>7))
	}
	for v >= 0x80 {
		buf = append(buf, byte(v)|0x80)
		v >>= 7
	}
	return append(buf, byte(v))
}

// appendText appends a field of bytes: its tag, its length and itself.
func appendText(buf []byte, tag byte, text string) []byte {
	buf = appendVarint(append(buf, tag), uint64(len(text)))
	return append(buf, text...)
}

// varintLen is how many bytes a number takes.
func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// longVarint reads the number at b[i], whose first byte, if it is there at all, says that more follow; next is negative where there is none.
func longVarint(b []byte, i int) (v uint64, next int) {
	if i+1 < len(b) && b[i+1] < 0x80 {
		return uint64(b[i]&0x7f) | uint64(b[i+1])<<7, i + 2
	}
	v, n := protowire.ConsumeVarint(b[min(i, len(b)):])
	if n < 0 {
		return 0, -1
	}
	return v, i + n
}

// cursor walks over the fields of a message. The zero-length message has none.
type cursor struct {
	raw []byte
	at  int
	// of the field that next has come to:
	tag    uint64
	number uint64 // of a number, also one of fixed length
	bytes  []byte // of bytes, which share raw, without room to append in place
	err    error
}

// over begins with a message's first field.
func over(raw []byte) cursor { return cursor{raw: raw} }

// next goes on to the next field. It reports false at the end of the message, and where the message is none, with err set.
func (c *cursor) next() bool {
	if c.at >= len(c.raw) || c.err != nil {
		return false
	}
	if c.tag = uint64(c.raw[c.at]); c.tag < 0x80 {
		c.at++
	} else if c.tag, c.at = longVarint(c.raw, c.at); c.at < 0 {
		return c.fail(errNumber)
	}
	field, kind := c.tag>>3, c.tag&7
	if field == 0 || field > uint64(protowire.MaxValidNumber) {
		return c.fail(errField)
	}
	switch kind {
	case uint64(protowire.VarintType), uint64(protowire.BytesType):
		if c.at < len(c.raw) && c.raw[c.at] < 0x80 {
			c.number = uint64(c.raw[c.at])
			c.at++
		} else if c.number, c.at = longVarint(c.raw, c.at); c.at < 0 {
			return c.fail(errNumber)
		}
		if kind == uint64(protowire.BytesType) {
			if c.number > uint64(len(c.raw)-c.at) {
				return c.fail(errLength)
			}
			end := c.at + int(c.number)
			c.bytes = c.raw[c.at:end:end]
			c.at = end
		}
	case uint64(protowire.Fixed32Type):
		if len(c.raw)-c.at < 4 {
			return c.fail(errLength)
		}
		c.number = uint64(binary.LittleEndian.Uint32(c.raw[c.at:]))
		c.at += 4
	case uint64(protowire.Fixed64Type):
		if len(c.raw)-c.at < 8 {
			return c.fail(errLength)
		}
		c.number = binary.LittleEndian.Uint64(c.raw[c.at:])
		c.at += 8
	default: // a group, which nobody here knows
		n := protowire.ConsumeFieldValue(protowire.Number(field), protowire.Type(kind), c.raw[c.at:])
		if n < 0 {
			return c.fail(errField)
		}
		c.at += n
	}
	return true
}

func (c *cursor) fail(err error) bool {
	c.err = err
	return false
}

// find goes on to the next field with a tag.
func (c *cursor) find(tag uint64) bool {
	for c.next() {
		if c.tag == tag {
			return true
		}
	}
	return false
}

// count returns how many fields of a message have a tag.
func count(raw []byte, tag uint64) (n int, err error) {
	c := over(raw)
	for c.find(tag) {
		n++
	}
	return n, c.err
}

// parts is a message that is a field of another. One that comes in several pieces is what they are one behind the other.
type parts struct {
	raw    []byte
	joined bool
}

func (p *parts) add(piece []byte) {
	switch {
	case p.raw == nil:
		p.raw = piece
	case p.joined:
		p.raw = append(p.raw, piece...)
	default:
		both := make([]byte, 0, 2*(len(p.raw)+len(piece)))
		p.raw, p.joined = append(append(both, p.raw...), piece...), true
	}
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
