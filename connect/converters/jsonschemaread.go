package converters

import (
	"bytes"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// schemaOf returns the schema that a text stands for, the same one for the same text.
func (c *JSON) schemaOf(text []byte) (*connect.Schema, error) {
	if string(text) == "null" {
		return nil, nil
	}
	if s, known := c.schemas[string(text)]; known {
		return s, nil
	}
	text = bytes.Clone(text) // the schema's names share it, and outlive the record
	r := schemaReader{keepNull: c.options.KeepNullForDefault}
	s, _, err := r.read(text)
	if err != nil {
		return nil, err
	}
	if len(c.schemas) >= c.options.CacheSize {
		clear(c.schemas)
	}
	c.schemas[string(text)] = s
	return s, nil
}

// schemaReader builds schemas from their JSON. Attributes that are not of their type, and those it does not know, are ignored, as in
// Java; what it needs and does not find is an error.
type schemaReader struct{ keepNull bool }

// schemaText is a schema taken apart. Members that are values stand as such, those that need more as their text.
type schemaText struct {
	typ, optional, name, version, doc, params, field connect.Value

	items, keys, values, fields, dflt []byte
}

// read returns the schema and, where it is a field's, the field's name.
func (r schemaReader) read(text []byte) (*connect.Schema, connect.Value, error) {
	t, err := takeApart(text)
	if err != nil {
		return nil, connect.Value{}, err
	}
	if t.typ.Kind() != connect.KindString {
		return nil, connect.Value{}, fmt.Errorf("%w: a schema must contain 'type'", connect.ErrData)
	}
	s, err := r.build(t)
	if err == nil && t.dflt != nil {
		s, err = r.withDefault(s, t.dflt)
	}
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("%w (in a schema of type %s)", err, t.typ.Str())
	}
	return s, t.field, nil
}

func takeApart(text []byte) (t schemaText, err error) {
	d := decoder{Scanner: jsontext.Scanner{Data: text}}
	if d.Peek() != '{' {
		return t, nil
	}
	more, err := d.Open('}')
	for more && err == nil {
		name, err := d.Name()
		if err != nil {
			return t, err
		}
		d.Peek()
		start := d.At
		v, err := d.bare()
		if err != nil {
			return t, err
		}
		t.set(name, v, text[start:d.At])
		if more, err = d.Next('}'); err != nil {
			return t, err
		}
	}
	return t, err
}

func (t *schemaText) set(name string, v connect.Value, text []byte) {
	switch name {
	case "type":
		t.typ = v
	case "optional":
		t.optional = v
	case "name":
		t.name = v
	case "version":
		t.version = v
	case "doc":
		t.doc = v
	case "parameters":
		t.params = v
	case "field":
		t.field = v
	case "items":
		t.items = text
	case "keys":
		t.keys = text
	case "values":
		t.values = text
	case "fields":
		t.fields = text
	case "default":
		t.dflt = text
	}
}

func (r schemaReader) build(t schemaText) (*connect.Schema, error) {
	opts, err := t.options()
	if err != nil {
		return nil, err
	}
	switch t.typ.Str() {
	case "array":
		items, err := r.inner("items", t.items)
		if err != nil {
			return nil, err
		}
		return connect.ArraySchema(items, opts...), nil
	case "map":
		keys, err := r.inner("keys", t.keys)
		if err != nil {
			return nil, err
		}
		vals, err := r.inner("values", t.values)
		if err != nil {
			return nil, err
		}
		return connect.MapSchema(keys, vals, opts...), nil
	case "struct":
		return r.structure(t.fields, opts)
	}
	for kind, name := range schemaTypes {
		if name == t.typ.Str() && name != "" {
			return connect.NewSchema(connect.Kind(kind), opts...), nil
		}
	}
	return nil, fmt.Errorf("%w: Unknown schema type: %s", connect.ErrData, t.typ.Str())
}

func (t *schemaText) options() ([]connect.SchemaOption, error) {
	var opts []connect.SchemaOption
	if t.optional.Kind() == connect.KindBoolean && t.optional.Bool() {
		opts = append(opts, connect.Optional())
	}
	if t.name.Kind() == connect.KindString {
		opts = append(opts, connect.Named(t.name.Str()))
	}
	if t.version.Kind() == connect.KindInt64 {
		opts = append(opts, connect.Version(int(int32(t.version.Int64()))))
	}
	if t.doc.Kind() == connect.KindString {
		opts = append(opts, connect.Doc(t.doc.Str()))
	}
	if t.params.Kind() != connect.KindMap {
		return opts, nil
	}
	for _, e := range t.params.Map().Entries() {
		if e.Value.Kind() != connect.KindString {
			return nil, fmt.Errorf("%w: schema parameters must have string values", connect.ErrData)
		}
		opts = append(opts, connect.Param(e.Key.Str(), e.Value.Str()))
	}
	return opts, nil
}

// inner reads the schema of elements, keys or values, which must be there.
func (r schemaReader) inner(what string, text []byte) (*connect.Schema, error) {
	if text == nil || string(text) == "null" {
		return nil, fmt.Errorf("%w: the schema did not specify %s", connect.ErrData, what)
	}
	s, _, err := r.read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

func (r schemaReader) structure(text []byte, opts []connect.SchemaOption) (*connect.Schema, error) {
	d := decoder{Scanner: jsontext.Scanner{Data: text}}
	if d.Peek() != '[' {
		return nil, fmt.Errorf("%w: a struct schema's fields are not an array", connect.ErrData)
	}
	var fields []connect.Field
	more, err := d.Open(']')
	for more && err == nil {
		d.Peek()
		start := d.At
		if err = d.Skip(); err != nil {
			return nil, err
		}
		s, name, err := r.read(text[start:d.At])
		if err != nil {
			return nil, err
		}
		if name.Kind() != connect.KindString {
			return nil, fmt.Errorf("%w: a struct schema's field has no name", connect.ErrData)
		}
		fields = append(fields, connect.F(name.Str(), s))
		if more, err = d.Next(']'); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	s, err := connect.BuildStructSchema(fields, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connect.ErrData, err)
	}
	return s, nil
}

// withDefault gives s its default, which stands under s itself and must fit it.
func (r schemaReader) withDefault(s *connect.Schema, text []byte) (*connect.Schema, error) {
	d := decoder{Scanner: jsontext.Scanner{Data: text}, keepNull: r.keepNull}
	v, err := d.value(s, checked)
	if err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	return s.With(connect.DefaultValue(v)), nil
}
