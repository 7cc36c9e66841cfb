package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/sluice-connect/sluice/connect"
)

const (
	// maxDepth is how deep values and schemas may nest.
	maxDepth = 64
	// splitBytes is the size from which on the records that follow go into another message: beyond it records no longer become cheaper, and it is well below
	// the largest message that a peer takes.
	splitBytes = 4 << 20
	// maxRecords is how many records a message may have.
	maxRecords = 1 << 16
)

var (
	errDeep       = fmt.Errorf("%w: it nests deeper than %d levels", connect.ErrData, maxDepth)
	errDeepSchema = fmt.Errorf("%w: its schema nests deeper than %d levels", connect.ErrData, maxDepth)
	errSchemas    = fmt.Errorf("%w: it has more than %d schemas, or schemas with more than %d fields", connect.ErrData, maxSent, maxSentNodes)
)

// Places whose messages are mostly of one size: how many bytes their length takes is what it took the last time. Those from ofValue on are values by their depth.
const (
	ofRecord = iota
	ofHeader
	ofOffset
	ofAttr
	ofPartition
	ofValue
	places = ofValue + 12
)

// encoder writes records. What it cannot write it says in err, and what it wrote of that record is of no use.
type encoder struct {
	schemas sentSchemas
	width   [places]uint8
	topic   string // of the last record
	member  string // of the last offset
	err     error
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// failed reports whether the record just written cannot be left as it is.
func (e *encoder) failed() bool { return e.err != nil || e.schemas.full }

// open leaves room for the length of a message that is written next, and notes in its last byte how much; shut fills it in.
func (e *encoder) open(buf []byte, place int) ([]byte, int) {
	w := max(1, e.width[place])
	buf = append(buf, "\x00\x00\x00\x00\x00\x00\x00\x00"[:w]...)
	buf[len(buf)-1] = w
	return buf, len(buf)
}

func (e *encoder) shut(buf []byte, start, place int) []byte {
	n := len(buf) - start
	was := int(buf[start-1])
	if n < 0x80 && was == 1 {
		buf[start-1] = byte(n)
		return buf
	}
	return e.shutLong(buf, start, place, n, was)
}

func (e *encoder) shutLong(buf []byte, start, place, n, was int) []byte {
	is := varintLen(uint64(n))
	if is != was {
		if is > was {
			buf = append(buf, "\x00\x00\x00\x00\x00\x00\x00\x00"[:is-was]...)
		}
		copy(buf[start-was+is:], buf[start:start+n])
		e.width[place] = uint8(is)
	}
	buf = buf[:start-was+is+n]
	appendVarint(buf[:start-was], uint64(n))
	return buf
}

// tags are those of the fields that records of both ways have in common.
type tags struct{ keySchema, key, valueSchema, value, header byte }

func (e *encoder) record(buf []byte, r *connect.Record, t *tags) []byte {
	if n := e.schemas.number(e, r.KeySchema); n != 0 {
		buf = appendVarint(append(buf, t.keySchema), uint64(n))
	}
	if !r.Key.IsNull() {
		buf = e.value(buf, t.key, r.KeySchema, r.Key, 0)
	}
	if n := e.schemas.number(e, r.ValueSchema); n != 0 {
		buf = appendVarint(append(buf, t.valueSchema), uint64(n))
	}
	if !r.Value.IsNull() {
		buf = e.value(buf, t.value, r.ValueSchema, r.Value, 0)
	}
	for i := range r.Headers {
		buf = e.header(buf, t.header, &r.Headers[i])
	}
	return buf
}

func (e *encoder) header(buf []byte, tag byte, h *connect.Header) []byte {
	buf, start := e.open(append(buf, tag), ofHeader)
	if h.Key != "" {
		buf = appendText(buf, 0x0a, valid(h.Key))
	}
	if n := e.schemas.number(e, h.Schema); n != 0 {
		buf = appendVarint(append(buf, 0x10), uint64(n))
	}
	if !h.Value.IsNull() {
		buf = e.value(buf, 0x1a, h.Schema, h.Value, 0)
	}
	return e.shut(buf, start, ofHeader)
}

// value appends a field with a Value that stands where a schema is expected.
func (e *encoder) value(buf []byte, tag byte, place *connect.Schema, v connect.Value, level int) []byte {
	switch v.Kind() {
	case connect.KindNull:
		return append(buf, tag, 0)
	case connect.KindString:
		return e.text(buf, tag, 0x42, valid(v.Str()))
	case connect.KindBytes:
		return e.text(buf, tag, 0x4a, alias(v.Bytes()))
	case connect.KindInt8:
		return number(buf, tag, 0x08, zigzag(v.Int64()))
	case connect.KindInt16:
		return number(buf, tag, 0x10, zigzag(v.Int64()))
	case connect.KindInt32:
		return number(buf, tag, 0x18, zigzag(v.Int64()))
	case connect.KindInt64:
		return number(buf, tag, 0x20, zigzag(v.Int64()))
	case connect.KindFloat32:
		f := math.Float32bits(float32(v.Float64()))
		return append(buf, tag, 5, 0x2d, byte(f), byte(f>>8), byte(f>>16), byte(f>>24))
	case connect.KindFloat64:
		f := math.Float64bits(v.Float64())
		return append(buf, tag, 9, 0x31, byte(f), byte(f>>8), byte(f>>16), byte(f>>24), byte(f>>32), byte(f>>40), byte(f>>48), byte(f>>56))
	case connect.KindBoolean:
		if v.Bool() {
			return append(buf, tag, 2, 0x38, 1)
		}
		return append(buf, tag, 2, 0x38, 0)
	case connect.KindInstant:
		return number(buf, tag, 0x70, zigzag(v.Int64()))
	}
	if level == maxDepth {
		e.fail(errDeep)
		return buf
	}
	return e.nested(buf, tag, place, v, level)
}

// text appends a Value of a text or of bytes.
func (e *encoder) text(buf []byte, tag, member byte, text string) []byte {
	n := uint64(len(text))
	buf = appendVarint(append(buf, tag), 1+uint64(varintLen(n))+n)
	buf = appendVarint(append(buf, member), n)
	return append(buf, text...)
}

// number appends a Value of a number.
func number(buf []byte, tag, member byte, n uint64) []byte {
	buf = append(buf, tag, byte(1+varintLen(n)), member)
	return appendVarint(buf, n)
}

// nested appends a Value of a list, a map, a struct or a decimal.
func (e *encoder) nested(buf []byte, tag byte, place *connect.Schema, v connect.Value, level int) []byte {
	outer := min(ofValue+3*level, places-3)
	inner := outer + 1
	buf, value := e.open(append(buf, tag), outer)
	var start int
	switch v.Kind() {
	case connect.KindArray:
		buf, start = e.open(append(buf, 0x52), inner)
		var elem *connect.Schema
		if place != nil && place.Kind() == connect.KindArray {
			elem = place.Elem()
		}
		for _, element := range v.Array() {
			buf = e.value(buf, 0x0a, elem, element, level+1)
		}
	case connect.KindMap:
		buf, start = e.open(append(buf, 0x5a), inner)
		buf = e.entries(buf, place, v.Map(), level)
	case connect.KindStruct:
		buf, start = e.open(append(buf, 0x62), inner)
		s := v.Struct()
		if s.Schema() != place {
			buf = appendVarint(append(buf, 0x08), uint64(e.schemas.number(e, s.Schema())))
		}
		for i, f := range s.Schema().Fields() {
			buf = e.value(buf, 0x12, f.Schema, s.At(i), level+1)
		}
	case connect.KindDecimal:
		buf, start = e.open(append(buf, 0x6a), inner)
		d := v.Decimal()
		buf = appendText(buf, 0x0a, alias(twosComplement(d.Unscaled)))
		if d.Scale != 0 {
			buf = appendVarint(append(buf, 0x10), zigzag(int64(d.Scale)))
		}
	}
	return e.shut(e.shut(buf, start, inner), value, outer)
}

func (e *encoder) entries(buf []byte, place *connect.Schema, m *connect.Map, level int) []byte {
	at := min(ofValue+3*level, places-3) + 2
	var keys, values *connect.Schema
	if place != nil && place.Kind() == connect.KindMap {
		keys, values = place.Keys(), place.Elem()
	}
	for _, entry := range m.Entries() {
		var start int
		buf, start = e.open(append(buf, 0x0a), at)
		if !entry.Key.IsNull() {
			buf = e.value(buf, 0x0a, keys, entry.Key, level+1)
		}
		if !entry.Value.IsNull() {
			buf = e.value(buf, 0x12, values, entry.Value, level+1)
		}
		buf = e.shut(buf, start, at)
	}
	return buf
}

// offset appends a field with an Offset, mostly of one number.
func (e *encoder) offset(buf []byte, tag byte, o *connect.Offset) []byte {
	if o.IsZero() {
		return buf
	}
	attrs := o.Attrs()
	if len(attrs) == 1 && attrs[0].Value.Kind() == connect.KindInt64 && len(attrs[0].Name) <= 32 {
		name, n := label(attrs[0].Name, &e.member), zigzag(attrs[0].Value.Int64())
		value := 1 + varintLen(n)
		attr := 2 + len(name) + 2 + value
		buf = append(buf, tag, byte(2+attr), 0x0a, byte(attr), 0x0a, byte(len(name)))
		buf = append(buf, name...)
		return appendVarint(append(buf, 0x12, byte(value), 0x20), n)
	}
	buf, start := e.open(append(buf, tag), ofOffset)
	for _, a := range attrs {
		buf = e.attr(buf, &a)
	}
	return e.shut(buf, start, ofOffset)
}

// attr appends a field 1 with an Attr.
func (e *encoder) attr(buf []byte, a *connect.Attr) []byte {
	buf, start := e.open(append(buf, 0x0a), ofAttr)
	buf = appendText(buf, 0x0a, valid(a.Name))
	buf = e.value(buf, 0x12, nil, a.Value, 0)
	return e.shut(buf, start, ofAttr)
}

// valid is text as the contract can carry it, which as in Java is UTF-8: other bytes become U+FFFD.
func valid(text string) string {
	if ascii(text) || utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// ascii is the usual case, some three times as fast as the whole question.
func ascii(text string) bool {
	p := unsafe.Slice(unsafe.StringData(text), len(text))
	var high uint64
	for len(p) >= 32 {
		high |= binary.LittleEndian.Uint64(p) | binary.LittleEndian.Uint64(p[8:]) | binary.LittleEndian.Uint64(p[16:]) | binary.LittleEndian.Uint64(p[24:])
		p = p[32:]
	}
	for len(p) >= 8 {
		high |= binary.LittleEndian.Uint64(p)
		p = p[8:]
	}
	for _, c := range p {
		high |= uint64(c)
	}
	return high&0x8080808080808080 == 0
}

// label is valid for a text that mostly is the one before: known is that one.
func label(text string, known *string) string {
	if text == *known && unsafe.StringData(text) == unsafe.StringData(*known) {
		return text
	}
	v := valid(text)
	if len(v) == len(text) {
		*known = v
	}
	return v
}

// twosComplement is java.math.BigInteger.toByteArray.
func twosComplement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		p := n.Bytes()
		if len(p) == 0 || p[0] >= 0x80 {
			p = append([]byte{0}, p...)
		}
		return p
	}
	size := new(big.Int).Not(n).BitLen()/8 + 1 // -128 is one byte as 127 is
	all := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	return all.Add(all, n).FillBytes(make([]byte, size))
}
