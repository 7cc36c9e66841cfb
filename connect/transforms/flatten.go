package transforms

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// flatten brings the fields of structs or maps within each other to the top, their names joined (org.apache.kafka.connect.transforms.Flatten). Lists
// stay as they are. A field is optional where a struct around it is, and has that struct's default for it if it has none itself.
type flatten struct {
	without
	side      side
	delimiter string
	room      connect.Slab
	plans     derived[*connect.Schema, *flatPlan]
}

// flatPlan is the flat schema and where the fields of the original go.
type flatPlan struct {
	schema *connect.Schema
	fields []flatField
}

// flatField is where a field goes: to a place in the flat struct, or, if it is a struct, its own fields to theirs.
type flatField struct {
	to     int
	nested []flatField // nil for what is no struct
}

var delimiterKey = connect.StringKey("delimiter", "What stands between the joined names.").Default(".")

var flattenDefinitions = halves("Flatten", func(s side, cfg connect.Config) (connect.Transform, error) {
	f := &flatten{side: s, delimiter: delimiterKey.Get(cfg)}
	f.plans.derive = f.plan
	return f, nil
}, delimiterKey)

const flattenPurpose = "flattening"

func (f *flatten) Apply(r *connect.Record) (bool, error) {
	v := f.side.value(r)
	switch {
	case v.IsNull():
		return true, nil
	case f.side.schema(r) == nil:
		m, err := requireMap(v, flattenPurpose)
		if err != nil {
			return true, err
		}
		out := connect.NewMap(m.Len())
		if err := f.flattenMap(m, "", out); err != nil {
			return true, err
		}
		f.side.ownMap(r, out)
		return true, nil
	}
	st, err := requireStruct(v, flattenPurpose)
	if err != nil {
		return true, err
	}
	plan, err := f.plans.of(st.Schema())
	if err != nil {
		return true, err
	}
	out := f.room.Struct(plan.schema)
	if err := fill(out, st, plan.fields); err != nil {
		return true, err
	}
	f.side.own(r, out)
	return true, nil
}

// fill copies the fields of a struct, at any depth, to their places.
func fill(out, st *connect.Struct, fields []flatField) error {
	if len(fields) != len(st.Schema().Fields()) {
		return fmt.Errorf("%w: a struct is not of the schema of its field", connect.ErrData)
	}
	for i, f := range fields {
		if f.nested == nil {
			if err := put(out, f.to, nulls(true).at(st, i)); err != nil {
				return err
			}
			continue
		}
		v := st.At(i)
		if v.IsNull() {
			continue
		}
		nested, err := requireStruct(v, flattenPurpose)
		if err != nil {
			return err
		}
		if err := fill(out, nested, f.nested); err != nil {
			return err
		}
	}
	return nil
}

func (f *flatten) plan(s *connect.Schema) (*flatPlan, error) {
	flat := flattening{transform: f, around: map[*connect.Schema]bool{}}
	fields, err := flat.add(s, "", s.Optional(), s.Default())
	if err != nil {
		return nil, err
	}
	schema, err := structSchema(flat.fields, basics(s)...)
	return &flatPlan{schema: schema, fields: fields}, err
}

// flattening is a schema that is being made flat.
type flattening struct {
	transform *flatten
	fields    []connect.Field
	around    map[*connect.Schema]bool // the structs whose fields are being added
}

// add adds the fields of a struct's schema. prefix, optional and dflt come from the structs around (Flatten.buildUpdatedSchema). A struct within itself has
// no flat form; one that is in a list of itself has, since lists stay.
func (flat *flattening) add(s *connect.Schema, prefix string, optional bool, dflt connect.Value) ([]flatField, error) {
	if flat.around[s] {
		return nil, fmt.Errorf("%w: Flatten transformation does not support a struct that holds itself, which %q does (for field %s)",
			connect.ErrData, s.Name(), prefix)
	}
	flat.around[s] = true
	defer delete(flat.around, s)
	fields := make([]flatField, len(s.Fields()))
	for i, field := range s.Fields() {
		name, optional := flat.transform.name(prefix, field.Name), optional || field.Schema.Optional()
		own := field.Schema.Default()
		if own.IsNull() && dflt.Kind() == connect.KindStruct {
			own = dflt.Struct().At(i)
		}
		var err error
		switch field.Schema.Kind() {
		case connect.KindStruct:
			fields[i].nested, err = flat.add(field.Schema, name, optional, own)
		case connect.KindMap:
			err = fmt.Errorf("%w: Flatten transformation does not support MAP for record with schemas (for field %s)", connect.ErrData, name)
		default:
			var leaf *connect.Schema
			leaf, err = flatSchema(field.Schema, optional, own)
			fields[i].to = len(flat.fields)
			flat.fields = append(flat.fields, connect.F(name, leaf))
		}
		if err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// flatSchema is the schema of a field that has come to the top.
func flatSchema(s *connect.Schema, optional bool, dflt connect.Value) (*connect.Schema, error) {
	opts := basics(s)
	if optional {
		opts = append(opts, connect.Optional())
	}
	if s.Kind() != connect.KindArray {
		return withDefault(connect.NewSchema(s.Kind(), opts...), dflt)
	}
	if s.Elem() == nil {
		return nil, fmt.Errorf("%w: valueSchema cannot be null.", connect.ErrData) //lint:ignore ST1005 Kafka's text
	}
	return withDefault(connect.ArraySchema(s.Elem(), opts...), dflt)
}

func (f *flatten) flattenMap(m *connect.Map, prefix string, out *connect.Map) error {
	for _, e := range m.Entries() {
		if e.Key.Kind() != connect.KindString {
			return fmt.Errorf("%w: class %s cannot be cast to class java.lang.String", connect.ErrData, className(e.Key))
		}
		name := f.name(prefix, e.Key.Str())
		switch k := e.Value.Kind(); {
		case k == connect.KindMap:
			if err := f.flattenMap(e.Value.Map(), name, out); err != nil {
				return err
			}
		case k > connect.KindMap:
			return fmt.Errorf("%w: Flatten transformation does not support class %s for record without schemas (for field %s).", //lint:ignore ST1005 Kafka's text
				connect.ErrData, className(e.Value), name)
		default:
			out.Put(connect.String(name), e.Value)
		}
	}
	return nil
}

func (f *flatten) name(prefix, field string) string {
	if prefix == "" {
		return field
	}
	return strings.Join([]string{prefix, field}, f.delimiter)
}
