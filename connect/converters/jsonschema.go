package converters

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// Names of schema types in JSON, by kind.
var schemaTypes = [...]string{
	connect.KindInt8: "int8", connect.KindInt16: "int16", connect.KindInt32: "int32", connect.KindInt64: "int64",
	connect.KindFloat32: "float", connect.KindFloat64: "double", connect.KindBoolean: "boolean", connect.KindString: "string",
	connect.KindBytes: "bytes", connect.KindArray: "array", connect.KindMap: "map", connect.KindStruct: "struct",
}

// appendSchema writes a schema as an object.
func (c *JSON) appendSchema(dst []byte, s *connect.Schema) ([]byte, error) {
	if s == nil {
		return append(dst, "null"...), nil
	}
	out, err := c.appendAttributes(dst, s)
	return append(out, '}'), err
}

// appendField writes the schema of a struct's field, which carries the field's name.
func (c *JSON) appendField(dst []byte, f connect.Field) ([]byte, error) {
	out, err := c.appendAttributes(dst, f.Schema)
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return append(jsontext.AppendString(append(out, `,"field":`...), f.Name), '}'), nil
}

// appendAttributes writes the object of a schema without its end.
func (c *JSON) appendAttributes(dst []byte, s *connect.Schema) (out []byte, err error) {
	out = append(append(dst, `{"type":"`...), schemaTypes[s.Kind()]...)
	out = append(out, '"')
	if out, err = c.appendInner(out, s); err != nil {
		return nil, err
	}
	out = strconv.AppendBool(append(out, `,"optional":`...), s.Optional())
	if s.HasName() {
		out = jsontext.AppendString(append(out, `,"name":`...), s.Name())
	}
	if s.HasVersion() {
		out = strconv.AppendInt(append(out, `,"version":`...), int64(s.Version()), 10)
	}
	if s.HasDoc() {
		out = jsontext.AppendString(append(out, `,"doc":`...), s.Doc())
	}
	if len(s.Params()) > 0 {
		out = appendParams(out, s.Params())
	}
	if !s.Default().IsNull() {
		if out, err = c.appendValue(append(out, `,"default":`...), s, s.Default()); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
	}
	return out, nil
}

// appendInner writes the schemas within a schema.
func (c *JSON) appendInner(out []byte, s *connect.Schema) (_ []byte, err error) {
	switch s.Kind() {
	case connect.KindArray:
		return c.appendSchema(append(out, `,"items":`...), s.Elem())
	case connect.KindMap:
		if out, err = c.appendSchema(append(out, `,"keys":`...), s.Keys()); err != nil {
			return nil, err
		}
		return c.appendSchema(append(out, `,"values":`...), s.Elem())
	case connect.KindStruct:
		out = append(out, `,"fields":[`...)
		for i, f := range s.Fields() {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = c.appendField(out, f); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	}
	return out, nil
}

func appendParams(out []byte, params map[string]string) []byte {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	out = append(out, `,"parameters":{`...)
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(jsontext.AppendString(out, name), ':')
		out = jsontext.AppendString(out, params[name])
	}
	return append(out, '}')
}
