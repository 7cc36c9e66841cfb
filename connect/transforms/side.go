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

// ownMap sets a map, which has no schema.
func (s side) ownMap(r *connect.Record, m *connect.Map) { s.set(r, nil, connect.MapOf(m)) }
