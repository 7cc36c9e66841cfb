package transforms

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// replaceField leaves out and renames fields (org.apache.kafka.connect.transforms.ReplaceField). What is excluded is out whatever is included. Two
// fields that get the same name are an error in a struct; in a map the later one stays.
type replaceField struct {
	without
	side             side
	exclude, include []string
	renames          []rename
	nulls            nulls
	plans            derived[*connect.Schema, *replacePlan]
}

type rename struct{ from, to string }

// replacePlan is the new schema and where its fields come from.
type replacePlan struct {
	schema *connect.Schema
	from   []int
	// A field's value is that of another field than its schema, as Java finds it where a new name is also an old one: it may not fit.
	crossed []bool
}

var (
	excludeKey = connect.ListKey("exclude", "The fields to leave out.").Default(nil)
	includeKey = connect.ListKey("include", "The fields to keep; none for all but the excluded ones.").Default(nil)
	renamesKey = connect.ListKey("renames", "old:new pairs of names.").Default(nil).Must(func(v connect.Value) error {
		for _, e := range v.Array() {
			if _, err := parseRename(e.Str()); err != nil {
				return err
			}
		}
		return nil
	})
)

var replaceFieldDefinitions = halves("ReplaceField", func(s side, cfg connect.Config) (connect.Transform, error) {
	r := &replaceField{side: s, exclude: excludeKey.Get(cfg), include: includeKey.Get(cfg), nulls: nulls(replaceNullKey.Get(cfg))}
	for _, pair := range renamesKey.Get(cfg) {
		n, _ := parseRename(pair) // checked
		r.renames = slices.DeleteFunc(r.renames, func(o rename) bool { return o.from == n.from })
		r.renames = append(r.renames, n)
	}
	r.plans.derive = r.plan
	return r, nil
}, excludeKey, includeKey, renamesKey, replaceNullKey)

func parseRename(pair string) (rename, error) {
	parts := splitJava(pair, ":")
	if len(parts) != 2 {
		return rename{}, errors.New("Invalid rename mapping: " + pair)
	}
	return rename{parts[0], parts[1]}, nil
}

func (r *replaceField) keeps(field string) bool {
	return !slices.Contains(r.exclude, field) && (len(r.include) == 0 || slices.Contains(r.include, field))
}

func (r *replaceField) renamed(field string) string {
	for _, n := range r.renames {
		if n.from == field {
			return n.to
		}
	}
	return field
}

// original is the old name of a field; Java looks for it among all new names, also for a field that was not renamed.
func (r *replaceField) original(field string) string {
	for _, n := range slices.Backward(r.renames) {
		if n.to == field {
			return n.from
		}
	}
	return field
}

const replacePurpose = "field replacement"

func (r *replaceField) Apply(record *connect.Record) (bool, error) {
	v := r.side.value(record)
	switch {
	case v.IsNull():
		return true, nil
	case r.side.schema(record) == nil:
		return true, r.applyMap(record, v)
	}
	st, err := requireStruct(v, replacePurpose)
	if err != nil {
		return true, err
	}
	plan, err := r.plans.of(st.Schema())
	if err != nil {
		return true, err
	}
	out := connect.NewStruct(plan.schema)
	for i, from := range plan.from {
		v := r.nulls.at(st, from)
		if plan.crossed[i] {
			if err := connect.CheckValue(plan.schema.Fields()[i].Schema, v); err != nil {
				return true, fmt.Errorf("field %s: %w", plan.schema.Fields()[i].Name, err)
			}
		}
		if err := put(out, i, v); err != nil {
			return true, err
		}
	}
	r.side.own(record, out)
	return true, nil
}

func (r *replaceField) applyMap(record *connect.Record, v connect.Value) error {
	m, err := requireMap(v, replacePurpose)
	if err != nil {
		return err
	}
	out := connect.NewMap(m.Len())
	for _, e := range m.Entries() {
		if e.Key.Kind() != connect.KindString {
			return fmt.Errorf("%w: class %s cannot be cast to class java.lang.String", connect.ErrData, className(e.Key))
		}
		if name := e.Key.Str(); r.keeps(name) {
			out.Put(connect.String(r.renamed(name)), e.Value)
		}
	}
	r.side.ownMap(record, out)
	return nil
}

func (r *replaceField) plan(s *connect.Schema) (*replacePlan, error) {
	plan := &replacePlan{}
	var fields []connect.Field
	for _, f := range s.Fields() {
		if !r.keeps(f.Name) {
			continue
		}
		name := r.renamed(f.Name)
		from := s.Index(r.original(name))
		if from < 0 {
			return nil, fmt.Errorf("%w: %s is not a valid field name", connect.ErrData, r.original(name))
		}
		fields = append(fields, connect.F(name, f.Schema))
		plan.from = append(plan.from, from)
		plan.crossed = append(plan.crossed, s.Fields()[from].Name != f.Name)
	}
	var err error
	plan.schema, err = structSchema(fields, basics(s)...)
	return plan, err
}
