package transforms

import "github.com/sluice-connect/sluice/connect"

// side is the half of a record that a transform works on.
type side bool

const (
	ofKey   side = false
	ofValue side = true
)

func (s side) schema(r *connect.Record) *connect.Schema {
	if s == ofValue {
		return r.ValueSchema
	}
	return r.KeySchema
}

func (s side) value(r *connect.Record) connect.Value {
	if s == ofValue {
		return r.Value
	}
	return r.Key
}

func (s side) set(r *connect.Record, schema *connect.Schema, v connect.Value) {
	if s == ofValue {
		r.ValueSchema, r.Value = schema, v
	} else {
		r.KeySchema, r.Key = schema, v
	}
}

func (s side) setSchema(r *connect.Record, schema *connect.Schema) {
	if s == ofValue {
		r.ValueSchema = schema
	} else {
		r.KeySchema = schema
	}
}

// own sets a struct that was made for this record.
func (s side) own(r *connect.Record, st *connect.Struct) {
	if s == ofValue {
		r.Own(st)
	} else {
		r.OwnKey(st)
	}
}

// edit returns the struct for changing in place.
func (s side) edit(r *connect.Record) *connect.Struct {
	if s == ofValue {
		return r.Edit()
	}
	return r.EditKey()
}

// ownMap sets a map that was made for this record; it has no schema.
func (s side) ownMap(r *connect.Record, m *connect.Map) {
	if s == ofValue {
		r.OwnMap(m)
	} else {
		r.OwnKeyMap(m)
	}
}

// owns reports whether the struct or map is the record's own.
func (s side) owns(r *connect.Record) bool {
	if s == ofValue {
		return r.Owns()
	}
	return r.OwnsKey()
}

// editMap returns the map for changing in place.
func (s side) editMap(r *connect.Record, m *connect.Map) *connect.Map {
	if !s.owns(r) {
		m = m.Clone(0)
		s.ownMap(r, m)
	}
	return m
}
