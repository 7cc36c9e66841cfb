package connect

import "fmt"

// StructDeclaration is a struct schema that has no fields yet, so that they can refer to it. It is for one goroutine; the schema is as any other, and
// can be shared, once it is defined.
type StructDeclaration struct {
	schema *Schema
	bodies []*Schema // schema, and what With made of it, which get its fields
	held   *held
}

// held are schemas that hold declared ones, or are them: only when the last of those has fields can it be told which of them hold themselves.
type held struct {
	joined    *held // those with which these have been put together, nil for none
	undefined int
	schemas   []*Schema
}

// DeclareStruct begins a struct schema that may hold itself: its fields, and those of the schemas in them, may have [StructDeclaration.Schema], or what
// [Schema.With] makes of it, as their schema.
//
//	node := connect.DeclareStruct(connect.Named("Node"))
//	list, err := node.Define(connect.F("value", connect.Int32Schema), connect.F("next", node.Schema().With(connect.Optional())))
func DeclareStruct(opts ...SchemaOption) *StructDeclaration {
	s := newSchema(KindStruct, opts...)
	d := &StructDeclaration{schema: s, bodies: []*Schema{s}, held: &held{undefined: 1, schemas: []*Schema{s}}}
	s.open, s.recursive = d, true
	return d
}

// Schema returns the schema. Until it is defined it serves for building other schemas only: no struct can be made of it.
func (d *StructDeclaration) Schema() *Schema { return d.schema }

// Define gives the schema its fields, once, and returns it. Its error says which field is named twice, or that the schema has its fields already.
func (d *StructDeclaration) Define(fields ...Field) (*Schema, error) {
	if d.bodies == nil {
		return nil, fmt.Errorf("connect: struct schema %q is defined twice", d.schema.name)
	}
	index, err := indexOf(d.schema.name, fields)
	if err != nil {
		return nil, err
	}
	for _, s := range d.bodies {
		s.fields, s.index = fields, index
	}
	d.bodies = nil
	for _, f := range fields {
		if f.Schema != nil && f.Schema.open != nil {
			d.join(f.Schema.open)
		}
	}
	h := d.group()
	if h.undefined--; h.undefined == 0 {
		h.settle()
	}
	return d.schema, nil
}

// holds takes note of a schema that s is made of.
func (s *Schema) holds(part *Schema) {
	switch {
	case part == nil:
	case part.open == nil:
		s.recursive = s.recursive || part.recursive
	case s.open == nil:
		s.open, s.recursive = part.open, true
		h := s.open.group()
		h.schemas = append(h.schemas, s)
	default:
		s.open.join(part.open)
	}
}

// copied takes note of a copy of a schema that holds the declared one, or is it.
func (d *StructDeclaration) copied(s *Schema) {
	if s.kind == KindStruct && s.index == nil {
		d.bodies = append(d.bodies, s)
	}
	h := d.group()
	h.schemas = append(h.schemas, s)
}

// group finds the schemas among which the declared one is.
func (d *StructDeclaration) group() *held {
	for d.held.joined != nil {
		d.held = d.held.joined
	}
	return d.held
}

// join puts the schemas of two declarations together, since some hold both.
func (d *StructDeclaration) join(o *StructDeclaration) {
	into, from := d.group(), o.group()
	if into == from {
		return
	}
	into.undefined += from.undefined
	into.schemas = append(into.schemas, from.schemas...)
	from.joined, from.schemas = into, nil
}

// settle tells which of the schemas hold themselves: those from which a way leads on for ever. A schema is none of them if nothing that it holds is.
func (h *held) settle() {
	for changed := true; changed; {
		changed = false
		for _, s := range h.schemas {
			if s.recursive && !s.holdsRecursive() {
				s.recursive, changed = false, true
			}
		}
	}
	for _, s := range h.schemas {
		s.open = nil
	}
	h.schemas = nil
}

func (s *Schema) holdsRecursive() bool {
	if s.keys != nil && s.keys.recursive || s.vals != nil && s.vals.recursive {
		return true
	}
	for _, f := range s.fields {
		if f.Schema != nil && f.Schema.recursive {
			return true
		}
	}
	return false
}

// schemaPair is two schemas that count as equal while what they hold is compared, and are if no difference is found.
type schemaPair struct{ a, b *Schema }

// holdsEqual compares what two schemas hold that are alike and hold themselves.
func (s *Schema) holdsEqual(o *Schema, seen map[schemaPair]bool) bool {
	if len(s.fields) > 0 && &s.fields[0] == &o.fields[0] {
		return true // of one declaration
	}
	if s.kind == KindStruct {
		if seen[schemaPair{s, o}] {
			return true
		}
		seen[schemaPair{s, o}] = true
	}
	for i := range s.fields {
		if s.fields[i].Name != o.fields[i].Name || !s.fields[i].Schema.equalAmong(o.fields[i].Schema, seen) {
			return false
		}
	}
	return s.keys.equalAmong(o.keys, seen) && s.vals.equalAmong(o.vals, seen)
}

func (s *Schema) equalAmong(o *Schema, seen map[schemaPair]bool) bool {
	switch {
	case s == nil || o == nil || s == o || !s.recursive:
		return s.Equal(o)
	case !s.alike(o):
		return false
	}
	return s.holdsEqual(o, seen)
}
