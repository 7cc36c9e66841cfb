package protobuf

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

// unknownSymbol begins the name of an enum's number that has none (com.google.protobuf.Descriptors).
const unknownSymbol = "UNKNOWN_ENUM_VALUE_"

// compileDecoder makes the Connect schema of a message type, and the decoder of its messages. version is the schema's; 0 for none.
func (o options) compileDecoder(m protoreflect.MessageDescriptor, version int) (*decoder, error) {
	r := reader{options: o, open: map[protoreflect.FullName]bool{}}
	d, err := r.root(m, version)
	if err != nil {
		return nil, fmt.Errorf("%w: the Protobuf schema has no form in Connect: %w", connect.ErrData, err)
	}
	return d, nil
}

// reader makes the decoders of one file's messages.
type reader struct {
	options
	open map[protoreflect.FullName]bool // messages that are being read
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
		return &decoder{schema: plain, fields: []*decodedField{f}, byNumber: numbered([]*decodedField{f})}, nil
	}
	return r.message(m, opts...)
}

// message returns the decoder of a struct.
func (r *reader) message(m protoreflect.MessageDescriptor, opts ...connect.SchemaOption) (*decoder, error) {
	if r.open[m.FullName()] {
		return nil, fmt.Errorf("the message %s contains itself, which a Connect schema here cannot", m.FullName())
	}
	r.open[m.FullName()] = true
	defer delete(r.open, m.FullName())
	d := &decoder{}
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
	s, err := connect.BuildStructSchema(fields, append(opts, connect.Named(r.nameOf(m)))...)
	if err != nil {
		return nil, err
	}
	d.schema, d.byNumber = s, numbered(d.fields)
	return d, nil
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
	// What is not there is the default of its type where it cannot be told from that, and null where it can.
	f.absent = r.structs || repeated || !isMessage && !r.isOptional(fd)
	f.absent = f.absent && !inOneof
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

// single returns the decoder of one value, its schema without what belongs to the field.
func (r *reader) single(fd protoreflect.FieldDescriptor) (*decodedField, error) {
	switch fd.Kind() {
	case protoreflect.GroupKind:
		return nil, errors.New("groups have no form in Connect")
	case protoreflect.EnumKind:
		return r.enum(fd.Enum()), nil
	case protoreflect.MessageKind:
		return r.messageField(fd)
	}
	return r.scalar(fd)
}

func (r *reader) scalar(fd protoreflect.FieldDescriptor) (*decodedField, error) {
	f := &decodedField{kind: fd.Kind(), number: fd.Number(), member: -1}
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		f.schema, f.read = connect.Int32Schema, readInt32
		switch metaOf(fd)["connect.type"] {
		case "int8":
			f.schema, f.read = connect.Int8Schema, readInt8
			return f, nil
		case "int16":
			f.schema, f.read = connect.Int16Schema, readInt16
			return f, nil
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		f.schema, f.read = connect.Int64Schema, readUint32
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		f.schema, f.read = connect.Int64Schema, readInt64
	case protoreflect.FloatKind:
		f.schema, f.read = connect.Float32Schema, readFloat
	case protoreflect.DoubleKind:
		f.schema, f.read = connect.Float64Schema, readDouble
	case protoreflect.BoolKind:
		f.schema, f.read = connect.BooleanSchema, readBool
	case protoreflect.StringKind:
		f.schema, f.read = connect.StringSchema, readText
	default:
		f.schema, f.read = connect.BytesSchema, readBytes
	}
	switch fd.Kind() {
	case protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind,
		protoreflect.Sint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		f.schema = f.schema.With(connect.Param(typeParam, fd.Kind().String()))
	}
	return f, nil
}

func (r *reader) enum(e protoreflect.EnumDescriptor) *decodedField {
	f := &decodedField{kind: protoreflect.EnumKind, read: readSymbol, symbols: map[int32]connect.Value{}, unknown: unknownSymbol + string(e.Name()) + "_"}
	kind := connect.KindString
	if r.ints {
		kind, f.read = connect.KindInt32, readInt32
	}
	param := enumParam
	if r.general {
		param = generalEnumParam
	}
	opts := []connect.SchemaOption{connect.Named(r.nameOf(e)), connect.Param(param, string(e.Name()))}
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		opts = append(opts, connect.Param(param+"."+string(v.Name()), strconv.Itoa(int(v.Number()))))
		if _, alias := f.symbols[int32(v.Number())]; !alias {
			f.symbols[int32(v.Number())] = connect.String(string(v.Name()))
		}
	}
	f.schema = connect.NewSchema(kind, opts...)
	return f
}

func (r *reader) messageField(fd protoreflect.FieldDescriptor) (*decodedField, error) {
	f := &decodedField{kind: protoreflect.MessageKind}
	m := fd.Message()
	switch string(m.FullName()) {
	case decimalType:
		params := metaOf(fd)
		scale, _ := strconv.ParseInt(params["scale"], 10, 32)
		f.schema, f.read = connect.DecimalSchema(int32(scale)), readDecimal
		if precision, err := strconv.Atoi(params["precision"]); err == nil {
			f.schema = f.schema.With(connect.Param(precisionParam, strconv.Itoa(precision)))
		}
		return f, nil
	case dateType:
		f.schema, f.read = connect.DateSchema, readDate
		return f, nil
	case timeType:
		f.schema, f.read = connect.TimeSchema, readTime
		return f, nil
	case timestampType:
		f.schema, f.read = connect.TimestampSchema, readTimestamp
		return f, nil
	}
	if r.wrap && isWrapper(m) {
		inner, err := r.scalar(m.Fields().Get(0))
		if err != nil {
			return nil, err
		}
		f.schema, f.read, f.wrapped = connect.NewSchema(inner.schema.Kind()), readWrapped, true
		f.message = nil
		f.inner = inner
		return f, nil
	}
	if fd.Cardinality() == protoreflect.Repeated && (fd.IsMap() || isEntry(m)) {
		return f, r.entries(f, m)
	}
	message, err := r.message(m)
	if err != nil {
		return nil, err
	}
	f.schema, f.read, f.message = message.schema, readMessage, message
	return f, nil
}

func (r *reader) entries(f *decodedField, m protoreflect.MessageDescriptor) error {
	key, err := r.field(m.Fields().Get(0), false)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	value, err := r.field(m.Fields().Get(1), false)
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	key.slot, value.slot, key.member, value.member = 0, 1, -1, -1
	f.entry = &decoder{fields: []*decodedField{key, value}, byNumber: numbered([]*decodedField{key, value})}
	name := r.nameOf(m)
	f.schema = connect.MapSchema(key.schema, value.schema, connect.Named(mapName(name)))
	return nil
}

// mapName is the name of a map by that of its entries: the field's.
func mapName(entry string) string {
	name := entry[:len(entry)-len(entrySuffix)]
	out := []byte{}
	last := 0
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			last = i + 1
			break
		}
	}
	out = append(out, name[:last]...)
	for i := last; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			if i > last {
				out = append(out, '_')
			}
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}

// metaOf reads the parameters of the option confluent.field_meta, number 1088, from its bytes: the extension need not be known here.
func metaOf(fd protoreflect.FieldDescriptor) map[string]string {
	raw, err := proto.Marshal(fd.Options())
	if err != nil {
		return nil
	}
	out := map[string]string{}
	eachBytes(raw, 1088, func(meta []byte) {
		eachBytes(meta, 2, func(entry []byte) {
			var key, value string
			eachBytes(entry, 1, func(b []byte) { key = string(b) })
			eachBytes(entry, 2, func(b []byte) { value = string(b) })
			out[key] = value
		})
	})
	return out
}

// eachBytes calls found with each field of a number that has a length.
func eachBytes(message []byte, number protowire.Number, found func([]byte)) {
	for len(message) > 0 {
		n, typ, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		if n == number && typ == protowire.BytesType {
			b, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return
			}
			found(b)
			message = message[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(n, typ, message); size < 0 {
			return
		}
		message = message[size:]
	}
}

// defaultOf is what a field that is not there stands for.
func (r *reader) defaultOf(fd protoreflect.FieldDescriptor, f *decodedField) (connect.Value, error) {
	if fd.Kind() == protoreflect.MessageKind {
		switch v, err := f.read(f, item{}); {
		case f.schema.Name() == connect.DecimalName || f.schema.Name() == connect.DateName:
			return connect.Value{}, nil // no message at all is no number, and no date
		default:
			return v, err
		}
	}
	dflt := fd.Default()
	switch f.schema.Kind() {
	case connect.KindBoolean:
		return connect.Boolean(dflt.Bool()), nil
	case connect.KindFloat32:
		return connect.Float32(float32(dflt.Float())), nil
	case connect.KindFloat64:
		return connect.Float64(dflt.Float()), nil
	case connect.KindBytes:
		return connect.Bytes(append([]byte{}, dflt.Bytes()...)), nil
	case connect.KindString:
		if fd.Kind() == protoreflect.EnumKind {
			return f.read(f, item{number: uint64(int64(dflt.Enum()))})
		}
		return connect.String(dflt.String()), nil
	}
	switch fd.Kind() {
	case protoreflect.EnumKind:
		return connect.Int32(int32(dflt.Enum())), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return connect.Int64(int64(dflt.Uint())), nil
	}
	n := dflt.Int()
	switch f.schema.Kind() {
	case connect.KindInt8:
		return connect.Int8(int8(n)), nil
	case connect.KindInt16:
		return connect.Int16(int16(n)), nil
	case connect.KindInt32:
		return connect.Int32(int32(n)), nil
	}
	return connect.Int64(n), nil
}
