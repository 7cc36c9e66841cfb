package jsonschema

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// text writes the JSON Schema of a Connect schema, members in the order of Java's library.
func (o options) text(s *connect.Schema) (string, error) {
	w := writer{options: o}
	out, err := w.appendSchema(nil, s, -1)
	if err != nil {
		return "", fmt.Errorf("%w: the schema does not fit JSON Schema: %w", connect.ErrData, err)
	}
	return string(out), nil
}

// writer writes one schema. An object or union that holds itself is written where it occurs first, and referred to from then on.
type writer struct {
	options
	path    []string // to what is being written
	defined []definition
}

// definition is an object or a union that holds itself, and the pointer to it.
type definition struct {
	schema  *connect.Schema
	pointer string
}

// before returns the reference to a struct that is written already, "" for others. Then it is to be written now.
func (w *writer) before(s *connect.Schema) (pointer string) {
	if s.Kind() != connect.KindStruct || !s.Recursive() {
		return ""
	}
	if !isUnion(s) { // what is null besides, and what null stands for, is said where it is referred to
		s = s.With(connect.Required(), connect.DefaultValue(connect.Value{}))
	}
	for _, d := range w.defined {
		if d.schema.Equal(s) {
			return d.pointer
		}
	}
	pointer = "#"
	for _, step := range w.path {
		pointer += "/" + url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1"))
	}
	w.defined = append(w.defined, definition{s, pointer})
	return ""
}

func appendReference(dst []byte, pointer string, index int) []byte {
	dst = jsontext.AppendString(append(dst, `{"$ref":`...), pointer)
	return append(appendIndex(dst, index), '}')
}

// appendWithin is appendSchema for what stands at steps from here.
func (w *writer) appendWithin(dst []byte, s *connect.Schema, index int, steps ...string) ([]byte, error) {
	here := len(w.path)
	w.path = append(w.path, steps...)
	out, err := w.appendSchema(dst, s, index)
	w.path = w.path[:here]
	return out, err
}

// appendPart is appendRequired for a part of a oneOf.
func (w *writer) appendPart(dst []byte, s *connect.Schema, index, part int) ([]byte, error) {
	here := len(w.path)
	w.path = append(w.path, "oneOf", strconv.Itoa(part))
	out, err := w.appendRequired(dst, s, index)
	w.path = w.path[:here]
	return out, err
}

// appendSchema writes a schema; index is its place among the properties of an object, -1 for none. What is optional is a oneOf with null.
func (w *writer) appendSchema(dst []byte, s *connect.Schema, index int) (out []byte, err error) {
	if s == nil {
		return nil, fmt.Errorf("a part of it is schemaless")
	}
	if isUnion(s) {
		if pointer := w.before(s); pointer != "" {
			return appendReference(dst, pointer, index), nil
		}
		if out, err = w.appendUnion(dst, s); err != nil {
			return nil, err
		}
		return append(appendIndex(out, index), '}'), nil
	}
	if !s.Optional() {
		return w.appendRequired(dst, s, index)
	}
	if out, err = w.appendPart(append(dst, `{"oneOf":[{"type":"null"},`...), s, -1, 1); err != nil {
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

func (w *writer) appendUnion(dst []byte, s *connect.Schema) (out []byte, err error) {
	out = append(dst, `{"oneOf":[`...)
	first := 0
	if s.Optional() {
		out = append(out, `{"type":"null"},`...)
		first = 1
	}
	for i, f := range s.Fields() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = w.appendPart(out, f.Schema, i, first+i); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return append(out, ']'), nil
}

// appendRequired writes what is not null.
func (w *writer) appendRequired(dst []byte, s *connect.Schema, index int) (out []byte, err error) {
	if pointer := w.before(s); pointer != "" {
		return appendReference(dst, pointer, index), nil
	}
	out = append(dst, '{')
	if s.HasName() {
		out = append(jsontext.AppendString(append(out, `"title":`...), s.Name()), ',')
	}
	if s.HasDoc() {
		out = append(jsontext.AppendString(append(out, `"description":`...), s.Doc()), ',')
	}
	if !s.Default().IsNull() {
		if out, err = w.appendValue(append(out, `"default":`...), s, s.Default()); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
		out = append(out, ',')
	}
	if out, err = w.appendContent(out, s); err != nil {
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

func (w *writer) appendContent(dst []byte, s *connect.Schema) (out []byte, err error) {
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return append(dst, `"type":"integer"`...), nil
	case connect.KindFloat32, connect.KindFloat64:
		return append(dst, `"type":"number"`...), nil
	case connect.KindBoolean:
		return append(dst, `"type":"boolean"`...), nil
	case connect.KindString:
		if param, ok := w.asEnum(s); ok {
			return appendEnum(dst, s, param), nil
		}
		return append(dst, `"type":"string"`...), nil
	case connect.KindBytes:
		if s.Name() == connect.DecimalName && w.numeric {
			return append(dst, `"type":"number"`...), nil
		}
		return append(dst, `"type":"string"`...), nil
	case connect.KindArray:
		out, err = w.appendWithin(append(dst, `"type":"array","items":`...), s.Elem(), -1, "items")
		return out, err
	case connect.KindMap:
		return w.appendMapContent(dst, s)
	}
	return w.appendProperties(dst, s)
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

func (w *writer) appendMapContent(dst []byte, s *connect.Schema) (out []byte, err error) {
	if isObject(s) {
		return w.appendWithin(append(dst, `"type":"object","additionalProperties":`...), s.Elem(), -1, "additionalProperties")
	}
	if out, err = w.appendWithin(append(dst, `"type":"array","items":{"type":"object","properties":{"key":`...), s.Keys(), 0, "items", "properties", "key"); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if out, err = w.appendWithin(append(out, `,"value":`...), s.Elem(), 1, "items", "properties", "value"); err != nil {
		return nil, err
	}
	return append(out, `}}`...), nil
}

func (w *writer) appendProperties(dst []byte, s *connect.Schema) (out []byte, err error) {
	out = append(dst, `"type":"object","properties":{`...)
	for i, f := range s.Fields() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = w.appendWithin(append(jsontext.AppendString(out, f.Name), ':'), f.Schema, i, "properties", f.Name); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	out = append(out, '}')
	if w.closed {
		out = append(out, `,"additionalProperties":false`...)
	}
	return out, nil
}
