package protobuf

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

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
	f.schema, f.read, f.message, f.within = message.schema, readMessage, message, r.open[m.FullName()]
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
	f.entry = newLayout(key, value)
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
