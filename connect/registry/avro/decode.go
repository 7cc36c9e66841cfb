package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// decoder reads values of one Connect schema from what was written under one Avro schema.
type decoder struct {
	read   func(d *decoder, s *source) (connect.Value, error)
	schema *connect.Schema

	key, elem *decoder
	fields    []decodedField
	missing   []missingField
	branches  []*decoder // of the writer's union; nil for null
	slot      int        // of a union's struct
	least     int        // bytes that an element takes at least
	unbounded bool       // an element may hold such a list or map again
	size      int
	scale     int32
	symbols   []connect.Value
	cause     error
}

// decodedField is a field of the writer's record, in its order.
type decodedField struct {
	to   int // position in the struct, -1 to skip
	dec  *decoder
	node *node
}

// missingField is a field of the struct that the writer's record lacks.
type missingField struct {
	to   int
	dflt connect.Value
}

func (d *decoder) value(s *source) (connect.Value, error) { return d.read(d, s) }

func (d *decoder) fail(*source) (connect.Value, error) { return connect.Value{}, d.cause }

func (d *decoder) branch(s *source) (connect.Value, error) {
	i, err := s.long()
	switch {
	case err != nil:
		return connect.Value{}, err
	case i < 0 || i >= int64(len(d.branches)):
		return connect.Value{}, fmt.Errorf("a union has no branch %d", i)
	case d.branches[i] == nil:
		return connect.Value{}, nil
	}
	return d.branches[i].value(s)
}

func (d *decoder) member(s *source) (connect.Value, error) {
	v, err := d.elem.value(s)
	if err != nil {
		return v, err
	}
	st := s.room.Struct(d.schema)
	st.SetAt(d.slot, v)
	return connect.StructOf(st), nil
}

func (d *decoder) boolean(s *source) (connect.Value, error) {
	b, err := s.take(1)
	return connect.Boolean(err == nil && b[0] != 0), err
}

func (d *decoder) int8(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int8(int8(n)), err
}

func (d *decoder) int16(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int16(int16(n)), err
}

func (d *decoder) int32(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int32(n), err
}

func (d *decoder) int64(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Int64(n), err
}

func (d *decoder) date(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Instant(int64(n) * 24 * 60 * 60 * 1000), err
}

func (d *decoder) time(s *source) (connect.Value, error) {
	n, err := s.int32()
	if err == nil && (n < 0 || n > 24*60*60*1000) {
		err = fmt.Errorf("%d is no time of day", n)
	}
	return connect.Instant(int64(n)), err
}

func (d *decoder) timestamp(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Instant(n), err
}

func readFloat32(_ *decoder, s *source) (connect.Value, error) {
	b, err := s.take(4)
	if err != nil {
		return connect.Value{}, err
	}
	return connect.Float32(math.Float32frombits(binary.LittleEndian.Uint32(b))), nil
}

func readFloat64(_ *decoder, s *source) (connect.Value, error) {
	b, err := s.take(8)
	if err != nil {
		return connect.Value{}, err
	}
	return connect.Float64(math.Float64frombits(binary.LittleEndian.Uint64(b))), nil
}

func (d *decoder) float32AsFloat64(s *source) (connect.Value, error) {
	v, err := readFloat32(d, s)
	if err != nil {
		return v, err
	}
	return connect.Float64(v.Float64()), nil
}

func (d *decoder) longAsFloat32(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Float32(float32(n)), err
}

func (d *decoder) longAsFloat64(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Float64(float64(n)), err
}

func (d *decoder) text(s *source) (connect.Value, error) {
	b, err := s.bytes()
	return connect.String(values.Text(b)), err
}

func (d *decoder) symbol(s *source) (connect.Value, error) {
	i, err := s.long()
	switch {
	case err != nil:
		return connect.Value{}, err
	case i < 0 || i >= int64(len(d.symbols)):
		return connect.Value{}, fmt.Errorf("an enum has no symbol %d", i)
	case d.symbols[i].IsNull():
		return connect.Value{}, errors.New("a symbol that the enum of the schema that is read lacks")
	}
	return d.symbols[i], nil
}

// raw reads bytes, of the type's size or with their length in front.
func (d *decoder) raw(s *source) ([]byte, error) {
	if d.size >= 0 {
		return s.take(int64(d.size))
	}
	return s.bytes()
}

func (d *decoder) bytes(s *source) (connect.Value, error) {
	b, err := d.raw(s)
	return bytesValue(b), err
}

// bytesValue keeps no bytes apart from null.
func bytesValue(b []byte) connect.Value {
	if b == nil {
		b = []byte{}
	}
	return connect.Bytes(b)
}

func (d *decoder) decimal(s *source) (connect.Value, error) {
	b, err := d.raw(s)
	switch {
	case err != nil:
		return connect.Value{}, err
	case len(b) == 0:
		return connect.Value{}, errors.New("a decimal without bytes")
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: values.FromTwosComplement(b), Scale: d.scale}), nil
}

func (d *decoder) array(s *source) (connect.Value, error) {
	var list []connect.Value
	for {
		n, err := s.block(d.least)
		if err != nil || n == 0 {
			return connect.Array(list), err
		}
		list = slices.Grow(list, d.room(n))
		for range n {
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, s.within(err, "element", len(list))
			}
			list = append(list, v)
		}
	}
}

// room is for how many of n elements room is made at once.
func (d *decoder) room(n int) int {
	if d.unbounded {
		return min(n, maxRoom)
	}
	return n
}

func (d *decoder) mapping(s *source) (connect.Value, error) {
	var m *connect.Map
	for {
		n, err := s.block(1) // a key's length
		if m == nil {
			m = connect.NewMap(d.room(n))
		}
		if err != nil || n == 0 {
			return connect.MapOf(m), err
		}
		for range n {
			key, err := s.bytes()
			if err != nil {
				return connect.Value{}, fmt.Errorf("a key: %w", err)
			}
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, s.within(err, "entry", key)
			}
			m.Put(connect.String(values.Text(key)), v)
		}
	}
}

func (d *decoder) entries(s *source) (connect.Value, error) {
	var m *connect.Map
	for {
		n, err := s.block(d.least)
		if m == nil {
			m = connect.NewMap(d.room(n))
		}
		if err != nil || n == 0 {
			return connect.MapOf(m), err
		}
		for range n {
			key, err := d.key.value(s)
			if err != nil {
				return connect.Value{}, fmt.Errorf("a key: %w", err)
			}
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, s.within(err, "entry", key)
			}
			m.Put(key, v)
		}
	}
}

func (d *decoder) record(s *source) (connect.Value, error) {
	st := s.room.Struct(d.schema)
	for i := range d.fields {
		f := &d.fields[i]
		if f.to < 0 {
			if err := skip(f.node, s); err != nil {
				return connect.Value{}, err
			}
			continue
		}
		v, err := f.dec.value(s)
		if err != nil {
			return connect.Value{}, s.within(err, "field", d.schema.Fields()[f.to].Name)
		}
		st.SetAt(f.to, v)
	}
	for _, m := range d.missing {
		st.SetAt(m.to, m.dflt)
	}
	return connect.StructOf(st), nil
}

// nested reads a record that may hold itself.
func (d *decoder) nested(s *source) (connect.Value, error) {
	if s.depth++; s.depth > maxDepth {
		return connect.Value{}, fmt.Errorf("more than %d levels", maxDepth)
	}
	v, err := d.record(s)
	s.depth--
	return v, err
}
