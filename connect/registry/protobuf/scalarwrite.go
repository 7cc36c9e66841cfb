package protobuf

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

type scalarWriter struct {
	kinds []connect.Kind
	write func(f *encodedField, dst []byte, v connect.Value) ([]byte, error)
}

var (
	integers = []connect.Kind{connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64}
	shorts   = []connect.Kind{connect.KindInt8, connect.KindInt16, connect.KindInt32}
)

// scalarWriters are by the type of the field. What is wider than the field is no fit, but for the unsigned types, which are wider in Connect.
var scalarWriters = map[protoreflect.Kind]scalarWriter{
	protoreflect.BoolKind:     {[]connect.Kind{connect.KindBoolean}, (*encodedField).boolean},
	protoreflect.Int32Kind:    {shorts, (*encodedField).varint},
	protoreflect.Sint32Kind:   {shorts, (*encodedField).zigzag},
	protoreflect.Uint32Kind:   {integers, (*encodedField).unsigned32},
	protoreflect.Int64Kind:    {integers, (*encodedField).varint},
	protoreflect.Sint64Kind:   {integers, (*encodedField).zigzag},
	protoreflect.Uint64Kind:   {integers, (*encodedField).varint},
	protoreflect.Sfixed32Kind: {shorts, (*encodedField).fixed32},
	protoreflect.Fixed32Kind:  {integers, (*encodedField).fixed32},
	protoreflect.Sfixed64Kind: {integers, (*encodedField).fixed64},
	protoreflect.Fixed64Kind:  {integers, (*encodedField).fixed64},
	protoreflect.FloatKind:    {[]connect.Kind{connect.KindFloat32}, (*encodedField).float},
	protoreflect.DoubleKind:   {[]connect.Kind{connect.KindFloat32, connect.KindFloat64}, (*encodedField).double},
	protoreflect.StringKind:   {[]connect.Kind{connect.KindString}, (*encodedField).text},
	protoreflect.BytesKind:    {[]connect.Kind{connect.KindBytes}, (*encodedField).bytes},
}

func (f *encodedField) boolean(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBoolean {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, protowire.EncodeBool(v.Bool())), nil
}

func (f *encodedField) varint(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, uint64(v.Int64())), nil
}

func (f *encodedField) unsigned32(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, uint64(uint32(v.Int64()))), nil
}

func (f *encodedField) zigzag(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, protowire.EncodeZigZag(v.Int64())), nil
}

func (f *encodedField) fixed32(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed32(dst, uint32(v.Int64())), nil
}

func (f *encodedField) fixed64(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed64(dst, uint64(v.Int64())), nil
}

func (f *encodedField) float(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed32(dst, math.Float32bits(float32(v.Float64()))), nil
}

func (f *encodedField) double(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed64(dst, math.Float64bits(v.Float64())), nil
}

func (f *encodedField) text(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, f.mismatch(v)
	}
	return protowire.AppendString(dst, strings.ToValidUTF8(v.Str(), "\ufffd")), nil
}

func (f *encodedField) bytes(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBytes {
		return nil, f.mismatch(v)
	}
	return protowire.AppendBytes(dst, v.Bytes()), nil
}

func (f *encodedField) symbol(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, f.mismatch(v)
	}
	number, ok := f.symbols[v.Str()]
	if !ok {
		if _, err := fmt.Sscanf(v.Str()[strings.LastIndexByte(v.Str(), '_')+1:], "%d", &number); err != nil || !strings.HasPrefix(v.Str(), unknownSymbol) {
			return nil, fmt.Errorf("%w: %q is no symbol of the enum", connect.ErrData, v.Str())
		}
	}
	return protowire.AppendVarint(dst, uint64(int64(number))), nil
}
