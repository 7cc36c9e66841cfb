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
	schema *connect.Schema
	*layout
}

// layout is what the decoders of one type have in common, whatever the schemas of the places that its messages stand in. That of a message that may hold
// itself leads back to itself.
type layout struct {
	fields   []*decodedField
	byNumber []*decodedField // sorted
	lists    int             // fields that are lists
}

func newLayout(fields ...*decodedField) *layout {
	l := &layout{fields: fields}
	l.sort()
	return l
}

// sort makes the fields be found by their numbers, once all are there.
func (l *layout) sort() {
	l.byNumber = slices.Clone(l.fields)
	slices.SortFunc(l.byNumber, func(a, b *decodedField) int { return int(a.number) - int(b.number) })
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
	within   bool          // the struct is one that the field is in
	entry    *layout       // of a map: key and value
	symbols  map[int32]connect.Value
	unknown  string // begins the names of numbers without a symbol
	absent   bool   // dflt, or an empty list or map, stands for what is not there
	dflt     connect.Value
}

// item is what stands in a message behind a tag.
type item struct {
	number uint64 // of a varint or of fixed bytes
	bytes  []byte
	depth  int // of the message that it is in
}

// listRoom gives a list its place among those of the message.
func (f *decodedField) listRoom(taken int) int {
	if !f.list {
		return 0
	}
	f.listSlot = taken
	return 1
}

// find looks a field up, the one behind the last first: messages keep the order of numbers.
func (l *layout) find(number protowire.Number, at int) (f *decodedField, next int) {
	if at < len(l.byNumber) && l.byNumber[at].number == number {
		return l.byNumber[at], at + 1
	}
	i, found := slices.BinarySearchFunc(l.byNumber, number, func(f *decodedField, n protowire.Number) int { return int(f.number) - int(n) })
	if !found {
		return nil, at
	}
	return l.byNumber[i], i + 1
}

var errBroken = errors.New("it is cut or broken")

const (
	// maxDepth bounds how deep messages may be within each other, as JSON's values.
	maxDepth = 1000
	// maxPath bounds how many of them the text of an error names on the way to its place.
	maxPath = 16
)

var errDeep = fmt.Errorf("it nests deeper than %d levels", maxDepth)

// sink is where the fields of a message go.
type sink struct {
	st    *connect.Struct // nil for pair
	pair  [2]connect.Value
	lists [][]connect.Value
	depth int
}

func (s *sink) get(i int) connect.Value {
	if s.st == nil {
		return s.pair[i]
	}
	return s.st.At(i)
}

// at adds a field to the place of an error.
func (s *sink) at(err error, field string) error {
	if s.depth > maxPath {
		return err
	}
	return fmt.Errorf("field %s: %w", field, err)
}

func (s *sink) set(i int, v connect.Value) {
	if s.st == nil {
		s.pair[i] = v
		return
	}
	s.st.SetAt(i, v)
}

// value reads a whole message, which is within so many others.
func (d *decoder) value(data []byte, depth int) (connect.Value, error) {
	if depth > maxDepth {
		return connect.Value{}, errDeep
	}
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
	s := sink{st: connect.NewStruct(d.schema), depth: depth}
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
func (l *layout) complete(s *sink) {
	for _, f := range l.fields {
		switch {
		case f.list:
			s.set(f.slot, connect.Array(s.lists[f.listSlot]))
		case !f.absent || !s.get(f.slot).IsNull():
		case f.entry != nil:
			s.set(f.slot, connect.MapOf(connect.NewMap(0)))
		default:
			s.set(f.slot, f.dflt)
		}
	}
}

func (l *layout) fill(s *sink, data []byte) error {
	next := 0
	for len(data) > 0 {
		number, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errBroken
		}
		data = data[n:]
		var f *decodedField
		f, next = l.find(number, next)
		size := protowire.ConsumeFieldValue(number, typ, data)
		if size < 0 {
			return errBroken
		}
		if f != nil {
			if err := f.take(s, typ, data[:size:size]); err != nil {
				return s.at(err, f.name)
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
	v.depth = s.depth
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
	entry := sink{depth: s.depth + 1}
	if err := f.entry.fill(&entry, data); err != nil {
		return err
	}
	f.entry.complete(&entry)
	if s.get(f.slot).IsNull() {
		s.set(f.slot, connect.MapOf(connect.NewMap(4)))
	}
	s.get(f.slot).Map().Put(entry.pair[0], entry.pair[1])
	return nil
}
