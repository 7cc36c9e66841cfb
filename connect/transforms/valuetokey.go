package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// valueToKey makes the key of fields of the value (org.apache.kafka.connect.transforms.ValueToKey). The old key is dropped.
type valueToKey struct {
	without
	fields []string
	nulls  nulls
	plans  derived[*connect.Schema, *keyPlan]
	maps   derived[*connect.Keys, *mapPlan]
	room   connect.Slab
}

// keyPlan is the key's schema and where in the value its fields are.
type keyPlan struct {
	schema *connect.Schema
	from   []int
}

var valueToKeyFieldsKey = connect.ListKey("fields", "The fields of the value that become the key.").Importance(connect.High).Must(nonEmptyList)

var valueToKeyDefinition = define("ValueToKey", func(cfg connect.Config) (connect.Transform, error) {
	v := &valueToKey{fields: valueToKeyFieldsKey.Get(cfg), nulls: nulls(replaceNullKey.Get(cfg))}
	v.plans.derive = v.plan
	v.maps = mapPlansBy(v.planMap)
	return v, nil
}, valueToKeyFieldsKey, replaceNullKey)

const valueToKeyPurpose = "copying fields from value to key"

func (t *valueToKey) Apply(r *connect.Record) (bool, error) {
	if r.ValueSchema == nil {
		m, err := requireMap(r.Value, valueToKeyPurpose)
		if err != nil {
			return true, err
		}
		plan, err := t.maps.of(m.Keys())
		if err != nil {
			return true, err
		}
		r.OwnKeyMap(t.room.Remap(m, plan.keys, plan.moves))
		return true, nil
	}
	st, err := requireStruct(r.Value, valueToKeyPurpose)
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(st.Schema())
	if err != nil {
		return true, err
	}
	key := t.room.Struct(plan.schema)
	for i, from := range plan.from {
		if err := put(key, i, t.nulls.at(st, from)); err != nil {
			return true, err
		}
	}
	r.OwnKey(key)
	r.ValueSchema = st.Schema()
	return true, nil
}

func (t *valueToKey) plan(s *connect.Schema) (*keyPlan, error) {
	plan := &keyPlan{}
	var fields []connect.Field
	for _, name := range t.fields {
		i := s.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("%w: Field does not exist: %s", connect.ErrData, name)
		}
		plan.from = append(plan.from, i)
		fields = append(fields, s.Fields()[i])
	}
	var err error
	plan.schema, err = structSchema(fields)
	return plan, err
}

func (t *valueToKey) planMap(k *connect.Keys) (*mapPlan, error) {
	plan := &mapPlan{}
	var list []connect.Value
	for _, f := range t.fields {
		list = append(list, connect.String(f))
	}
	plan.keys = connect.NewKeys(list...)
	var from []int
	for i := range plan.keys.Len() {
		from = append(from, k.Find(plan.keys.At(i)))
	}
	plan.moves = connect.NewMoves(from)
	return plan, nil
}
