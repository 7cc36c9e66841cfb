package connect

import (
	"fmt"
	"strings"
)

// Struct is a value with the fields of its schema. It is not safe for concurrent use while it is being filled, and must
// not be changed once it is in a record (transforms use [Record.Edit]).
type Struct struct {
	schema *Schema
	vals   []Value
}

// Header and slots in one allocation for the sizes that occur most.
type (
	struct4 struct {
		Struct
		slots [4]Value
	}
	struct8 struct {
		Struct
		slots [8]Value
	}
	struct16 struct {
		Struct
		slots [16]Value
	}
)

// NewStruct returns a struct of a schema of KindStruct with every field null. It panics for other schemas, and for one that is declared only.
func NewStruct(schema *Schema) *Struct {
	if schema.index == nil {
		panic(fmt.Sprintf("connect: NewStruct of a schema of kind %s, or of a struct schema without its fields", schema.kind))
	}
	n := len(schema.fields)
	switch {
	case n <= 4:
		s := &struct4{}
		s.schema, s.vals = schema, s.slots[:n]
		return &s.Struct
	case n <= 8:
		s := &struct8{}
		s.schema, s.vals = schema, s.slots[:n]
		return &s.Struct
	case n <= 16:
		s := &struct16{}
		s.schema, s.vals = schema, s.slots[:n]
		return &s.Struct
	}
	return &Struct{schema: schema, vals: make([]Value, n)}
}

// Schema returns the struct's schema.
func (s *Struct) Schema() *Schema { return s.schema }

// Set sets a field and returns s. It panics where there is no such field; the kind is checked by [CheckValue], not here.
func (s *Struct) Set(field string, v Value) *Struct {
	i := s.schema.Index(field)
	if i < 0 {
		panic(fmt.Sprintf("connect: struct %q has no field %q", s.schema.name, field))
	}
	s.vals[i] = v
	return s
}

// SetAt sets the i-th field.
func (s *Struct) SetAt(i int, v Value) { s.vals[i] = v }

// Get returns a field's value, or its schema's default where it is null (Struct.get); null for an unknown field.
func (s *Struct) Get(field string) Value {
	i := s.schema.Index(field)
	if i < 0 {
		return Value{}
	}
	if v := s.vals[i]; !v.IsNull() {
		return v
	}
	return s.schema.fields[i].Schema.dflt
}

// At returns the i-th field as it was set, without its default.
func (s *Struct) At(i int) Value { return s.vals[i] }

// Lacks reports whether one of the fields at these places is null.
func (s *Struct) Lacks(at []int) bool {
	vals := s.vals
	for _, i := range at {
		if vals[i].IsNull() {
			return true
		}
	}
	return false
}

// Reshape makes s a struct of another schema, in place, with the values that moves says.
func (s *Struct) Reshape(schema *Schema, moves *Moves) {
	s.schema, s.vals = schema, moves.in(s.vals)
}

// Clone returns a copy that can be changed; nested values are shared.
func (s *Struct) Clone() *Struct {
	c := NewStruct(s.schema)
	copy(c.vals, s.vals)
	return c
}

// Equal reports whether both have equal schemas and values.
func (s *Struct) Equal(o *Struct) bool {
	if !s.schema.Equal(o.schema) {
		return false
	}
	for i := range s.vals {
		if !s.vals[i].Equal(o.vals[i]) {
			return false
		}
	}
	return true
}

// String formats s for people as Kafka Connect does: Struct{a=1,b=x}, without the fields that are null.
func (s *Struct) String() string {
	var b strings.Builder
	b.WriteString("Struct{")
	first := true
	for i, f := range s.schema.fields {
		if s.vals[i].IsNull() {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(f.Name)
		b.WriteByte('=')
		b.WriteString(s.vals[i].String())
	}
	b.WriteByte('}')
	return b.String()
}
