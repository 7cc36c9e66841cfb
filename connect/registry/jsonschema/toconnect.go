package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/registry"
)

// toConnect returns the Connect schema of a JSON Schema. version is the schema's own where it says none; 0 for none.
func (o options) toConnect(stored registry.Schema, version int) (*connect.Schema, error) {
	d, err := newDocument(stored)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connect.ErrData, err)
	}
	t := translator{options: o, document: d, parts: map[*byte]*translation{}}
	s, err := t.schema(place{d.root, d.root}, version, false)
	if err != nil {
		return nil, fmt.Errorf("%w: the JSON Schema has no form in Connect: %w", connect.ErrData, err)
	}
	return s, nil
}

// content translates what a part says.
func (t *translator) content(p place, version int) (*connect.Schema, error) {
	if ref := text(p.part, "$ref"); ref != "" {
		found, err := t.document.find(p, ref)
		if err != nil {
			return nil, err
		}
		return t.schema(found, version, false)
	}
	if all := list(p.part, "allOf"); all != nil {
		return t.allOf(p, all, version)
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if parts := list(p.part, key); parts != nil {
			return t.oneOf(p, parts, version)
		}
	}
	if types := list(p.part, "type"); types != nil {
		return t.types(p, types, version)
	}
	typ := typeIn(p.part)
	if typ == "object" && text(p.part, typeProp) != "map" {
		s, err := t.structure(t.properties(p), attributes(p.part, version, false)...)
		if err != nil {
			return nil, err
		}
		return withDefault(p.part, s)
	}
	s, err := t.base(p, typ)
	if err != nil {
		return nil, err
	}
	return withDefault(p.part, s.With(attributes(p.part, version, s.HasName())...))
}

var errAnything = errors.New("a part of it accepts any value")

// typeIn is the type of a part, by what it says of its properties or items where it does not say it itself; "" for none.
func typeIn(part json.RawMessage) string {
	typ := text(part, "type")
	switch {
	case typ != "" || list(part, "enum") != nil || member(part, "const") != nil:
	case member(part, "properties") != nil || member(part, "additionalProperties") != nil:
		return "object"
	case member(part, "items") != nil:
		return "array"
	}
	return typ
}

// base returns the schema with what its type alone says.
func (t *translator) base(p place, typ string) (*connect.Schema, error) {
	symbols, hasEnum := symbolsOf(p.part)
	switch {
	case hasEnum && (typ == "" || typ == "string"):
		return t.enum(symbols), nil
	case member(p.part, "const") != nil && typ == "":
		return t.enum([]string{symbolOf(member(p.part, "const"))}), nil
	}
	switch typ {
	case "boolean":
		return connect.BooleanSchema, nil
	case "integer", "number":
		return numberSchema(typ, text(p.part, typeProp))
	case "string":
		if text(p.part, typeProp) == "bytes" {
			return connect.BytesSchema, nil
		}
		return connect.StringSchema, nil
	case "array":
		return t.array(p)
	case "object":
		values, err := t.within(p.at("additionalProperties"), false)
		return connect.MapSchema(connect.StringSchema, values), err
	case "":
		return nil, errAnything
	}
	return nil, fmt.Errorf("its type is %s", typ)
}

func numberSchema(typ, connectType string) (*connect.Schema, error) {
	switch connectType {
	case "int8":
		return connect.Int8Schema, nil
	case "int16":
		return connect.Int16Schema, nil
	case "int32":
		return connect.Int32Schema, nil
	case "int64":
		return connect.Int64Schema, nil
	case "float32":
		return connect.Float32Schema, nil
	case "float64":
		return connect.Float64Schema, nil
	case "bytes": // a decimal
		return connect.BytesSchema, nil
	case "":
		if typ == "integer" {
			return connect.Int64Schema, nil
		}
		return connect.Float64Schema, nil
	}
	return nil, fmt.Errorf("%s is %q", typeProp, connectType)
}

func symbolsOf(part json.RawMessage) ([]string, bool) {
	elements := list(part, "enum")
	symbols := make([]string, 0, len(elements))
	for _, e := range elements {
		symbols = append(symbols, symbolOf(e))
	}
	return symbols, elements != nil
}

// symbolOf is the text of a value that an enum allows.
func symbolOf(raw json.RawMessage) string {
	s := jsontext.Scanner{Data: raw}
	switch s.Peek() {
	case '"':
		if text, err := s.Text(); err == nil {
			return text
		}
	case 'n':
		return nullName
	}
	return string(raw)
}

func (t *translator) enum(symbols []string) *connect.Schema {
	param := enumParam
	if t.general {
		param = generalEnumParam
	}
	opts := []connect.SchemaOption{connect.Param(param, "")}
	for i, symbol := range symbols {
		value := symbol
		if t.general {
			value = strconv.Itoa(i)
		}
		opts = append(opts, connect.Param(param+"."+symbol, value))
	}
	return connect.NewSchema(connect.KindString, opts...)
}

func (t *translator) array(p place) (*connect.Schema, error) {
	items := p.at("items")
	if items.part == nil {
		return nil, errors.New("an array that does not say what its items are")
	}
	if text(p.part, typeProp) == "map" && member(items.part, "properties") != nil {
		properties := items.at("properties")
		keys, err := t.within(properties.at(keyField), false)
		if err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		values, err := t.within(properties.at(valueField), false)
		return connect.MapSchema(keys, values), err
	}
	elem, err := t.within(items, false)
	return connect.ArraySchema(elem), err
}

// property is a member of an object.
type property struct {
	name     string
	place    place
	required bool
	index    int
}

// properties are in the order of their indexes, or of the text where they have none.
func (t *translator) properties(p place) []property {
	var out []property
	var required []string
	for _, raw := range list(p.part, "required") {
		required = append(required, symbolOf(raw))
	}
	for i, m := range members(member(p.part, "properties")) {
		index, given := integer(m.raw, indexProp)
		if !given {
			index = i
		}
		out = append(out, property{m.name, place{m.raw, p.home}, slices.Contains(required, m.name), index})
	}
	slices.SortStableFunc(out, func(a, b property) int { return a.index - b.index })
	return out
}

// structure translates an object. opts are its attributes.
func (t *translator) structure(properties []property, opts ...connect.SchemaOption) (*connect.Schema, error) {
	declared := t.declare(opts)
	fields := make([]connect.Field, 0, len(properties))
	for _, p := range properties {
		s, err := t.within(p.place, t.optionalUnless && !p.required)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", p.name, err)
		}
		fields = append(fields, connect.F(p.name, s))
	}
	return declared.Define(fields...)
}

// types reads a list of types as one schema for each.
func (t *translator) types(p place, types []json.RawMessage, version int) (*connect.Schema, error) {
	parts := make([]json.RawMessage, 0, len(types))
	for _, typ := range types {
		if symbolOf(typ) == "null" {
			parts = append(parts, json.RawMessage(`{"type":"null"}`))
			continue
		}
		parts = append(parts, with(p.part, "type", typ))
	}
	return t.oneOf(p, parts, version)
}

func (t *translator) oneOf(p place, parts []json.RawMessage, version int) (*connect.Schema, error) {
	isNull := func(part json.RawMessage) bool { return text(part, "type") == "null" }
	if len(parts) == 1 && t.flatten {
		return t.schema(place{parts[0], p.home}, 0, false)
	}
	if len(parts) == 2 && slices.ContainsFunc(parts, isNull) {
		other := parts[0]
		if isNull(other) {
			other = parts[1]
		}
		for _, p := range t.pending {
			p.nullable = true
		}
		return t.schema(place{other, p.home}, version, true)
	}
	return t.union(p, parts, version, isNull)
}

func (t *translator) union(p place, parts []json.RawMessage, version int, isNull func(json.RawMessage) bool) (*connect.Schema, error) {
	name := unionName
	var opts []connect.SchemaOption
	if t.general {
		name = generalUnionName + strconv.Itoa(t.unions)
		t.unions++
		opts = append(opts, connect.Param(generalUnionParam, name))
	}
	opts = append(opts, connect.Named(name))
	if slices.ContainsFunc(parts, isNull) {
		opts = append(opts, connect.Optional())
	}
	declared := t.declare(append(opts, attributes(p.part, version, true)...))
	var fields []connect.Field
	for _, part := range parts {
		if isNull(part) {
			continue
		}
		s, err := t.within(place{part, p.home}, true)
		if err != nil {
			return nil, fmt.Errorf("part %d of a oneOf: %w", len(fields), err)
		}
		field := name + ".field." + strconv.Itoa(len(fields))
		if t.general {
			field = generalUnionField + strconv.Itoa(len(fields))
		}
		fields = append(fields, connect.F(field, s))
	}
	s, err := declared.Define(fields...)
	if err != nil {
		return nil, err
	}
	return withDefault(p.part, s)
}

// allOf puts the properties of all parts together; where there are none, the part that says most stands for all.
func (t *translator) allOf(p place, parts []json.RawMessage, version int) (*connect.Schema, error) {
	var all []property
	if err := t.gather(p, &all, 0); err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return t.structure(all)
	}
	for _, says := range []func(part json.RawMessage) bool{
		func(part json.RawMessage) bool { return list(part, "oneOf") != nil || list(part, "anyOf") != nil },
		func(part json.RawMessage) bool { return list(part, "enum") != nil },
		func(part json.RawMessage) bool { return text(part, "type") != "" },
		func(part json.RawMessage) bool { return text(part, "$ref") != "" },
	} {
		if i := slices.IndexFunc(parts, says); i >= 0 {
			return t.schema(place{parts[i], p.home}, version, false)
		}
	}
	return nil, errors.New("an allOf that says no type")
}

// gather collects the properties of a part, of what it refers to and of all that it must be too. A later one of the same name replaces an earlier.
func (t *translator) gather(p place, all *[]property, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("an allOf that is nested deeper than %d", maxNesting)
	}
	if ref := text(p.part, "$ref"); ref != "" {
		found, err := t.document.find(p, ref)
		if err != nil {
			return err
		}
		return t.gather(found, all, depth+1)
	}
	for _, part := range list(p.part, "allOf") {
		if err := t.gather(place{part, p.home}, all, depth+1); err != nil {
			return err
		}
	}
	for _, own := range t.properties(p) {
		if i := slices.IndexFunc(*all, func(a property) bool { return a.name == own.name }); i >= 0 {
			(*all)[i] = own
			continue
		}
		*all = append(*all, own)
	}
	return nil
}

// attributes are what a part says beyond its type, but for the default. Its title is the name of what has none.
func attributes(part json.RawMessage, version int, named bool) []connect.SchemaOption {
	var opts []connect.SchemaOption
	if title := member(part, "title"); title != nil && !named {
		opts = append(opts, connect.Named(text(part, "title")))
	}
	if own, given := integer(part, versionProp); given {
		version = own
	}
	if version > 0 {
		opts = append(opts, connect.Version(version))
	}
	if member(part, "description") != nil {
		opts = append(opts, connect.Doc(text(part, "description")))
	}
	for _, m := range members(member(part, parametersProp)) {
		opts = append(opts, connect.Param(m.name, symbolOf(m.raw)))
	}
	return opts
}

// withDefault adds the default that a part says. One with objects in which it stands itself is none.
func withDefault(part json.RawMessage, s *connect.Schema) (*connect.Schema, error) {
	dflt := member(part, "default")
	if dflt == nil || bytes.IndexByte(dflt, '{') >= 0 && !complete(s, map[*connect.Schema]bool{}) {
		return s, nil
	}
	r := reader{jsontext.Scanner{Data: dflt}}
	if r.Peek() == 'n' {
		return s, nil
	}
	v, err := r.value(s)
	if err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	return s.With(connect.DefaultValue(v)), nil
}

// complete reports whether no object in a schema is still being translated.
func complete(s *connect.Schema, seen map[*connect.Schema]bool) bool {
	if s == nil || !s.Recursive() || seen[s] {
		return true
	}
	seen[s] = true
	if s.Kind() == connect.KindStruct && s.Fields() == nil {
		return false
	}
	for _, f := range s.Fields() {
		if !complete(f.Schema, seen) {
			return false
		}
	}
	return complete(s.Keys(), seen) && complete(s.Elem(), seen)
}
