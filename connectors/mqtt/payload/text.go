package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
)

// AppendJSON appends v as JSON: bytes as base64, a date or time as milliseconds, a decimal as a number, the keys of maps as text. What JSON cannot say
// (NaN and the infinities) is an error.
func AppendJSON(out []byte, v connect.Value) ([]byte, error) {
	switch v.Kind() {
	case connect.KindNull:
		return append(out, "null"...), nil
	case connect.KindBoolean:
		return strconv.AppendBool(out, v.Bool()), nil
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64, connect.KindInstant:
		return strconv.AppendInt(out, v.Int64(), 10), nil
	case connect.KindFloat32:
		return appendFloat(out, v.Float64(), 32)
	case connect.KindFloat64:
		return appendFloat(out, v.Float64(), 64)
	case connect.KindDecimal:
		return append(out, v.Decimal().String()...), nil
	case connect.KindString:
		return appendQuoted(out, v.Str())
	case connect.KindBytes:
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, v.Bytes())
		return append(out, '"'), nil
	case connect.KindArray:
		return appendArray(out, v.Array())
	case connect.KindMap:
		return appendMap(out, v.Map())
	case connect.KindStruct:
		return appendStruct(out, v.Struct())
	}
	return nil, fmt.Errorf("a value of kind %s has no form in JSON", v.Kind())
}

func appendFloat(out []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v has no form in JSON", f)
	}
	return strconv.AppendFloat(out, f, 'g', -1, bits), nil
}

func appendQuoted(out []byte, text string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return nil, err
	}
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), nil
}

func appendArray(out []byte, list []connect.Value) (_ []byte, err error) {
	out = append(out, '[')
	for i, e := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = AppendJSON(out, e); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendMap(out []byte, m *connect.Map) (_ []byte, err error) {
	out = append(out, '{')
	for i, e := range m.Entries() {
		if out, err = appendMember(out, i, e.Key.String(), e.Value); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendStruct(out []byte, s *connect.Struct) (_ []byte, err error) {
	out = append(out, '{')
	for i, f := range s.Schema().Fields() {
		if out, err = appendMember(out, i, f.Name, s.Get(f.Name)); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendMember(out []byte, i int, name string, v connect.Value) (_ []byte, err error) {
	if i > 0 {
		out = append(out, ',')
	}
	if out, err = appendQuoted(out, name); err != nil {
		return nil, err
	}
	return AppendJSON(append(out, ':'), v)
}
