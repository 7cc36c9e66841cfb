package transforms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// cast changes the types of fields, or of the whole (org.apache.kafka.connect.transforms.Cast). A field that is cast keeps its being optional and its
// default only. A null is left as it is, and without schema a field that is missing is added as null.
type cast struct {
	without
	rewriter
	nulls nulls
	whole connect.Kind // KindNull where fields are cast
	casts []fieldCast
	plans derived[*connect.Schema, *castPlan]
	maps  derived[*connect.Keys, *mapPlan]
	done  []connect.Value // what was cast of the record in hand
}

type fieldCast struct {
	field string
	to    connect.Kind
}

// castPlan is what becomes of a schema, and which of its fields are cast to what.
type castPlan struct {
	structPlan
	at []int
	to []connect.Kind
}

var castSpecKey = connect.ListKey("spec",
	"field:type pairs for fields, or one type for the whole: int8, int16, int32, int64, float32, float64, boolean or string. Bytes become strings only.").
	Importance(connect.High).Must(func(v connect.Value) error {
	if v.IsNull() || len(v.Array()) == 0 {
		return connect.Verbatim("Must specify at least one field to cast.")
	}
	spec := make([]string, 0, len(v.Array()))
	for _, e := range v.Array() {
		spec = append(spec, e.Str())
	}
	_, _, err := parseCasts(spec)
	return err
})

var castDefinitions = halves("Cast", func(s side, cfg connect.Config) (connect.Transform, error) {
	whole, casts, _ := parseCasts(castSpecKey.Get(cfg)) // checked
	c := &cast{rewriter: rewriter{side: s}, nulls: nulls(replaceNullKey.Get(cfg)), whole: whole, casts: casts}
	c.plans.derive = c.plan
	var fields []string
	for _, f := range casts {
		fields = append(fields, f.field)
	}
	c.maps = mapPlansBy(func(k *connect.Keys) (*mapPlan, error) { return planAdding(k, fields), nil })
	return c, nil
}, castSpecKey, replaceNullKey)

// parseCasts reads the pairs, or the one type that is for the whole (Cast.parseFieldTypes).
func parseCasts(spec []string) (whole connect.Kind, casts []fieldCast, err error) {
	for _, mapping := range spec {
		parts := splitJava(mapping, ":")
		if len(parts) > 2 {
			return 0, nil, connect.Verbatim(fmt.Sprintf("Invalid value [%s] for configuration renames: Invalid rename mapping: %s",
				strings.Join(spec, ", "), mapping))
		}
		if len(parts) == 0 {
			return 0, nil, fmt.Errorf("%q has neither field nor type", mapping)
		}
		to, err := castType(strings.Trim(parts[len(parts)-1], blanks))
		if err != nil {
			return 0, nil, err
		}
		if len(parts) == 1 {
			whole = to
			continue
		}
		casts = setCast(casts, fieldCast{strings.Trim(parts[0], blanks), to})
	}
	if whole != connect.KindNull && len(spec) > 1 {
		return 0, nil, connect.Verbatim("Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec")
	}
	return whole, casts, nil
}

// setCast adds a pair; the last one for a field counts.
func setCast(casts []fieldCast, c fieldCast) []fieldCast {
	if i := slices.IndexFunc(casts, func(o fieldCast) bool { return o.field == c.field }); i >= 0 {
		casts[i] = c
		return casts
	}
	return append(casts, c)
}

func castType(name string) (connect.Kind, error) {
	upper := strings.ToUpper(name)
	for k := connect.KindInt8; k <= connect.KindStruct; k++ {
		if strings.ToUpper(k.String()) != upper {
			continue
		}
		if k > connect.KindString {
			return 0, connect.Verbatim("Cast transformation does not support casting to " + upper +
				"; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]")
		}
		return k, nil
	}
	return 0, connect.Verbatim("Invalid value java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type." + upper +
		" for configuration Invalid type found in casting spec: " + name)
}

func (c *cast) Apply(r *connect.Record) (bool, error) {
	v, schema := c.side.value(r), c.side.schema(r)
	switch {
	case v.IsNull():
		return true, nil
	case c.whole != connect.KindNull:
		return true, c.applyWhole(r, schema, v)
	case schema == nil:
		return true, c.applyMap(r, v)
	}
	return true, c.applyStruct(r, schema, v)
}

func (c *cast) applyWhole(r *connect.Record, schema *connect.Schema, v connect.Value) error {
	var to *connect.Schema
	if schema != nil {
		plan, err := c.plans.of(schema)
		if err != nil {
			return err
		}
		to = plan.schema
	}
	v, err := castValue(schema, v, c.whole)
	if err != nil {
		return err
	}
	c.side.set(r, to, v)
	return nil
}

func (c *cast) applyMap(r *connect.Record, v connect.Value) error {
	m, err := requireMap(v, "cast types")
	if err != nil {
		return err
	}
	plan, err := c.maps.of(m.Keys())
	if err != nil {
		return err
	}
	c.done = c.done[:0]
	for i, f := range c.casts {
		var v connect.Value
		if at := plan.at[i]; at < m.Len() {
			v = m.At(at)
		}
		if v, err = castValue(nil, v, f.to); err != nil {
			return err
		}
		c.done = append(c.done, v)
	}
	m = c.remap(r, m, plan.keys, plan.moves)
	for i, at := range plan.at {
		m.SetAt(at, c.done[i])
	}
	return nil
}

func (c *cast) applyStruct(r *connect.Record, schema *connect.Schema, v connect.Value) error {
	st, err := requireStruct(v, "cast types")
	if err != nil {
		return err
	}
	if schema.Kind() != connect.KindStruct {
		return fmt.Errorf("%w: a struct under a schema of %s", connect.ErrData, schema.Kind())
	}
	plan, err := c.plans.of(st.Schema())
	if err != nil {
		return err
	}
	c.done = c.done[:0]
	for i, at := range plan.at {
		f := &st.Schema().Fields()[at]
		v, err := castValue(f.Schema, c.nulls.at(st, at), plan.to[i])
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		c.done = append(c.done, v)
	}
	if st, err = c.restruct(r, st, &plan.structPlan); err != nil {
		return err
	}
	for i, at := range plan.at {
		st.SetAt(at, c.done[i])
	}
	return nil
}

func (c *cast) plan(s *connect.Schema) (*castPlan, error) {
	if c.whole != connect.KindNull {
		schema, err := castSchema(s, c.whole, basics(s)...)
		return &castPlan{structPlan: structPlan{schema: schema}}, err
	}
	fields, err := fieldsOf(s)
	if err != nil {
		return nil, err
	}
	if !s.Default().IsNull() {
		return nil, fmt.Errorf("%w: Cast transformation does not support casting from STRUCT, which the default is", connect.ErrData)
	}
	plan := &castPlan{}
	var from []int
	fields = slices.Clone(fields)
	for i, f := range fields {
		from = append(from, i)
		at := slices.IndexFunc(c.casts, func(o fieldCast) bool { return o.field == f.Name })
		if at < 0 {
			continue
		}
		plan.at, plan.to = append(plan.at, i), append(plan.to, c.casts[at].to)
		if fields[i].Schema, err = castSchema(f.Schema, c.casts[at].to); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	opts := basics(s)
	if s.Optional() {
		opts = append(opts, connect.Optional())
	}
	schema, err := structSchema(fields, opts...)
	if err != nil {
		return nil, err
	}
	plan.structPlan = newStructPlan(s, schema, from, c.nulls)
	return plan, nil
}

// castSchema is the schema of what was cast, optional and with the default of the one before.
func castSchema(s *connect.Schema, to connect.Kind, opts ...connect.SchemaOption) (*connect.Schema, error) {
	if s.Optional() {
		opts = append(opts, connect.Optional())
	}
	dflt, err := castValue(s, s.Default(), to)
	if err != nil {
		return nil, err
	}
	return withDefault(connect.NewSchema(to, opts...), dflt)
}
