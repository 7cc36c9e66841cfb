package jsonschema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// text writes the JSON Schema of a Connect schema, members in the order of Java's library.
func (o options) text(s *connect.Schema) (string, error) {
	out, err := o.appendSchema(nil, s, -1)
	if err != nil {
		return "", fmt.Errorf("%w: the schema does not fit JSON Schema: %w", connect.ErrData, err)
	}
	return string(out), nil
}

// appendSchema writes a schema; index is its place among the properties of an object, -1 for none. What is optional is a oneOf with null.
func (o options) appendSchema(dst []byte, s *connect.Schema, index int) (out []byte, err error) {
	if s == nil {
		return nil, fmt.Errorf("a part of it is schemaless")
	}
	if isUnion(s) {
		if out, err = o.appendUnion(dst, s); err != nil {
			return nil, err
		}
		return append(appendIndex(out, index), '}'), nil
	}
	if !s.Optional() {
		return o.appendRequired(dst, s, index)
	}
	if out, err = o.appendRequired(append(dst, `{"oneOf":[{"type":"null"},`...), s, -1); err != nil {
		return nil, err
	}
	return append(appendIndex(append(out, ']'), index), '}'), nil
}

func appendIndex(dst []byte, index int) []byte {
	if index < 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, `,"`+indexProp+`":`...), int64(index), 10)
}

func (o options) appendUnion(dst []byte, s *connect.Schema) (out []byte, err error) {
	out = append(dst, `{"oneOf":[`...)
	if s.Optional() {
		out = append(out, `{"type":"null"},`...)
	}
	for i, f := range s.Fields() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = o.appendRequired(out, f.Schema, i); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return append(out, ']'), nil
}

// appendRequired writes what is not null.
func (o options) appendRequired(dst []byte, s *connect.Schema, index int) (out []byte, err error) {
	out = append(dst, '{')
	if s.HasName() {
		out = append(jsontext.AppendString(append(out, `"title":`...), s.Name()), ',')
	}
	if s.HasDoc() {
		out = append(jsontext.AppendString(append(out, `"description":`...), s.Doc()), ',')
	}
	if !s.Default().IsNull() {
		if out, err = o.appendValue(append(out, `"default":`...), s, s.Default()); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
		out = append(out, ',')
	}
	if out, err = o.appendContent(out, s); err != nil {
		return nil, err
	}
	out = appendIndex(out, index)
	if s.HasVersion() {
		out = strconv.AppendInt(append(out, `,"`+versionProp+`":`...), int64(s.Version()), 10)
	}
	out = appendParameters(out, s.Params())
	if name := connectType(s); name != "" {
		out = jsontext.AppendString(append(out, `,"`+typeProp+`":`...), name)
	}
	return append(out, '}'), nil
}

// connectType is what the type of JSON does not say.
func connectType(s *connect.Schema) string {
	switch k := s.Kind(); k {
	case connect.KindBoolean, connect.KindString, connect.KindArray, connect.KindStruct:
		return ""
	default:
		return k.String()
	}
}

func appendParameters(dst []byte, params map[string]string) []byte {
	out := dst
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if strings.HasPrefix(key, namespace) {
			continue
		}
		if len(out) == len(dst) {
			out = append(out, `,"`+parametersProp+`":{`...)
		} else {
			out = append(out, ',')
		}
		out = jsontext.AppendString(append(jsontext.AppendString(out, key), ':'), params[key])
	}
	if len(out) > len(dst) {
		out = append(out, '}')
	}
	return out
}

func (o options) appendContent(dst []byte, s *connect.Schema) (out []byte, err error) {
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return append(dst, `"type":"integer"`...), nil
	case connect.KindFloat32, connect.KindFloat64:
		return append(dst, `"type":"number"`...), nil
	case connect.KindBoolean:
		return append(dst, `"type":"boolean"`...), nil
	case connect.KindString:
		if param, ok := o.asEnum(s); ok {
			return appendEnum(dst, s, param), nil
		}
		return append(dst, `"type":"string"`...), nil
	case connect.KindBytes:
		if s.Name() == connect.DecimalName && o.numeric {
			return append(dst, `"type":"number"`...), nil
		}
		return append(dst, `"type":"string"`...), nil
	case connect.KindArray:
		out, err = o.appendSchema(append(dst, `"type":"array","items":`...), s.Elem(), -1)
		return out, err
	case connect.KindMap:
		return o.appendMapContent(dst, s)
	}
	return o.appendProperties(dst, s)
}

func appendEnum(dst []byte, s *connect.Schema, param string) []byte {
	type symbol struct {
		name   string
		number int
	}
	var symbols []symbol
	for key, value := range s.Params() {
		if name, ok := strings.CutPrefix(key, param+"."); ok {
			number, _ := strconv.Atoi(value)
			symbols = append(symbols, symbol{name, number})
		}
	}
	slices.SortFunc(symbols, func(a, b symbol) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.name, b.name)
	})
	dst = append(dst, `"enum":[`...)
	for i, s := range symbols {
		if i > 0 {
			dst = append(dst, ',')
		}
		if s.name == nullName {
			dst = append(dst, "null"...)
		} else {
			dst = jsontext.AppendString(dst, s.name)
		}
	}
	return append(dst, ']')
}

func (o options) appendMapContent(dst []byte, s *connect.Schema) (out []byte, err error) {
	if isObject(s) {
		return o.appendSchema(append(dst, `"type":"object","additionalProperties":`...), s.Elem(), -1)
	}
	if out, err = o.appendSchema(append(dst, `"type":"array","items":{"type":"object","properties":{"key":`...), s.Keys(), 0); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if out, err = o.appendSchema(append(out, `,"value":`...), s.Elem(), 1); err != nil {
		return nil, err
	}
	return append(out, `}}`...), nil
}

func (o options) appendProperties(dst []byte, s *connect.Schema) (out []byte, err error) {
	out = append(dst, `"type":"object","properties":{`...)
	for i, f := range s.Fields() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = o.appendSchema(append(jsontext.AppendString(out, f.Name), ':'), f.Schema, i); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	out = append(out, '}')
	if o.closed {
		out = append(out, `,"additionalProperties":false`...)
	}
	return out, nil
}
