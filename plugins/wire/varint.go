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

// longVarint reads the number at b[i]; next is negative where there is none.
func longVarint(b []byte, i int) (v uint64, next int) {
	for shift := 0; i < len(b) && shift < 63; shift += 7 {
		c := b[i]
		i++
		if v |= uint64(c&0x7f) << shift; c < 0x80 {
			return v, i
		}
	}
	if i < len(b) && b[i] <= 1 { // the tenth byte has one bit
		return v | uint64(b[i])<<63, i + 1
	}
	return 0, -1
}

// field reads the field at raw[at]: its tag, and its number, which for bytes is their length; they end at next. next is negative where there is no field: flaw says
// why. It is what all reading goes through, and keeps out of memory.
func field(raw []byte, at int) (tag, n uint64, next int) {
	if at+1 < len(raw) {
		t, c := raw[at], raw[at+1]
		if t|c < 0x80 && t >= 1<<3 {
			next = at + 2
			switch t & 7 {
			case 0:
				return uint64(t), uint64(c), next
			case 2:
				if next += int(c); next <= len(raw) {
					return uint64(t), uint64(c), next
				}
			}
		} else if at+2 < len(raw) && t < 0x80 && t&7 == 2 && t >= 1<<3 && raw[at+2] < 0x80 {
			n = uint64(c&0x7f) | uint64(raw[at+2])<<7
			if next = at + 3 + int(n); next <= len(raw) {
				return uint64(t), n, next
			}
		}
	}
	return longField(raw, at)
}

// longField is field for what is not of one byte.
func longField(raw []byte, at int) (tag, n uint64, next int) {
	if tag = uint64(raw[at]); tag < 0x80 {
		at++
	} else if tag, at = longVarint(raw, at); at < 0 {
		return 0, 0, -1
	}
	number, kind := tag>>3, protowire.Type(tag&7)
	if number == 0 || number > uint64(protowire.MaxValidNumber) {
		return 0, 0, -1
	}
	switch kind {
	case protowire.VarintType, protowire.BytesType:
		if at < len(raw) && raw[at] < 0x80 {
			n, at = uint64(raw[at]), at+1
		} else if n, at = longVarint(raw, at); at < 0 {
			return 0, 0, -1
		}
		if kind == protowire.BytesType {
			if n > uint64(len(raw)-at) {
				return 0, 0, -1
			}
			at += int(n)
		}
		return tag, n, at
	case protowire.Fixed32Type:
		if len(raw)-at >= 4 {
			return tag, uint64(binary.LittleEndian.Uint32(raw[at:])), at + 4
		}
	case protowire.Fixed64Type:
		if len(raw)-at >= 8 {
			return tag, binary.LittleEndian.Uint64(raw[at:]), at + 8
		}
	default: // a group, which nobody here knows
		if size := protowire.ConsumeFieldValue(protowire.Number(number), kind, raw[at:]); size >= 0 {
			return tag, 0, at + size
		}
	}
	return 0, 0, -1
}

// flaw is why there is no field at raw[at].
func flaw(raw []byte, at int) error {
	tag, at := longVarint(raw, at)
	switch {
	case at < 0:
		return errNumber
	case tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber):
		return errField
	case tag&7 == uint64(protowire.BytesType), tag&7 == uint64(protowire.Fixed32Type), tag&7 == uint64(protowire.Fixed64Type):
		return errLength
	case tag&7 == uint64(protowire.VarintType):
		return errNumber
	}
	return errField
}

// cursor walks over the fields of a message.
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
	if c.at >= len(c.raw) {
		return false
	}
	tag, n, next := field(c.raw, c.at)
	if next < 0 {
		c.err, c.at = flaw(c.raw, c.at), len(c.raw)
		return false
	}
	c.tag, c.number, c.at = tag, n, next
	if tag&7 == uint64(protowire.BytesType) {
		c.bytes = c.raw[next-int(n) : next : next]
	}
	return true
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
func count(raw []byte, wanted uint64) (n int, err error) {
	for at := 0; at < len(raw); {
		tag, _, next := field(raw, at)
		if next < 0 {
			return 0, flaw(raw, at)
		}
		if tag == wanted {
			n++
		}
		at = next
	}
	return n, nil
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
