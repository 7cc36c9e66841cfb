package protobuf

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

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
