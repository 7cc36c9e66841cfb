package transforms

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/javahash"
)

// replaceField leaves out and renames fields (org.apache.kafka.connect.transforms.ReplaceField). What is excluded is out whatever is included. Two
// fields that get the same name are an error in a struct; in a map the later one stays.
type replaceField struct {
	without
	rewriter
	exclude, include []string
	renames          []rename // as Java's map lists them: where several old names get one new name, the last is what original finds
	nulls            nulls
	plans            derived[*connect.Schema, *replacePlan]
	maps             derived[*connect.Keys, *mapPlan]
}

type rename struct{ from, to string }

// replacePlan is what becomes of structs.
type replacePlan struct {
	structPlan
	// Fields whose value is that of another field than their schema, as Java finds it where a new name is also an old one: it may not fit.
	crossed []int
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
	r := &replaceField{rewriter: rewriter{side: s}, exclude: excludeKey.Get(cfg), include: includeKey.Get(cfg), nulls: nulls(replaceNullKey.Get(cfg))}
	for _, pair := range renamesKey.Get(cfg) {
		n, _ := parseRename(pair) // checked
		if at := slices.IndexFunc(r.renames, func(o rename) bool { return o.from == n.from }); at >= 0 {
			r.renames[at] = n
		} else {
			r.renames = append(r.renames, n)
		}
	}
	javahash.Sort(r.renames, func(n rename) string { return n.from })
	r.plans.derive = r.plan
	r.maps = mapPlansBy(r.planMap)
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
	for _, i := range plan.crossed {
		f := plan.schema.Fields()[i]
		if err := connect.CheckValue(f.Schema, r.nulls.at(st, plan.moves.From()[i])); err != nil {
			return true, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	_, err = r.restruct(record, st, &plan.structPlan)
	return true, err
}

func (r *replaceField) applyMap(record *connect.Record, v connect.Value) error {
	m, err := requireMap(v, replacePurpose)
	if err != nil {
		return err
	}
	plan, err := r.maps.of(m.Keys())
	if err == nil {
		r.remap(record, m, plan.keys, plan.moves)
	}
	return err
}

func (r *replaceField) planMap(k *connect.Keys) (*mapPlan, error) {
	plan := &mapPlan{}
	var list []connect.Value
	var from []int
	for i := range k.Len() {
		name, err := stringKey(k.At(i))
		if err != nil {
			return nil, err
		}
		if !r.keeps(name) {
			continue
		}
		name = r.renamed(name)
		if at := slices.IndexFunc(list, func(o connect.Value) bool { return o.Str() == name }); at >= 0 {
			from[at] = i
			continue
		}
		list, from = append(list, connect.String(name)), append(from, i)
	}
	plan.keys, plan.moves = connect.NewKeys(list...), connect.NewMoves(from)
	return plan, nil
}

func (r *replaceField) plan(s *connect.Schema) (*replacePlan, error) {
	plan := &replacePlan{}
	var fields []connect.Field
	var sources []int
	for _, f := range s.Fields() {
		if !r.keeps(f.Name) {
			continue
		}
		name := r.renamed(f.Name)
		from := s.Index(r.original(name))
		if from < 0 {
			return nil, fmt.Errorf("%w: %s is not a valid field name", connect.ErrData, r.original(name))
		}
		if s.Fields()[from].Name != f.Name {
			plan.crossed = append(plan.crossed, len(fields))
		}
		fields, sources = append(fields, connect.F(name, f.Schema)), append(sources, from)
	}
	schema, err := structSchema(fields, basics(s)...)
	if err != nil {
		return nil, err
	}
	plan.structPlan = newStructPlan(s, schema, sources, r.nulls)
	return plan, nil
}
