package transforms

import "github.com/sluice-connect/sluice/connect"

// hoistField wraps the whole into a struct or map with one field (org.apache.kafka.connect.transforms.HoistField). Null too: a tombstone is none any
// more.
type hoistField struct {
	without
	side    side
	field   string
	keys    *connect.Keys
	room    connect.Slab
	schemas derived[*connect.Schema, *connect.Schema]
}

var hoistFieldKey = connect.StringKey("field", "The name of the field that holds what was the whole.")

var hoistFieldDefinitions = halves("HoistField", func(s side, cfg connect.Config) (connect.Transform, error) {
	h := &hoistField{side: s, field: hoistFieldKey.Get(cfg)}
	h.keys = connect.NewKeys(connect.String(h.field))
	h.schemas.derive = func(s *connect.Schema) (*connect.Schema, error) {
		return structSchema([]connect.Field{connect.F(h.field, s)})
	}
	return h, nil
}, hoistFieldKey)

func (h *hoistField) Apply(r *connect.Record) (bool, error) {
	v, schema := h.side.value(r), h.side.schema(r)
	if schema == nil {
		m := h.room.Map(h.keys)
		m.SetAt(0, v)
		h.side.ownMap(r, m)
		return true, nil
	}
	hoisted, err := h.schemas.of(schema)
	if err != nil {
		return true, err
	}
	if err := connect.CheckValue(schema, v); err != nil {
		return true, err
	}
	out := h.room.Struct(hoisted)
	out.SetAt(0, v)
	h.side.own(r, out)
	return true, nil
}
