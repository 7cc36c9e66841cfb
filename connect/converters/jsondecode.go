package converters

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

// decoder builds values straight from JSON, without a tree in between.
type decoder struct {
	jsontext.Scanner
	keepNull bool // a null stays null where its schema has a default
	stack    []connect.Value
	room     connect.Slab
	raw      []byte // what bytes are cut from
	shapes   shapes
}

// place says where a value stands: inside a struct, or as a default, Java checks it against its schema; elsewhere a string or bytes
// may come out null where the text had something else.
type place bool

const (
	unchecked place = false
	checked   place = true
)

// bare reads a value without schema: whole numbers are int64, others float64, objects maps with string keys.
func (d *decoder) bare() (connect.Value, error) {
	first := d.Peek()
	switch first {
	case '{':
		return d.bareObject()
	case '[':
		return d.elements(']', nil, unchecked)
	}
	if v, end := bareScalar(d.Data, d.At); end > 0 {
		d.At = end
		return v, nil
	}
	switch first {
	case '"':
		text, err := d.Text()
		return connect.String(text), err
	case 't':
		return connect.Boolean(true), d.Word("true")
	case 'f':
		return connect.Boolean(false), d.Word("false")
	case 'n':
		return connect.Value{}, d.Word("null")
	}
	n, err := d.Number()
	switch {
	case err != nil:
		return connect.Value{}, err
	case n.Whole:
		return connect.Int64(n.Int64()), nil
	}
	return connect.Float64(n.Float(64)), nil
}

// bareScalar reads what most values without schema are: a text in ASCII that stands there as it is, a number of few digits, or a word with a member's end
// behind it. It ends at end, which is 0 for all others.
func bareScalar(data []byte, at int) (v connect.Value, end int) {
	if at >= len(data) {
		return v, 0
	}
	switch c := data[at]; {
	case c == '"':
		end = jsontext.Plain(data, at+1)
		if end < len(data) && data[end] == '"' {
			return connect.String(values.Valid(data[at+1 : end])), end + 1
		}
	case c <= '9':
		digits, scale, end := jsontext.Short(data, at)
		if scale == 0 {
			return connect.Int64(digits), end
		}
		if f, ok := jsontext.Float64(digits, scale); ok {
			return connect.Float64(f), end
		}
	case c == 't' && ends(data, at, "true"):
		return connect.Boolean(true), at + 4
	case c == 'f' && ends(data, at, "false"):
		return connect.Boolean(false), at + 5
	case c == 'n' && ends(data, at, "null"):
		return connect.Value{}, at + 4
	}
	return connect.Value{}, 0
}

// ends tells whether a word follows that is the last of its member.
func ends(data []byte, at int, word string) bool {
	if rest := data[at:]; len(rest) > len(word) && string(rest[:len(word)]) == word {
		switch rest[len(word)] {
		case ',', '}', ']':
			return true
		}
	}
	return false
}

// elements reads the members of a list, or the values of an object, into one slice of the right size.
func (d *decoder) elements(closing byte, elem *connect.Schema, at place) (connect.Value, error) {
	base, n := len(d.stack), 0
	more, err := d.Open(closing)
	for ; more && err == nil; n++ {
		if closing == '}' {
			_, err = d.Name()
		}
		var v connect.Value
		if err == nil {
			v, err = d.value(elem, at)
		}
		if err == nil {
			d.stack = append(d.stack, v)
			more, err = d.Next(closing)
		}
	}
	if err != nil {
		return connect.Value{}, fmt.Errorf("element %d: %w", n-1, err)
	}
	elems := make([]connect.Value, n)
	copy(elems, d.stack[base:])
	clear(d.stack[base:])
	d.stack = d.stack[:base]
	return connect.Array(elems), nil
}

// value reads a value under a schema; nil is bare.
func (d *decoder) value(s *connect.Schema, at place) (connect.Value, error) {
	if s == nil {
		return d.bare()
	}
	c := d.Peek()
	if c == 'n' {
		if err := d.Word("null"); err != nil {
			return connect.Value{}, err
		}
		return d.null(s)
	}
	if isLogical(s) {
		return d.logical(s)
	}
	switch s.Kind() {
	case connect.KindString:
		if c == '"' {
			text, err := d.Text()
			return connect.String(text), err
		}
		return d.lost(s, at)
	case connect.KindBytes:
		if c == '"' {
			return d.bytes()
		}
		return d.lost(s, at)
	case connect.KindArray:
		return d.array(s, at)
	case connect.KindMap:
		return d.mapping(s, at)
	case connect.KindStruct:
		return d.structure(s)
	case connect.KindBoolean:
		if c == 't' {
			return connect.Boolean(true), d.Word("true")
		}
		return connect.Boolean(false), d.Skip()
	}
	return d.numeric(s.Kind(), c)
}

// null is what a null, or a missing field, stands for.
func (d *decoder) null(s *connect.Schema) (connect.Value, error) {
	switch {
	case !s.Default().IsNull() && !d.keepNull:
		return s.Default(), nil
	case s.Optional():
		return connect.Value{}, nil
	}
	return connect.Value{}, fmt.Errorf("%w: Invalid null value for required %s field", connect.ErrData, strings.ToUpper(s.Kind().String()))
}

// lost reads what is not of the kind of its schema and makes a null of it, as Java does, where that passes.
func (d *decoder) lost(s *connect.Schema, at place) (connect.Value, error) {
	if err := d.Skip(); err != nil {
		return connect.Value{}, err
	}
	if at == checked && !s.Optional() {
		return connect.Value{}, fmt.Errorf("%w: not a %s", connect.ErrData, s.Kind())
	}
	return connect.Value{}, nil
}

func isNumber(c byte) bool { return c == '-' || c >= '0' && c <= '9' }

// shortNumber reads a number that needs no long arithmetic; it leaves all others alone.
func (d *decoder) shortNumber(kind connect.Kind) (v connect.Value, ok bool) {
	digits, scale, end := jsontext.Short(d.Data, d.At)
	ok = end > 0
	switch {
	case !ok:
	case kind == connect.KindFloat64:
		var f float64
		f, ok = jsontext.Float64(digits, scale)
		v = connect.Float64(f)
	case kind == connect.KindFloat32:
		var f float32
		f, ok = jsontext.Float32(digits, scale)
		v = connect.Float32(f)
	case scale > 0:
		ok = false
	case kind == connect.KindInt8:
		v = connect.Int8(int8(digits))
	case kind == connect.KindInt16:
		v = connect.Int16(int16(digits))
	case kind == connect.KindInt32:
		v = connect.Int32(int32(digits))
	default:
		v = connect.Int64(digits)
	}
	if ok {
		d.At = end
	}
	return v, ok
}

// numeric reads a number; it is cut to its kind, and what is no number is 0, as in Java.
func (d *decoder) numeric(kind connect.Kind, c byte) (connect.Value, error) {
	if v, ok := d.shortNumber(kind); ok {
		return v, nil
	}
	n := jsontext.Number{Text: []byte("0"), Whole: true}
	var err error
	if isNumber(c) {
		n, err = d.Number()
	} else {
		err = d.Skip()
	}
	if err != nil {
		return connect.Value{}, err
	}
	switch kind {
	case connect.KindInt8:
		return connect.Int8(int8(n.Int64())), nil
	case connect.KindInt16:
		return connect.Int16(int16(n.Int64())), nil
	case connect.KindInt32:
		return connect.Int32(int32(n.Int64())), nil
	case connect.KindFloat32:
		return connect.Float32(float32(n.Float(32))), nil
	case connect.KindFloat64:
		return connect.Float64(n.Float(64)), nil
	}
	return connect.Int64(n.Int64()), nil
}

func (d *decoder) bytes() (connect.Value, error) {
	text, err := d.Text()
	if err != nil {
		return connect.Value{}, err
	}
	b, err := decodeBase64(d.rawRoom(len(text)), text)
	if err != nil {
		return connect.Value{}, err
	}
	return connect.Bytes(d.cut(len(text), b)), nil
}

// rawChunk is the size of the pieces that bytes are cut from. A piece lives as long as the last record in it.
const rawChunk = 4 << 10

// rawRoom is an empty slice for up to n bytes.
func (d *decoder) rawRoom(n int) []byte {
	if n > rawChunk/4 {
		return make([]byte, 0, n)
	}
	if d.raw == nil || n > cap(d.raw)-len(d.raw) { // nil bytes are null
		d.raw = make([]byte, 0, rawChunk)
	}
	return d.raw[len(d.raw):]
}

// cut hands out what was appended to the slice of rawRoom(n), n bytes at most.
func (d *decoder) cut(n int, b []byte) []byte {
	if n <= rawChunk/4 {
		d.raw = d.raw[:len(d.raw)+len(b)]
	}
	return b[:len(b):len(b)]
}

// logical reads a Decimal, a Date, a Time or a Timestamp, which go by the schema's name alone.
func (d *decoder) logical(s *connect.Schema) (connect.Value, error) {
	c := d.Peek()
	if c == '"' && s.Name() == connect.DecimalName {
		return d.decimalBytes(s)
	}
	if s.Name() == connect.TimestampName {
		if v, ok := d.shortNumber(connect.KindInt64); ok {
			return connect.Instant(v.Int64()), nil
		}
	}
	if !isNumber(c) {
		if err := d.Skip(); err != nil {
			return connect.Value{}, err
		}
		return connect.Value{}, fmt.Errorf("%w: no number for a %s", connect.ErrData, s.Name())
	}
	n, err := d.Number()
	if err != nil {
		return connect.Value{}, err
	}
	short, isInt := n.Int32()
	switch {
	case s.Name() == connect.DecimalName:
		return connect.DecimalOf(n.Decimal()), nil
	case s.Name() == connect.TimestampName && n.Whole:
		return connect.Instant(n.Int64()), nil
	case s.Name() == connect.DateName && isInt:
		return connect.Instant(int64(short) * millisPerDay), nil
	case s.Name() == connect.TimeName && isInt && short >= 0 && short <= millisPerDay:
		return connect.Instant(int64(short)), nil
	}
	return connect.Value{}, fmt.Errorf("%w: %s is not in the range of a %s", connect.ErrData, n.Text, s.Name())
}

func (d *decoder) decimalBytes(s *connect.Schema) (connect.Value, error) {
	v, err := d.bytes()
	if err != nil {
		return connect.Value{}, err
	}
	scale, err := scaleOf(s)
	if err != nil {
		return connect.Value{}, err
	}
	if len(v.Bytes()) == 0 {
		return connect.Value{}, fmt.Errorf("%w: no bytes for a Decimal", connect.ErrData)
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: values.FromTwosComplement(v.Bytes()), Scale: scale}), nil
}

// array reads a list. Java also takes the values of an object for one, and anything else for an empty one.
func (d *decoder) array(s *connect.Schema, at place) (connect.Value, error) {
	switch d.Peek() {
	case '[':
		return d.elements(']', s.Elem(), at)
	case '{':
		return d.elements('}', s.Elem(), at)
	}
	return connect.Array(nil), d.Skip()
}
