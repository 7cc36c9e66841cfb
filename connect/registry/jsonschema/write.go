package jsonschema

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

const millisPerDay = 24 * 60 * 60 * 1000

var nan, infinity = math.NaN(), math.Inf(1)

// appendValue writes a value under its schema (JsonSchemaData.fromConnectData).
func (o options) appendValue(dst []byte, s *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		switch {
		case !s.Default().IsNull() && !o.ignoreDefaults:
			return o.appendValue(dst, s, s.Default())
		case s.Optional():
			return append(dst, "null"...), nil
		}
		return nil, fmt.Errorf("%w: null for a required %s", connect.ErrData, s.Kind())
	}
	switch s.Name() {
	case connect.DecimalName:
		return o.appendDecimal(dst, s, v)
	case connect.DateName, connect.TimeName, connect.TimestampName:
		return appendInstant(dst, s, v)
	}
	if v.Kind() != s.Kind() {
		return nil, mismatch(s, v)
	}
	switch v.Kind() {
	case connect.KindFloat32:
		return appendFloat(dst, values.AppendFloat32, float32(v.Float64())), nil
	case connect.KindFloat64:
		return appendFloat(dst, values.AppendFloat64, v.Float64()), nil
	case connect.KindBoolean:
		return strconv.AppendBool(dst, v.Bool()), nil
	case connect.KindString:
		return jsontext.AppendString(dst, v.Str()), nil
	case connect.KindBytes:
		return appendBase64(dst, v.Bytes()), nil
	case connect.KindArray:
		return o.appendArray(dst, s, v.Array())
	case connect.KindMap:
		return o.appendMap(dst, s, v.Map())
	case connect.KindStruct:
		return o.appendStruct(dst, s, v.Struct())
	}
	return strconv.AppendInt(dst, v.Int64(), 10), nil
}

func mismatch(s *connect.Schema, v connect.Value) error {
	under := s.Kind().String()
	if s.HasName() {
		under = s.Name()
	}
	return fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), under)
}

// appendFloat quotes what is no number to JSON.
func appendFloat[F float32 | float64](dst []byte, text func([]byte, F) []byte, f F) []byte {
	if f-f != 0 {
		return append(text(append(dst, '"'), f), '"')
	}
	return text(dst, f)
}

func appendBase64(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

func (o options) appendDecimal(dst []byte, s *connect.Schema, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindDecimal {
		return nil, mismatch(s, v)
	}
	d := v.Decimal()
	if o.numeric {
		return values.AppendDecimal(dst, d), nil
	}
	if scale := scaleOf(s); scale != d.Scale {
		return nil, fmt.Errorf("%w: a Decimal of scale %d under a schema of scale %d", connect.ErrData, d.Scale, scale)
	}
	var room [32]byte
	return appendBase64(dst, values.AppendTwosComplement(room[:0], d.Unscaled)), nil
}

func scaleOf(s *connect.Schema) int32 {
	scale, _ := strconv.ParseInt(s.Params()[connect.ScaleParam], 10, 32)
	return int32(scale)
}

func appendInstant(dst []byte, s *connect.Schema, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, mismatch(s, v)
	}
	n := v.Int64()
	switch s.Name() {
	case connect.DateName:
		if n%millisPerDay != 0 {
			return nil, fmt.Errorf("%w: a Date with a time of day", connect.ErrData)
		}
		n /= millisPerDay
	case connect.TimeName:
		if n < 0 || n > millisPerDay {
			return nil, fmt.Errorf("%w: a Time beyond one day", connect.ErrData)
		}
	}
	return strconv.AppendInt(dst, n, 10), nil
}

func (o options) appendArray(dst []byte, s *connect.Schema, list []connect.Value) (out []byte, err error) {
	out = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = o.appendValue(out, s.Elem(), e); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(out, ']'), nil
}

func (o options) appendMap(dst []byte, s *connect.Schema, m *connect.Map) (out []byte, err error) {
	if !isObject(s) {
		return o.appendPairs(dst, s, m)
	}
	out = append(dst, '{')
	for i, e := range m.Entries() {
		if i > 0 {
			out = append(out, ',')
		}
		if e.Key.Kind() != connect.KindString {
			return nil, mismatch(s.Keys(), e.Key)
		}
		if out, err = o.appendValue(append(jsontext.AppendString(out, e.Key.Str()), ':'), s.Elem(), e.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return append(out, '}'), nil
}

func (o options) appendPairs(dst []byte, s *connect.Schema, m *connect.Map) (out []byte, err error) {
	out = append(dst, '[')
	for i, e := range m.Entries() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = o.appendValue(append(out, `{"key":`...), s.Keys(), e.Key); err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if out, err = o.appendValue(append(out, `,"value":`...), s.Elem(), e.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
		out = append(out, '}')
	}
	return append(out, ']'), nil
}

// appendStruct leaves out the fields that are null without being optional.
func (o options) appendStruct(dst []byte, s *connect.Schema, st *connect.Struct) (out []byte, err error) {
	if !st.Schema().Equal(s) {
		return nil, fmt.Errorf("%w: a struct of another schema than its place has", connect.ErrData)
	}
	if isUnion(s) {
		return o.appendMember(dst, s, st)
	}
	out = append(dst, '{')
	for i, f := range s.Fields() {
		v := st.At(i)
		if v.IsNull() && !f.Schema.Optional() && (f.Schema.Default().IsNull() || o.ignoreDefaults) {
			continue
		}
		if len(out) > len(dst)+1 {
			out = append(out, ',')
		}
		if out, err = o.appendValue(append(jsontext.AppendString(out, f.Name), ':'), f.Schema, v); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return append(out, '}'), nil
}

// appendMember writes the field of a union's struct that is set.
func (o options) appendMember(dst []byte, s *connect.Schema, st *connect.Struct) ([]byte, error) {
	for i, f := range s.Fields() {
		v := st.At(i)
		if v.IsNull() && !o.ignoreDefaults {
			v = f.Schema.Default()
		}
		if !v.IsNull() {
			return o.appendValue(dst, f.Schema, v)
		}
	}
	if s.Optional() {
		return append(dst, "null"...), nil
	}
	return nil, fmt.Errorf("%w: no field of a union is set", connect.ErrData)
}
