package protobuf

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

// unknownSymbol begins the name of an enum's number that has none (com.google.protobuf.Descriptors).
const unknownSymbol = "UNKNOWN_ENUM_VALUE_"

// compileDecoder makes the Connect schema of a message type, and the decoder of its messages. version is the schema's; 0 for none.
func (o options) compileDecoder(m protoreflect.MessageDescriptor, version int) (*decoder, error) {
	r := reader{options: o, messages: map[protoreflect.FullName]*decoder{}, open: map[protoreflect.FullName]bool{}}
	d, err := r.root(m, version)
	if err != nil {
		return nil, fmt.Errorf("%w: the Protobuf schema has no form in Connect: %w", connect.ErrData, err)
	}
	return d, nil
}

// reader makes the decoders of one file's messages.
type reader struct {
	options
	messages map[protoreflect.FullName]*decoder // those that are being read, and those that hold themselves
	open     map[protoreflect.FullName]bool     // those that are being read
}

func (r *reader) root(m protoreflect.MessageDescriptor, version int) (*decoder, error) {
	var opts []connect.SchemaOption
	if version > 0 {
		opts = append(opts, connect.Version(version))
	}
	if r.wrapRoot && isWrapper(m) {
		f, err := r.scalar(m.Fields().Get(0))
		if err != nil {
			return nil, err
		}
		plain := connect.NewSchema(f.schema.Kind(), opts...)
		f.schema, f.element = plain, plain
		return &decoder{plain, newLayout(f)}, nil
	}
	return r.message(m, opts...)
}

// message returns the decoder of a struct. A message within itself has the schema of the one around it, as in Java; what is said there of its place is added
// to it.
func (r *reader) message(m protoreflect.MessageDescriptor, opts ...connect.SchemaOption) (*decoder, error) {
	if d := r.messages[m.FullName()]; d != nil {
		return &decoder{d.schema, d.layout}, nil
	}
	declared := connect.DeclareStruct(append(opts, connect.Named(r.nameOf(m)))...)
	d := &decoder{declared.Schema(), &layout{}}
	r.messages[m.FullName()], r.open[m.FullName()] = d, true
	defer delete(r.open, m.FullName())
	var fields []connect.Field
	for i := range m.Oneofs().Len() {
		union := m.Oneofs().Get(i)
		if union.IsSynthetic() {
			continue
		}
		members, err := r.oneof(union)
		if err != nil {
			return nil, fmt.Errorf("oneof %s: %w", union.Name(), err)
		}
		if r.flatten {
			for _, f := range members {
				f.slot, f.member = len(fields), -1
				fields = append(fields, connect.F(f.name, f.schema))
			}
		} else {
			s, err := r.unionSchema(union, members)
			if err != nil {
				return nil, err
			}
			for _, f := range members {
				f.slot, f.union = len(fields), s
			}
			fields = append(fields, connect.F(r.unionField(union), s))
		}
		d.fields = append(d.fields, members...)
	}
	for i := range m.Fields().Len() {
		fd := m.Fields().Get(i)
		if union := fd.ContainingOneof(); union != nil && !union.IsSynthetic() {
			continue
		}
		f, err := r.field(fd, false)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", fd.Name(), err)
		}
		f.slot, f.member = len(fields), -1
		fields = append(fields, connect.F(f.name, f.schema))
		d.fields = append(d.fields, f)
		d.lists += f.listRoom(d.lists)
	}
	d.sort()
	s, err := declared.Define(fields...)
	if err != nil {
		return nil, err
	}
	if !s.Recursive() {
		delete(r.messages, m.FullName())
	}
	return &decoder{s, d.layout}, nil
}

// nameOf is the name that Connect knows a type by.
func (r *reader) nameOf(d protoreflect.Descriptor) string {
	if r.enhanced {
		return string(d.FullName())
	}
	return string(d.Name())
}

func (r *reader) oneof(union protoreflect.OneofDescriptor) ([]*decodedField, error) {
	var members []*decodedField
	for i := range union.Fields().Len() {
		f, err := r.field(union.Fields().Get(i), true)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", union.Fields().Get(i).Name(), err)
		}
		f.member = i
		members = append(members, f)
	}
	return members, nil
}

func (r *reader) unionSchema(union protoreflect.OneofDescriptor, members []*decodedField) (*connect.Schema, error) {
	opts := []connect.SchemaOption{connect.Optional()}
	if r.general {
		opts = append(opts, connect.Named(string(union.Name())), connect.Param(generalUnionParam, string(union.Name())))
	} else {
		opts = append(opts, connect.Named(unionName+"."+r.nameOf(union)))
	}
	fields := make([]connect.Field, 0, len(members))
	for _, f := range members {
		fields = append(fields, connect.F(f.name, f.schema))
	}
	return connect.BuildStructSchema(fields, opts...)
}

func (r *reader) unionField(union protoreflect.OneofDescriptor) string {
	if r.unionIndex {
		return string(union.Name()) + "_" + strconv.Itoa(union.Index())
	}
	return string(union.Name())
}

// field returns the decoder of a field, with its number among the parameters of its schema.
func (r *reader) field(fd protoreflect.FieldDescriptor, inOneof bool) (*decodedField, error) {
	f, err := r.single(fd)
	if err != nil {
		return nil, err
	}
	repeated := fd.Cardinality() == protoreflect.Repeated
	var opts []connect.SchemaOption
	s := f.schema
	if repeated && f.entry == nil {
		f.element = s.With(connect.Optional())
		if f.message != nil {
			f.message.schema = f.element
		}
		f.schema, f.list = connect.ArraySchema(f.element), true
		s = f.schema
		opts = append(opts, connect.Optional())
	}
	isMessage := fd.Kind() == protoreflect.MessageKind
	switch {
	case inOneof:
		opts = append(opts, connect.Optional())
		if r.wrap && f.wrapped {
			opts = append(opts, connect.Param(wrapParam, "true"))
		}
	case r.optional:
		if fd.HasOptionalKeyword() {
			opts = append(opts, connect.Optional())
		}
	case !r.wrap:
		opts = append(opts, connect.Optional())
	}
	if isMessage || fd.Kind() == protoreflect.EnumKind {
		opts = append(opts, connect.Optional())
	}
	opts = append(opts, connect.Param(tagParam, strconv.Itoa(int(fd.Number()))))
	f.name, f.number, f.schema = string(fd.Name()), fd.Number(), s.With(opts...)
	if !f.list {
		f.element = f.schema
		if f.message != nil {
			f.message.schema = f.schema // a struct must be of the schema of its place
		}
	}
	// What is not there is the default of its type where it cannot be told from that, and null where it can. A message within itself is null: its default
	// would have no end.
	f.absent = r.structs || repeated || !isMessage && !r.isOptional(fd)
	f.absent = f.absent && !inOneof && (repeated || !f.within)
	if f.absent && !repeated {
		f.dflt, err = r.defaultOf(fd, f)
	}
	return f, err
}

func (r *reader) isOptional(fd protoreflect.FieldDescriptor) bool {
	if fd.ParentFile().Syntax() == protoreflect.Proto2 {
		return r.proto2 && fd.HasOptionalKeyword()
	}
	return fd.HasPresence()
}
