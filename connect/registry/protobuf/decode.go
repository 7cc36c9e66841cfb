package protobuf

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

// decoder reads messages of one type as structs of one Connect schema.
type decoder struct {
	schema   *connect.Schema
	fields   []*decodedField
	byNumber []*decodedField // sorted
	lists    int             // fields that are lists
}

// decodedField is a field of a message.
type decodedField struct {
	name    string
	number  protowire.Number
	kind    protoreflect.Kind
	schema  *connect.Schema
	element *connect.Schema // of one value: schema, or that of a list's elements
	slot    int             // in the struct
	member  int             // in the union that stands there, -1 for none
	union   *connect.Schema

	read     func(f *decodedField, v item) (connect.Value, error)
	list     bool
	listSlot int // among the lists of the message
	wrapped  bool
	inner    *decodedField // of a wrapper
	message  *decoder      // of a struct
	entry    *decoder      // of a map: key and value
	symbols  map[int32]connect.Value
	unknown  string // begins the names of numbers without a symbol
	absent   bool   // dflt, or an empty list or map, stands for what is not there
	dflt     connect.Value
}

// item is what stands in a message behind a tag.
type item struct {
	number uint64 // of a varint or of fixed bytes
	bytes  []byte
}

// listRoom gives a list its place among those of the message.
func (f *decodedField) listRoom(taken int) int {
	if !f.list {
		return 0
	}
	f.listSlot = taken
	return 1
}

func numbered(fields []*decodedField) []*decodedField {
	out := slices.Clone(fields)
	slices.SortFunc(out, func(a, b *decodedField) int { return int(a.number) - int(b.number) })
	return out
}

// find looks a field up, the one behind the last first: messages keep the order of numbers.
func (d *decoder) find(number protowire.Number, at int) (f *decodedField, next int) {
	if at < len(d.byNumber) && d.byNumber[at].number == number {
		return d.byNumber[at], at + 1
	}
	i, found := slices.BinarySearchFunc(d.byNumber, number, func(f *decodedField, n protowire.Number) int { return int(f.number) - int(n) })
	if !found {
		return nil, at
	}
	return d.byNumber[i], i + 1
}

var errBroken = errors.New("it is cut or broken")

// sink is where the fields of a message go.
type sink struct {
	st    *connect.Struct // nil for pair
	pair  [2]connect.Value
	lists [][]connect.Value
}

func (s *sink) at(i int) connect.Value {
	if s.st == nil {
		return s.pair[i]
	}
	return s.st.At(i)
}

func (s *sink) set(i int, v connect.Value) {
	if s.st == nil {
		s.pair[i] = v
		return
	}
	s.st.SetAt(i, v)
}

// value reads a whole message.
func (d *decoder) value(data []byte) (connect.Value, error) {
	if d.schema.Kind() != connect.KindStruct { // a scalar in its wrapper
		var s sink
		if err := d.fill(&s, data); err != nil {
			return connect.Value{}, err
		}
		if s.pair[0].IsNull() {
			return d.fields[0].read(d.fields[0], item{})
		}
		return s.pair[0], nil
	}
	s := sink{st: connect.NewStruct(d.schema)}
	if d.lists > 0 {
		s.lists = make([][]connect.Value, d.lists)
	}
	if err := d.fill(&s, data); err != nil {
		return connect.Value{}, err
	}
	d.complete(&s)
	return connect.StructOf(s.st), nil
}

// complete puts in lists, and what stands for what is not there.
func (d *decoder) complete(s *sink) {
	for _, f := range d.fields {
		switch {
		case f.list:
			s.set(f.slot, connect.Array(s.lists[f.listSlot]))
		case !f.absent || !s.at(f.slot).IsNull():
		case f.entry != nil:
			s.set(f.slot, connect.MapOf(connect.NewMap(0)))
		default:
			s.set(f.slot, f.dflt)
		}
	}
}

func (d *decoder) fill(s *sink, data []byte) error {
	next := 0
	for len(data) > 0 {
		number, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errBroken
		}
		data = data[n:]
		var f *decodedField
		f, next = d.find(number, next)
		size := protowire.ConsumeFieldValue(number, typ, data)
		if size < 0 {
			return errBroken
		}
		if f != nil {
			if err := f.take(s, typ, data[:size:size]); err != nil {
				return fmt.Errorf("field %s: %w", f.name, err)
			}
		}
		data = data[size:]
	}
	return nil
}

// take reads what stands behind the field's tag. What is of another wire type than the field's is ignored, as unknown fields are.
func (f *decodedField) take(s *sink, typ protowire.Type, data []byte) error {
	own := wireTypes[f.kind]
	if typ != own {
		if f.list && typ == protowire.BytesType {
			return f.packed(s, data, own)
		}
		return nil
	}
	v, _ := cut(typ, data)
	if f.entry != nil {
		return f.putEntry(s, v.bytes)
	}
	value, err := f.read(f, v)
	if err != nil {
		return err
	}
	switch {
	case f.list:
		s.lists[f.listSlot] = append(s.lists[f.listSlot], value)
	case f.member >= 0 && f.union != nil:
		union := connect.NewStruct(f.union)
		union.SetAt(f.member, value)
		s.set(f.slot, connect.StructOf(union))
	default:
		s.set(f.slot, value)
	}
	return nil
}

// packed reads a list of numbers without tags.
func (f *decodedField) packed(s *sink, data []byte, typ protowire.Type) error {
	data, _ = protowire.ConsumeBytes(data)
	for len(data) > 0 {
		v, n := cut(typ, data)
		if n < 0 {
			return errBroken
		}
		value, err := f.read(f, v)
		if err != nil {
			return err
		}
		s.lists[f.listSlot] = append(s.lists[f.listSlot], value)
		data = data[n:]
	}
	return nil
}

// cut takes one value from the front of data; n is negative where that is broken.
func cut(typ protowire.Type, data []byte) (v item, n int) {
	switch typ {
	case protowire.VarintType:
		v.number, n = protowire.ConsumeVarint(data)
	case protowire.Fixed32Type:
		var short uint32
		short, n = protowire.ConsumeFixed32(data)
		v.number = uint64(short)
	case protowire.Fixed64Type:
		v.number, n = protowire.ConsumeFixed64(data)
	default:
		v.bytes, n = protowire.ConsumeBytes(data)
		v.bytes = v.bytes[:len(v.bytes):len(v.bytes)]
	}
	return v, n
}

func (f *decodedField) putEntry(s *sink, data []byte) error {
	var entry sink
	if err := f.entry.fill(&entry, data); err != nil {
		return err
	}
	f.entry.complete(&entry)
	if s.at(f.slot).IsNull() {
		s.set(f.slot, connect.MapOf(connect.NewMap(4)))
	}
	s.at(f.slot).Map().Put(entry.pair[0], entry.pair[1])
	return nil
}
