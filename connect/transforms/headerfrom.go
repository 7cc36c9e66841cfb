package transforms

import (
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// headerFrom moves or copies fields into headers (org.apache.kafka.connect.transforms.HeaderFrom). A field that a schema lacks is an error, one that a
// map lacks becomes a header that is null.
type headerFrom struct {
	without
	rewriter
	fields, headers []string
	move            bool
	nulls           nulls
	plans           derived[*connect.Schema, *headerPlan]
	maps            derived[*connect.Keys, *mapPlan]
}

// headerPlan is where the fields of the headers are, and what is left of the struct after a move.
type headerPlan struct {
	header []int
	schema *connect.Schema
	left   []int
}

var (
	headerFieldsKey = connect.ListKey("fields", "The fields whose values become headers.").Importance(connect.High).Must(nonEmptyList)
	headerNamesKey  = connect.ListKey("headers", "The names of the headers, in the order of the fields.").Importance(connect.High).Must(nonEmptyList)
	operationKey    = connect.StringKey("operation", "move: the fields are taken out of the record. copy: they stay.").
			Importance(connect.High).Must(connect.OneOf("move", "copy"))
)

var headerFromDefinitions = halves("HeaderFrom", func(s side, cfg connect.Config) (connect.Transform, error) {
	h := &headerFrom{
		rewriter: rewriter{side: s}, fields: headerFieldsKey.Get(cfg), headers: headerNamesKey.Get(cfg), move: operationKey.Get(cfg) == "move",
		nulls: nulls(replaceNullKey.Get(cfg)),
	}
	if len(h.fields) != len(h.headers) {
		return nil, &connect.ConfigError{Key: headerFieldsKey.Name(), Reason: "'fields' config must have the same number of elements as 'headers' config."}
	}
	h.plans.derive = h.plan
	h.maps = mapPlansBy(h.planMap)
	return h, nil
}, headerFieldsKey, headerNamesKey, operationKey, replaceNullKey)

func (h *headerFrom) purpose() string {
	if h.move {
		return "header move"
	}
	return "header copy"
}

func (h *headerFrom) Apply(r *connect.Record) (bool, error) {
	v, schema := h.side.value(r), h.side.schema(r)
	if schema == nil {
		m, err := requireMap(v, h.purpose())
		if err == nil {
			h.applyMap(r, m)
		}
		return true, err
	}
	st, err := requireStruct(v, h.purpose())
	if err != nil {
		return true, err
	}
	plan, err := h.plans.of(st.Schema())
	if err != nil {
		return true, err
	}
	var left *connect.Struct
	if h.move {
		left = h.room.Struct(plan.schema)
		for i, from := range plan.left {
			if err := put(left, i, h.nulls.at(st, from)); err != nil {
				return true, err
			}
		}
	}
	headers := h.grown(r)
	for i, from := range plan.header {
		field, v := st.Schema().Fields()[from], h.nulls.at(st, from)
		if v.IsNull() {
			if err := nullable(field); err != nil {
				return true, err
			}
		}
		headers = append(headers, connect.Header{Key: h.headers[i], Schema: field.Schema, Value: v})
	}
	r.Headers = headers
	if h.move {
		h.side.own(r, left)
	}
	return true, nil
}

func (h *headerFrom) applyMap(r *connect.Record, m *connect.Map) {
	headers := h.grown(r)
	plan, _ := h.maps.of(m.Keys()) // any keys will do
	for i, at := range plan.at {
		var v connect.Value
		if at >= 0 {
			v = m.At(at)
		}
		headers = append(headers, connect.Header{Key: h.headers[i], Value: v})
	}
	r.Headers = headers
	if h.move {
		h.remap(r, m, plan.keys, plan.moves)
	}
}

// planMap finds the fields, and what is left of the map without them.
func (h *headerFrom) planMap(k *connect.Keys) (*mapPlan, error) {
	plan := &mapPlan{}
	for _, f := range h.fields {
		plan.at = append(plan.at, k.Find(connect.String(f)))
	}
	var left []connect.Value
	var from []int
	for i := range k.Len() {
		if !slices.Contains(plan.at, i) {
			left, from = append(left, k.At(i)), append(from, i)
		}
	}
	plan.keys, plan.moves = connect.NewKeys(left...), connect.NewMoves(from)
	return plan, nil
}

// grown is a copy of the record's headers, which it may share with others, with room for the new ones.
func (h *headerFrom) grown(r *connect.Record) []connect.Header {
	return append(make([]connect.Header, 0, len(r.Headers)+len(h.headers)), r.Headers...)
}

func (h *headerFrom) plan(s *connect.Schema) (*headerPlan, error) {
	plan := &headerPlan{}
	for _, f := range h.fields {
		i := s.Index(f)
		if i < 0 {
			return nil, fmt.Errorf("%w: %s has no field %q to make a header of", connect.ErrData, h.purpose(), f)
		}
		plan.header = append(plan.header, i)
	}
	var left []connect.Field
	for i, f := range s.Fields() {
		if !slices.Contains(h.fields, f.Name) {
			plan.left = append(plan.left, i)
			left = append(left, f)
		}
	}
	var err error
	plan.schema, err = structSchema(left, basics(s)...)
	return plan, err
}
