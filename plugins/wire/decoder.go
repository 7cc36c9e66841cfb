package wire

import (
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
	names   names
	slab    connect.Slab
	values  []connect.Value  // room for lists
	attrs   []connect.Attr   // room for offsets
	headers []connect.Header // room for headers
	keys    [4]*connect.Keys // those of the last map, by its level
	list    []connect.Value  // keys of the map that is being read, and of those around it
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
func (d *decoder) header(r *connect.Record, raw []byte) error {
	var h connect.Header
	var value parts
	var schema uint64
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return errNumber
		}
		var p []byte
		switch i = next; tag {
		case 0x0a:
			if p, i = span(raw, i); i < 0 {
				return errLength
			}
			h.Key = d.names.text(p)
		case 0x10:
			if schema, i = varint(raw, i); i < 0 {
				return errNumber
			}
		case 0x1a:
			if p, i = span(raw, i); i < 0 {
				return errLength
			}
			value.add(p)
		default:
			if i = skip(raw, i, tag); i < 0 {
				return errField
			}
		}
	}
	var err error
	if h.Schema, err = d.known.schema(schema); err != nil {
		return err
	}
	if value.raw != nil {
		if h.Value, err = d.value(value.raw, h.Schema, 0); err != nil {
			return err
		}
	}
	if r.Headers == nil {
		if cap(d.headers)-len(d.headers) < 8 {
			d.headers = make([]connect.Header, 0, 128)
		}
		r.Headers = d.headers[len(d.headers):len(d.headers)]
	}
	r.Headers = append(r.Headers, h)
	return nil
}

// seal takes the room of a record's headers out of what is free.
func (d *decoder) seal(r *connect.Record) {
	n := len(r.Headers)
	if n == 0 {
		return
	}
	if end := len(d.headers) + n; end <= cap(d.headers) {
		d.headers = d.headers[:end]
	}
	r.Headers = r.Headers[:n:n]
}

// value reads a Value message that stands where a schema is expected.
func (d *decoder) value(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	var member uint64
	var piece parts
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return v, errNumber
		}
		i = next
		switch tag {
		case 0x42, 0x4a:
			p, end := span(raw, i)
			if end < 0 {
				return v, errLength
			}
			if tag == 0x42 {
				v = connect.String(alias(p))
			} else {
				v = connect.Bytes(p)
			}
			i = end
		case 0x08, 0x10, 0x18, 0x20, 0x38, 0x70:
			n, end := varint(raw, i)
			if end < 0 {
				return v, errNumber
			}
			if v, err = integer(tag, n); err != nil {
				return v, err
			}
			i = end
		case 0x2d:
			if len(raw)-i < 4 {
				return v, errLength
			}
			f := uint32(raw[i]) | uint32(raw[i+1])<<8 | uint32(raw[i+2])<<16 | uint32(raw[i+3])<<24
			v, i = connect.Float32(math.Float32frombits(f)), i+4
		case 0x31:
			if len(raw)-i < 8 {
				return v, errLength
			}
			var f uint64
			for k := range 8 {
				f |= uint64(raw[i+k]) << (8 * k)
			}
			v, i = connect.Float64(math.Float64frombits(f)), i+8
		case 0x52, 0x5a, 0x62, 0x6a:
			p, end := span(raw, i)
			if end < 0 {
				return v, errLength
			}
			if member != tag {
				piece = parts{}
			}
			piece.add(p)
			member, i = tag, end
			continue
		default:
			if i = skip(raw, i, tag); i < 0 {
				return v, errField
			}
			continue
		}
		member = tag
	}
	if member < 0x52 || member > 0x6a {
		return v, nil
	}
	return d.nested(member, piece.raw, place, level)
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

// count walks over a message and returns how many fields it has with a tag that is a message's.
func count(raw []byte, wanted uint64) (n int, err error) {
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		switch {
		case next < 0:
			return 0, errNumber
		case tag == wanted:
			if _, i = span(raw, next); i < 0 {
				return 0, errLength
			}
			n++
		default:
			if i = skip(raw, next, tag); i < 0 {
				return 0, errField
			}
		}
	}
	return n, nil
}

// next returns the next field with a tag that is a message's, of a message that count has walked over; nil when there is none.
func next(raw []byte, i int, wanted uint64) (p []byte, after int) {
	for i < len(raw) {
		tag, at := varint(raw, i)
		if tag == wanted {
			return span(raw, at)
		}
		i = skip(raw, at, tag)
	}
	return nil, i
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
	at := 0
	for i := range list {
		var p []byte
		p, at = next(raw, at, 0x0a)
		if list[i], err = d.value(p, elem, level+1); err != nil {
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
	for i := 0; i < len(raw); {
		tag, at := varint(raw, i)
		switch {
		case at < 0:
			return v, errNumber
		case tag == 0x12:
			if _, i = span(raw, at); i < 0 {
				return v, errLength
			}
			n++
		case tag == 0x08:
			if number, i = varint(raw, at); i < 0 {
				return v, errNumber
			}
		default:
			if i = skip(raw, at, tag); i < 0 {
				return v, errField
			}
		}
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
	at := 0
	for i := range fields {
		var p []byte
		p, at = next(raw, at, 0x12)
		v, err := d.value(p, fields[i].Schema, level+1)
		if err != nil {
			return v, fmt.Errorf("field %q: %w", fields[i].Name, err)
		}
		s.SetAt(i, v)
	}
	return connect.StructOf(s), nil
}

// decimal reads a Decimal message.
func decimal(raw []byte) (v connect.Value, err error) {
	var unscaled []byte
	var scale int64
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return v, errNumber
		}
		switch i = next; tag {
		case 0x0a:
			if unscaled, i = span(raw, i); i < 0 {
				return v, errLength
			}
		case 0x10:
			var n uint64
			if n, i = varint(raw, i); i < 0 {
				return v, errNumber
			}
			scale = unzigzag(n)
		default:
			if i = skip(raw, i, tag); i < 0 {
				return v, errField
			}
		}
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
