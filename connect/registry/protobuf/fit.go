package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

// compileEncoder fits a Connect schema to a message type, which may be another than its own: the latest of a subject.
func (o options) compileEncoder(s *connect.Schema, m protoreflect.MessageDescriptor) (*encoder, error) {
	var e *encoder
	var err error
	all := fitter{options: o, messages: map[fitting]*encoder{}}
	if isWrapper(m) && s.Kind() != connect.KindStruct {
		e = &encoder{schema: s, ignoreDefaults: true}
		var f *encodedField
		if f, err = all.fieldOf(connect.F("value", s.With(connect.Required())), m.Fields().Get(0), false); err == nil {
			f.from, f.member = 0, -1
			e.fields = append(e.fields, f)
		}
	} else {
		e, err = all.encoderOf(s, m)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the schema does not fit the Protobuf schema of the registry: %w", connect.ErrData, err)
	}
	return e, nil
}

// fitter makes the encoders of one schema. A message within itself, or that occurs again, has one encoder.
type fitter struct {
	options
	messages map[fitting]*encoder
}

type fitting struct {
	schema  *connect.Schema
	message protoreflect.FullName
}

func (o *fitter) encoderOf(s *connect.Schema, m protoreflect.MessageDescriptor) (*encoder, error) {
	if s == nil || s.Kind() != connect.KindStruct || isUnion(s) {
		return nil, fmt.Errorf("the message %s needs a struct", m.FullName())
	}
	of := fitting{s, m.FullName()}
	if e := o.messages[of]; e != nil {
		return e, nil
	}
	e := &encoder{schema: s, ignoreDefaults: o.ignoreDefaults}
	o.messages[of] = e
	for i, f := range s.Fields() {
		members := []connect.Field{f}
		inUnion := f.Schema != nil && isUnion(f.Schema)
		if inUnion {
			members = f.Schema.Fields()
		}
		for j, member := range members {
			fd := m.Fields().ByName(protoreflect.Name(o.scrubbed(member.Name)))
			if fd == nil {
				return nil, fmt.Errorf("the message %s has no field %s", m.FullName(), member.Name)
			}
			out, err := o.fieldOf(member, fd, inUnion)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", member.Name, err)
			}
			if out.from, out.member = i, -1; inUnion {
				out.member = j
			}
			e.fields = append(e.fields, out)
		}
	}
	slices.SortStableFunc(e.fields, func(a, b *encodedField) int { return compareTags(a.tag, b.tag) })
	return e, nil
}

func compareTags(a, b []byte) int {
	x, _ := binary.Uvarint(a)
	y, _ := binary.Uvarint(b)
	return int(x>>3) - int(y>>3)
}

func (o *fitter) fieldOf(f connect.Field, fd protoreflect.FieldDescriptor, inUnion bool) (*encodedField, error) {
	s := f.Schema
	if s == nil {
		return nil, errors.New("it is schemaless")
	}
	out := &encodedField{name: f.Name, dflt: s.Default(), kind: fd.Kind(), presence: fd.HasPresence() || inUnion}
	switch {
	case s.Kind() == connect.KindMap:
		return out, o.fitMap(out, s, fd)
	case s.Kind() == connect.KindArray:
		out.list, out.packed = true, fd.IsPacked()
		if s = s.Elem(); s == nil {
			return nil, errors.New("its elements are schemaless")
		}
	}
	if out.list != (fd.Cardinality() == protoreflect.Repeated) {
		return nil, errors.New("one of the two is a list and the other is not")
	}
	out.schema = s
	wire := wireTypes[fd.Kind()]
	if out.packed {
		wire = protowire.BytesType
	}
	out.tag = protowire.AppendTag(nil, fd.Number(), wire)
	return out, o.fit(out, s, fd)
}

var wireTypes = map[protoreflect.Kind]protowire.Type{
	protoreflect.BoolKind: protowire.VarintType, protoreflect.EnumKind: protowire.VarintType, protoreflect.Int32Kind: protowire.VarintType,
	protoreflect.Sint32Kind: protowire.VarintType, protoreflect.Uint32Kind: protowire.VarintType, protoreflect.Int64Kind: protowire.VarintType,
	protoreflect.Sint64Kind: protowire.VarintType, protoreflect.Uint64Kind: protowire.VarintType, protoreflect.Sfixed32Kind: protowire.Fixed32Type,
	protoreflect.Fixed32Kind: protowire.Fixed32Type, protoreflect.FloatKind: protowire.Fixed32Type, protoreflect.Sfixed64Kind: protowire.Fixed64Type,
	protoreflect.Fixed64Kind: protowire.Fixed64Type, protoreflect.DoubleKind: protowire.Fixed64Type, protoreflect.StringKind: protowire.BytesType,
	protoreflect.BytesKind: protowire.BytesType, protoreflect.MessageKind: protowire.BytesType,
}

// fit completes a field for a single value.
func (o *fitter) fit(f *encodedField, s *connect.Schema, fd protoreflect.FieldDescriptor) (err error) {
	message := fd.Message()
	if logical, ok := logicalTypes[s.Name()]; ok {
		if message == nil || string(message.FullName()) != logical.message {
			return fmt.Errorf("its type is %s, not %s", typeName(fd), logical.message)
		}
		f.write = logicalWriters[s.Name()]
		return nil
	}
	if fd.Kind() == protoreflect.EnumKind {
		return o.fitEnum(f, s, fd.Enum())
	}
	if s.Kind() == connect.KindStruct {
		if message == nil {
			return fmt.Errorf("its type is %s, not a message", typeName(fd))
		}
		f.write = (*encodedField).structure
		f.message, err = o.encoderOf(s, message)
		return err
	}
	if isWrapper(message) {
		fd = message.Fields().Get(0)
		f.wrapped, f.kind = true, fd.Kind()
	}
	writers, ok := scalarWriters[fd.Kind()]
	if !ok || !slices.Contains(writers.kinds, s.Kind()) {
		return fmt.Errorf("its type is %s, which a %s does not fit", typeName(fd), s.Kind())
	}
	f.write = writers.write
	return nil
}

func typeName(fd protoreflect.FieldDescriptor) string {
	if m := fd.Message(); m != nil {
		return string(m.FullName())
	}
	return fd.Kind().String()
}

func (o *fitter) fitEnum(f *encodedField, s *connect.Schema, e protoreflect.EnumDescriptor) error {
	f.write = (*encodedField).symbol
	switch s.Kind() {
	case connect.KindInt32:
		f.write = (*encodedField).varint
		return nil
	case connect.KindString:
		f.symbols = map[string]protoreflect.EnumNumber{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			f.symbols[string(v.Name())] = v.Number()
		}
		return nil
	}
	return fmt.Errorf("its type is the enum %s, which a %s does not fit", e.FullName(), s.Kind())
}

func (o *fitter) fitMap(f *encodedField, s *connect.Schema, fd protoreflect.FieldDescriptor) error {
	m := fd.Message()
	if m == nil || fd.Cardinality() != protoreflect.Repeated || !fd.IsMap() && !isEntry(m) {
		return fmt.Errorf("its type is %s, not a map", typeName(fd))
	}
	f.entries, f.tag, f.message = true, protowire.AppendTag(nil, fd.Number(), protowire.BytesType), &encoder{}
	for i, inner := range []connect.Field{connect.F("key", s.Keys()), connect.F("value", s.Elem())} {
		out, err := o.fieldOf(inner, m.Fields().Get(i), false)
		if err != nil {
			return fmt.Errorf("%s: %w", inner.Name, err)
		}
		f.message.fields = append(f.message.fields, out)
	}
	return nil
}
