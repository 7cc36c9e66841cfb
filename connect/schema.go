package connect

import (
	"fmt"
	"maps"
)

// Schema describes a value: its kind, whether it may be null, and what the name, version and parameters add to that. A
// Schema never changes once it is built, is safe for concurrent use, and is meant to be built once: converters keep what
// they derived from it under its pointer, so a schema built anew for each record costs a conversion of the schema a record.
//
// A struct schema may hold itself (see [DeclareStruct]): whoever walks through schemas asks [Schema.Recursive] first.
type Schema struct {
	kind       Kind
	optional   bool
	recursive  bool
	given      attributes
	name       string
	version    int
	doc        string
	params     map[string]string
	dflt       Value
	keys, vals *Schema
	fields     []Field
	index      map[string]int
	open       *StructDeclaration // one that it holds and that has no fields yet, nil for none
}

// attributes tells which of the attributes that have no natural zero were given: on the wire a name "" and a version 0 differ from
// none.
type attributes uint8

const (
	attrName attributes = 1 << iota
	attrVersion
	attrDoc
)

// Field is one member of a struct schema.
type Field struct {
	Name   string
	Schema *Schema
}

// Plain schemas, required and optional, ready to use.
var (
	Int8Schema    = newSchema(KindInt8)
	Int16Schema   = newSchema(KindInt16)
	Int32Schema   = newSchema(KindInt32)
	Int64Schema   = newSchema(KindInt64)
	Float32Schema = newSchema(KindFloat32)
	Float64Schema = newSchema(KindFloat64)
	BooleanSchema = newSchema(KindBoolean)
	StringSchema  = newSchema(KindString)
	BytesSchema   = newSchema(KindBytes)

	OptionalInt8Schema    = newSchema(KindInt8, Optional())
	OptionalInt16Schema   = newSchema(KindInt16, Optional())
	OptionalInt32Schema   = newSchema(KindInt32, Optional())
	OptionalInt64Schema   = newSchema(KindInt64, Optional())
	OptionalFloat32Schema = newSchema(KindFloat32, Optional())
	OptionalFloat64Schema = newSchema(KindFloat64, Optional())
	OptionalBooleanSchema = newSchema(KindBoolean, Optional())
	OptionalStringSchema  = newSchema(KindString, Optional())
	OptionalBytesSchema   = newSchema(KindBytes, Optional())
)

// SchemaOption is an attribute of a schema beyond its kind.
type SchemaOption func(*Schema)

// Optional lets the value be null.
func Optional() SchemaOption { return func(s *Schema) { s.optional = true } }

// Required undoes [Optional], for [Schema.With].
func Required() SchemaOption { return func(s *Schema) { s.optional = false } }

// Named gives the schema a name, which for logical types is what identifies them.
func Named(name string) SchemaOption {
	return func(s *Schema) { s.name, s.given = name, s.given|attrName }
}

// Version numbers the schema.
func Version(v int) SchemaOption {
	return func(s *Schema) { s.version, s.given = v, s.given|attrVersion }
}

// Doc documents the schema.
func Doc(text string) SchemaOption {
	return func(s *Schema) { s.doc, s.given = text, s.given|attrDoc }
}

// Param adds one parameter.
func Param(key, value string) SchemaOption {
	return func(s *Schema) {
		if s.params == nil {
			s.params = map[string]string{}
		}
		s.params[key] = value
	}
}

// DefaultValue is what a null stands for; null is the same as no default.
func DefaultValue(v Value) SchemaOption { return func(s *Schema) { s.dflt = v } }

// F names a field of a struct schema.
func F(name string, schema *Schema) Field { return Field{Name: name, Schema: schema} }

// NewSchema builds a schema of a scalar kind. It panics where kind is not one of KindInt8 to KindBytes: schemas are built
// from code, not from data; whoever builds them from data checks first.
func NewSchema(kind Kind, opts ...SchemaOption) *Schema {
	if kind < KindInt8 || kind > KindBytes {
		panic(fmt.Sprintf("connect: NewSchema of kind %s", kind))
	}
	return newSchema(kind, opts...)
}

// ArraySchema builds a schema of lists; elem is nil where the elements have no common schema.
func ArraySchema(elem *Schema, opts ...SchemaOption) *Schema {
	s := newSchema(KindArray, opts...)
	s.vals = elem
	s.holds(elem)
	return s
}

// MapSchema builds a schema of maps; keys or values are nil where they have no common schema.
func MapSchema(keys, values *Schema, opts ...SchemaOption) *Schema {
	s := newSchema(KindMap, opts...)
	s.keys, s.vals = keys, values
	s.holds(keys)
	s.holds(values)
	return s
}

// StructSchema builds a named schema with fields in the given order. An empty name is no name. It returns an error
// through panic where two fields share a name; [BuildStructSchema] is for schemas that come from data.
func StructSchema(name string, fields ...Field) *Schema {
	var opts []SchemaOption
	if name != "" {
		opts = append(opts, Named(name))
	}
	s, err := BuildStructSchema(fields, opts...)
	if err != nil {
		panic(err)
	}
	return s
}

// BuildStructSchema builds a struct schema from data: its error says which field is named twice.
func BuildStructSchema(fields []Field, opts ...SchemaOption) (*Schema, error) {
	s := newSchema(KindStruct, opts...)
	index, err := indexOf(s.name, fields)
	if err != nil {
		return nil, err
	}
	s.fields, s.index = fields, index
	for _, f := range fields {
		s.holds(f.Schema)
	}
	return s, nil
}

// indexOf returns the positions of a struct's fields by their names.
func indexOf(name string, fields []Field) (map[string]int, error) {
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		if _, twice := index[f.Name]; twice {
			return nil, fmt.Errorf("connect: struct schema %q has two fields named %q", name, f.Name)
		}
		index[f.Name] = i
	}
	return index, nil
}

func newSchema(kind Kind, opts ...SchemaOption) *Schema {
	s := &Schema{kind: kind}
	for _, o := range opts {
		o(s)
	}
	return s
}

// With returns a copy of s with other attributes.
func (s *Schema) With(opts ...SchemaOption) *Schema {
	c := *s
	c.params = maps.Clone(s.params)
	for _, o := range opts {
		o(&c)
	}
	if c.open != nil {
		c.open.copied(&c)
	}
	return &c
}

// Kind returns the schema type: one of KindInt8 to KindStruct.
func (s *Schema) Kind() Kind { return s.kind }

// Optional reports whether the value may be null.
func (s *Schema) Optional() bool { return s.optional }

// Name returns the schema's name, "" for none.
func (s *Schema) Name() string { return s.name }

// HasName reports whether the schema has a name, be it "".
func (s *Schema) HasName() bool { return s.given&attrName != 0 }

// Version returns the schema's version, 0 for none.
func (s *Schema) Version() int { return s.version }

// HasVersion reports whether the schema has a version, be it 0.
func (s *Schema) HasVersion() bool { return s.given&attrVersion != 0 }

// Doc returns the documentation, "" for none.
func (s *Schema) Doc() string { return s.doc }

// HasDoc reports whether the schema has a documentation, be it "".
func (s *Schema) HasDoc() bool { return s.given&attrDoc != 0 }

// Params returns the parameters, shared: callers must not write to the map.
func (s *Schema) Params() map[string]string { return s.params }

// Default returns what a null stands for; null where there is no default.
func (s *Schema) Default() Value { return s.dflt }

// Keys returns the schema of a map's keys.
func (s *Schema) Keys() *Schema { return s.keys }

// Elem returns the schema of a list's elements or of a map's values.
func (s *Schema) Elem() *Schema { return s.vals }

// Fields returns a struct's fields in order, shared.
func (s *Schema) Fields() []Field { return s.fields }

// Index returns the position of a struct's field, or -1.
func (s *Schema) Index(field string) int {
	if i, ok := s.index[field]; ok {
		return i
	}
	return -1
}

// Recursive reports whether the schema holds itself, or holds one that does: walking through it does not end.
func (s *Schema) Recursive() bool { return s.recursive }

// Equal reports whether both describe the same in every attribute, fields in order (ConnectSchema.equals). Schemas that hold themselves are equal if they
// differ nowhere, however deep one looks.
func (s *Schema) Equal(o *Schema) bool {
	if s == o {
		return true
	}
	if s == nil || o == nil || !s.alike(o) {
		return false
	}
	if s.recursive {
		return s.holdsEqual(o, map[schemaPair]bool{})
	}
	for i := range s.fields {
		if s.fields[i].Name != o.fields[i].Name || !s.fields[i].Schema.Equal(o.fields[i].Schema) {
			return false
		}
	}
	return s.keys.Equal(o.keys) && s.vals.Equal(o.vals)
}

// alike compares what two schemas say without those that they hold.
func (s *Schema) alike(o *Schema) bool {
	return s.kind == o.kind && s.optional == o.optional && s.recursive == o.recursive && s.given == o.given && s.version == o.version &&
		len(s.fields) == len(o.fields) && s.name == o.name && s.doc == o.doc && maps.Equal(s.params, o.params) && s.dflt.Equal(o.dflt)
}
