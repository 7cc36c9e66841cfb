package converters

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

// appendValue writes v under a schema, or under none.
func (c *JSON) appendValue(dst []byte, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		return c.appendNull(dst, schema)
	}
	kind := v.Kind()
	if schema != nil {
		if isLogical(schema) {
			return c.appendLogical(dst, schema, v)
		}
		kind = schema.Kind()
	}
	if kind != v.Kind() {
		return nil, fmt.Errorf("%w: a value of kind %s under a schema of type %s", connect.ErrData, v.Kind(), kind)
	}
	switch kind {
	case connect.KindArray:
		return c.appendArray(dst, schema, v.Array())
	case connect.KindMap:
		return c.appendMap(dst, schema, v.Map())
	case connect.KindStruct:
		return c.appendStruct(dst, schema, v.Struct())
	case connect.KindDecimal, connect.KindInstant:
		return nil, fmt.Errorf("%w: a value of kind %s needs the schema of its logical type", connect.ErrData, kind)
	}
	return appendScalar(dst, v), nil
}

// appendScalar writes a number, a truth, a text or bytes. An instant is the number that a Timestamp is.
func appendScalar(dst []byte, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindFloat64:
		if f := v.Float64(); f-f == 0 {
			return values.AppendFloat64(dst, f)
		}
		return appendNoNumber(dst, v)
	case connect.KindFloat32:
		if f := float32(v.Float64()); f-f == 0 {
			return values.AppendFloat32(dst, f)
		}
		return appendNoNumber(dst, v)
	case connect.KindBoolean:
		return strconv.AppendBool(dst, v.Bool())
	case connect.KindString:
		return jsontext.AppendString(dst, v.Str())
	case connect.KindBytes:
		return appendBase64(dst, v.Bytes())
	}
	return values.AppendInteger(dst, v.Int64())
}

func (c *JSON) appendNull(dst []byte, schema *connect.Schema) ([]byte, error) {
	switch {
	case schema == nil:
	case !schema.Default().IsNull() && !c.options.KeepNullForDefault:
		return c.appendValue(dst, schema, schema.Default())
	case !schema.Optional():
		return nil, fmt.Errorf("%w: null for a required value without default", connect.ErrData)
	}
	return append(dst, "null"...), nil
}

// appendNoNumber quotes the floats that are no numbers to JSON: NaN and the infinities.
func appendNoNumber(dst []byte, v connect.Value) []byte {
	return append(values.AppendFloat64(append(dst, '"'), v.Float64()), '"')
}

func isLogical(s *connect.Schema) bool {
	switch s.Name() {
	case connect.DecimalName, connect.DateName, connect.TimeName, connect.TimestampName:
		return true
	}
	return false
}

func (c *JSON) appendLogical(dst []byte, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if schema.Name() == connect.DecimalName {
		return c.appendDecimal(dst, schema, v)
	}
	if v.Kind() != connect.KindInstant {
		return nil, fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), schema.Name())
	}
	ms := v.Int64()
	switch schema.Name() {
	case connect.DateName:
		if ms%millisPerDay != 0 {
			return nil, fmt.Errorf("%w: a Date with a time of day", connect.ErrData)
		}
		ms = int64(int32(ms / millisPerDay))
	case connect.TimeName:
		if ms < 0 || ms > millisPerDay {
			return nil, fmt.Errorf("%w: a Time beyond one day", connect.ErrData)
		}
	}
	return values.AppendInteger(dst, ms), nil
}

const millisPerDay = 24 * 60 * 60 * 1000

func (c *JSON) appendDecimal(dst []byte, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindDecimal {
		return nil, fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), schema.Name())
	}
	d := v.Decimal()
	if c.options.Decimals == Numeric {
		return values.AppendDecimal(dst, d), nil
	}
	scale, err := scaleOf(schema)
	if err != nil {
		return nil, err
	}
	if scale != d.Scale {
		return nil, fmt.Errorf("%w: a Decimal of scale %d under a schema of scale %d", connect.ErrData, d.Scale, scale)
	}
	var buf [32]byte
	return appendBase64(dst, values.AppendTwosComplement(buf[:0], d.Unscaled)), nil
}

func scaleOf(schema *connect.Schema) (int32, error) {
	scale, err := strconv.ParseInt(schema.Params()[connect.ScaleParam], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: the schema of a Decimal lacks the parameter scale", connect.ErrData)
	}
	return int32(scale), nil
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func (c *JSON) appendArray(dst []byte, schema *connect.Schema, elems []connect.Value) (out []byte, err error) {
	var elem *connect.Schema
	if schema != nil {
		elem = schema.Elem()
	}
	out = append(dst, '[')
	for i, e := range elems {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = c.appendValue(out, elem, e); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(out, ']'), nil
}

// appendMap writes an object if the keys are strings by their schema or, without one, all in fact; else a list of pairs.
func (c *JSON) appendMap(dst []byte, schema *connect.Schema, m *connect.Map) ([]byte, error) {
	var keys, vals *connect.Schema
	object := true
	if schema != nil {
		keys, vals = schema.Keys(), schema.Elem()
		if keys == nil {
			return nil, fmt.Errorf("%w: a map whose schema has none for its keys", connect.ErrData)
		}
		object = keys.Kind() == connect.KindString
	} else {
		if names := c.keys.of(m.Keys()); names != nil {
			return c.appendNamed(dst, names, m)
		}
		for _, e := range m.Entries() {
			object = object && e.Key.Kind() == connect.KindString
		}
	}
	if object {
		return c.appendObject(dst, keys, vals, m)
	}
	return c.appendPairs(dst, keys, vals, m)
}

func (c *JSON) appendObject(dst []byte, keys, vals *connect.Schema, m *connect.Map) (out []byte, err error) {
	out = append(dst, '{')
	for i, e := range m.Entries() {
		if i > 0 {
			out = append(out, ',')
		}
		start := len(out)
		if out, err = c.appendValue(out, keys, e.Key); err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if out[start] != '"' { // null, from an optional key
			out = jsontext.AppendString(out[:start], string(out[start:]))
		}
		if out, err = c.appendValue(append(out, ':'), vals, e.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return append(out, '}'), nil
}

// appendNamed writes an object without schema whose names are known as they are written.
func (c *JSON) appendNamed(dst []byte, names []memberName, m *connect.Map) (out []byte, err error) {
	out = append(dst, '{')
	for i := range names {
		if out, err = c.appendValue(names[i].append(out), nil, m.At(i)); err != nil {
			return nil, fmt.Errorf("entry %s: %w", m.Keys().At(i), err)
		}
	}
	return append(out, '}'), nil
}

func (c *JSON) appendPairs(dst []byte, keys, vals *connect.Schema, m *connect.Map) (out []byte, err error) {
	out = append(dst, '[')
	for i, e := range m.Entries() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = c.appendValue(append(out, '['), keys, e.Key); err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if out, err = c.appendValue(append(out, ','), vals, e.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

func (c *JSON) appendStruct(dst []byte, schema *connect.Schema, st *connect.Struct) (out []byte, err error) {
	if !st.Schema().Equal(schema) {
		return nil, fmt.Errorf("%w: a struct of another schema than its place has", connect.ErrData)
	}
	out = append(dst, '{')
	list := c.membersOf(schema).list
	for i := range list {
		m, v := &list[i], st.At(i)
		out = m.name.append(out)
		if m.scalar && v.Kind() == m.kind {
			out = appendScalar(out, v)
		} else if out, err = c.appendValue(out, m.schema, v); err != nil {
			return nil, fmt.Errorf("field %s: %w", schema.Fields()[i].Name, err)
		}
	}
	return append(out, '}'), nil
}
