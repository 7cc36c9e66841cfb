package wire

import (
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

// varint reads the number at b[i]; next is negative where there is none.
func varint(b []byte, i int) (v uint64, next int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return longVarint(b, i)
}

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

// span reads the bytes whose length is at b[i]; next is negative where they are not there. They share b, without room to append in place.
func span(b []byte, i int) (p []byte, next int) {
	n, i := varint(b, i)
	if i < 0 || n > uint64(len(b)-i) {
		return nil, -1
	}
	end := i + int(n)
	return b[i:end:end], end
}

// skip passes over a field that nobody here knows, whose tag has been read; next is negative where it is none.
func skip(b []byte, i int, tag uint64) (next int) {
	number, kind := tag>>3, protowire.Type(tag&7)
	if number == 0 || number > uint64(protowire.MaxValidNumber) {
		return -1
	}
	n := protowire.ConsumeFieldValue(protowire.Number(number), kind, b[i:])
	if n < 0 {
		return -1
	}
	return i + n
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

// here reports whether the field was there at all.
func (p *parts) here() bool { return p.raw != nil }

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
