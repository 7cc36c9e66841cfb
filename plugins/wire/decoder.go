package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/sluice-connect/sluice/connect"
)

// maxScale bounds what a decimal takes when it is written out.
const maxScale = 1 << 15

// maxKeyWork bounds what it takes to find the same keys in a map: only keys that are texts have an index, the others are compared with each.
const maxKeyWork = 1 << 30

var (
	errNoStruct = errors.New("a struct without a schema, in a place that has none for it")
	errKeys     = errors.New("a map with too many keys that are no texts")
)

// decoder reads records, structs and maps into memory that they share among them.
type decoder struct {
	known   knownSchemas
	topics  names
	labels  names // of headers and of members of offsets
	slab    connect.Slab
	values  []connect.Value  // room for lists
	attrs   []connect.Attr   // room for offsets
	headers []connect.Header // room for headers

	lastOffset numberOffset
	keys       [4]*connect.Keys // those of the last map, by its level
	list       []connect.Value  // keys of the map that is being read, and of those around it
}

// begin starts a message.
func (d *decoder) begin() {
	d.topics.begin()
	d.labels.begin()
}

// fields are those of a record that both ways have in common, while it is being read.
type fields struct {
	key, value             parts
	keySchema, valueSchema uint64
}

// fill puts key and value into a record, once all its fields have been read: a schema may come behind what it is for.
func (d *decoder) fill(r *connect.Record, f *fields) (err error) {
	if f.valueSchema != 0 {
		if r.ValueSchema, err = d.known.schema(f.valueSchema); err != nil {
			return fmt.Errorf("value_schema: %w", err)
		}
	}
	if f.value.raw != nil {
		if r.Value, err = d.value(f.value.raw, r.ValueSchema, 0); err != nil {
			return fmt.Errorf("value: %w", err)
		}
	}
	if f.keySchema != 0 {
		if r.KeySchema, err = d.known.schema(f.keySchema); err != nil {
			return fmt.Errorf("key_schema: %w", err)
		}
	}
	if f.key.raw != nil {
		if r.Key, err = d.value(f.key.raw, r.KeySchema, 0); err != nil {
			return fmt.Errorf("key: %w", err)
		}
	}
	return nil
}

// header reads a Header message and appends it to the record's.
func (d *decoder) header(headers []connect.Header, raw []byte) ([]connect.Header, error) {
	var h connect.Header
	var value parts
	var schema uint64
	var err error
	for at := 0; at < len(raw); {
		tag, n, next := field(raw, at)
		if next < 0 {
			err = flaw(raw, at)
			break
		}
		switch tag {
		case 0x0a:
			h.Key = d.labels.text(raw[next-int(n) : next])
		case 0x10:
			schema = n
		case 0x1a:
			value.add(raw[next-int(n) : next : next])
		}
		at = next
	}
	if err == nil {
		h.Schema, err = d.known.schema(schema)
	}
	if err == nil && value.raw != nil {
		h.Value, err = d.value(value.raw, h.Schema, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("header %d: %w", len(headers), err)
	}
	if headers == nil {
		if cap(d.headers)-len(d.headers) < 8 {
			d.headers = make([]connect.Header, 0, 128)
		}
		headers = d.headers[len(d.headers):]
	}
	return append(headers, h), nil
}

// seal takes the room of a record's headers out of what is free.
func (d *decoder) seal(headers []connect.Header) []connect.Header {
	n := len(headers)
	if end := len(d.headers) + n; end <= cap(d.headers) {
		d.headers = d.headers[:end]
	}
	return headers[:n:n]
}

// value reads a Value message that stands where a schema is expected.
func (d *decoder) value(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	if len(raw) < 2 {
		return d.anyValue(raw, place, level)
	}
	// Mostly it is one member and nothing else.
	member, n, i := uint64(raw[0]), uint64(raw[1]), 2
	if n >= 0x80 {
		if n, i = longVarint(raw, 1); i < 0 {
			return d.anyValue(raw, place, level)
		}
	}
	rest := uint64(len(raw) - i)
	switch member {
	case 0x42:
		if n == rest {
			return connect.String(alias(raw[i:])), nil
		}
	case 0x4a:
		if n == rest {
			return connect.Bytes(raw[i:len(raw):len(raw)]), nil
		}
	case 0x08, 0x10, 0x18, 0x20, 0x38, 0x70:
		if rest == 0 {
			return integer(member, n)
		}
	case 0x52, 0x5a, 0x62, 0x6a:
		if n == rest {
			return d.nested(member, raw[i:], place, level)
		}
	case 0x31:
		if len(raw) == 9 {
			return connect.Float64(math.Float64frombits(binary.LittleEndian.Uint64(raw[1:]))), nil
		}
	}
	return d.anyValue(raw, place, level)
}

// anyValue is value for what is written in whatever way protobuf allows. The last member counts; the pieces of one are put together.
func (d *decoder) anyValue(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	var member uint64
	var piece parts
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x42:
			v = connect.String(alias(c.bytes))
		case 0x4a:
			v = connect.Bytes(c.bytes)
		case 0x2d:
			v = connect.Float32(math.Float32frombits(uint32(c.number)))
		case 0x31:
			v = connect.Float64(math.Float64frombits(c.number))
		case 0x08, 0x10, 0x18, 0x20, 0x38, 0x70:
			if v, err = integer(c.tag, c.number); err != nil {
				return v, err
			}
		case 0x52, 0x5a, 0x62, 0x6a:
			if member != c.tag {
				piece = parts{}
			}
			piece.add(c.bytes)
		default:
			continue
		}
		member = c.tag
	}
	if c.err != nil {
		return v, c.err
	}
	switch member {
	case 0x52, 0x5a, 0x62, 0x6a:
		return d.nested(member, piece.raw, place, level)
	}
	return v, nil
}

// integer is the value of a member that is a number.
func integer(tag, n uint64) (connect.Value, error) {
	i := unzigzag(n)
	switch tag {
	case 0x08:
		if i != int64(int8(i)) {
			return connect.Value{}, fmt.Errorf("int8: %d is out of range", i)
		}
		return connect.Int8(int8(i)), nil
	case 0x10:
		if i != int64(int16(i)) {
			return connect.Value{}, fmt.Errorf("int16: %d is out of range", i)
		}
		return connect.Int16(int16(i)), nil
	case 0x18:
		if i != int64(int32(i)) {
			return connect.Value{}, fmt.Errorf("int32: %d is out of range", i)
		}
		return connect.Int32(int32(i)), nil
	case 0x20:
		return connect.Int64(i), nil
	case 0x38:
		return connect.Boolean(n != 0), nil
	}
	return connect.Instant(i), nil
}

func (d *decoder) nested(member uint64, raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	if level == maxDepth {
		return v, errTooDeep
	}
	switch member {
	case 0x52:
		return d.array(raw, place, level)
	case 0x5a:
		return d.mapping(raw, place, level)
	case 0x62:
		return d.structure(raw, place, level)
	}
	return decimal(raw)
}

func (d *decoder) array(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	n, err := count(raw, 0x0a)
	if err != nil {
		return v, fmt.Errorf("array: %w", err)
	}
	var elem *connect.Schema
	if place != nil && place.Kind() == connect.KindArray {
		elem = place.Elem()
	}
	list := d.room(n)
	c := over(raw)
	for i := range list {
		c.find(0x0a)
		if list[i], err = d.value(c.bytes, elem, level+1); err != nil {
			return v, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return connect.Array(list), nil
}

// room returns so many values.
func (d *decoder) room(n int) []connect.Value {
	const piece = 256
	if n > piece/4 {
		return make([]connect.Value, n)
	}
	if n > len(d.values) {
		d.values = make([]connect.Value, piece)
	}
	out := d.values[:n:n]
	d.values = d.values[n:]
	return out
}

func (d *decoder) structure(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	n, number := 0, uint64(0)
	for at := 0; at < len(raw); {
		tag, v, next := field(raw, at)
		if next < 0 {
			return connect.Value{}, fmt.Errorf("struct: %w", flaw(raw, at))
		}
		switch tag {
		case 0x08:
			number = v
		case 0x12:
			n++
		}
		at = next
	}
	schema := place
	if number != 0 {
		if schema, err = d.known.schema(number); err != nil {
			return v, fmt.Errorf("struct: %w", err)
		}
	}
	if schema == nil || schema.Kind() != connect.KindStruct {
		return v, errNoStruct
	}
	fields := schema.Fields()
	if n != len(fields) {
		return v, fmt.Errorf("a struct of %d values, and its schema %q has %d fields", n, schema.Name(), len(fields))
	}
	s := d.slab.Struct(schema)
	for i, at := 0, 0; i < len(fields); {
		tag, n, next := field(raw, at)
		if tag == 0x12 {
			v, err := d.value(raw[next-int(n):next:next], fields[i].Schema, level+1)
			if err != nil {
				return v, fmt.Errorf("field %q: %w", fields[i].Name, err)
			}
			s.SetAt(i, v)
			i++
		}
		at = next
	}
	return connect.StructOf(s), nil
}

// decimal reads a Decimal message.
func decimal(raw []byte) (v connect.Value, err error) {
	var unscaled []byte
	var scale int64
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x0a:
			unscaled = c.bytes
		case 0x10:
			scale = unzigzag(c.number)
		}
	}
	if c.err != nil {
		return v, fmt.Errorf("decimal: %w", c.err)
	}
	if scale < -maxScale || scale > maxScale {
		return v, fmt.Errorf("a decimal of scale %d: at most %d can be carried", scale, maxScale)
	}
	n := new(big.Int).SetBytes(unscaled)
	if len(unscaled) > 0 && unscaled[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(unscaled))))
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: n, Scale: int32(scale)}), nil
}
