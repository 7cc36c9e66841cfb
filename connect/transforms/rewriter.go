package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// rewriter puts changed structs and maps into records: in place where they are the record's own, which they are behind the first change in a chain, else
// as copies that it cuts from a slab.
type rewriter struct {
	side
	room connect.Slab
}

// structPlan is what becomes of structs of one schema: the new one, and where their values come from.
type structPlan struct {
	schema *connect.Schema
	moves  *connect.Moves
	nulls  nulls
	minded []int // the old fields whose null becomes a default or may not be
}

func newStructPlan(old, schema *connect.Schema, from []int, n nulls) structPlan {
	plan := structPlan{schema: schema, moves: connect.NewMoves(from), nulls: n}
	for i, f := range from {
		if f >= 0 && (!schema.Fields()[i].Schema.Optional() || bool(n) && !old.Fields()[f].Schema.Default().IsNull()) {
			plan.minded = append(plan.minded, f)
		}
	}
	return plan
}

// restruct makes a record's struct one of another schema. The record stays as it is if a field may not have the null that it would get.
func (w *rewriter) restruct(r *connect.Record, st *connect.Struct, plan *structPlan) (*connect.Struct, error) {
	old, lacks := st.Schema(), st.Lacks(plan.minded)
	if lacks {
		if err := plan.check(st); err != nil {
			return nil, err
		}
	}
	if w.owns(r) {
		st.Reshape(plan.schema, plan.moves)
		w.setSchema(r, plan.schema)
	} else {
		st = w.room.Restruct(st, plan.schema, plan.moves)
		w.own(r, st)
	}
	if lacks && bool(plan.nulls) {
		for i, f := range plan.moves.From() {
			if f >= 0 && st.At(i).IsNull() {
				st.SetAt(i, old.Fields()[f].Schema.Default())
			}
		}
	}
	return st, nil
}

// check refuses a struct with a null that neither becomes a default nor may be.
func (p *structPlan) check(st *connect.Struct) error {
	for i, f := range p.moves.From() {
		if f >= 0 && p.nulls.at(st, f).IsNull() {
			if err := nullable(p.schema.Fields()[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// remap is restruct for a map, which may have any null.
func (w *rewriter) remap(r *connect.Record, m *connect.Map, keys *connect.Keys, moves *connect.Moves) *connect.Map {
	if w.owns(r) {
		m.Reshape(keys, moves)
		return m
	}
	copied := w.room.Remap(m, keys, moves)
	w.ownMap(r, copied)
	return copied
}

// mapPlan is what becomes of the keys of maps: the new ones, where their values come from, and where the values are that a transform sets.
type mapPlan struct {
	keys  *connect.Keys
	moves *connect.Moves
	at    []int
}

// mapPlansBy keeps plans for maps. Those that were made one by one have the same keys without sharing them.
func mapPlansBy(derive func(*connect.Keys) (*mapPlan, error)) derived[*connect.Keys, *mapPlan] {
	return derived[*connect.Keys, *mapPlan]{derive: derive, same: (*connect.Keys).Equal}
}

// planAdding is the plan for a map to which names are added where it lacks them.
func planAdding(k *connect.Keys, names []string) *mapPlan {
	plan := &mapPlan{}
	var list []connect.Value
	var from []int
	for i := range k.Len() {
		list, from = append(list, k.At(i)), append(from, i)
	}
	for _, name := range names {
		at := k.Find(connect.String(name))
		for i := k.Len(); i < len(list) && at < 0; i++ {
			if list[i].Str() == name {
				at = i
			}
		}
		if at < 0 {
			at = len(list)
			list, from = append(list, connect.String(name)), append(from, -1)
		}
		plan.at = append(plan.at, at)
	}
	plan.moves = connect.NewMoves(from)
	if plan.keys = k; len(list) > k.Len() {
		plan.keys = connect.NewKeys(list...)
	}
	return plan
}

// stringKey is the text of a map's key.
func stringKey(key connect.Value) (string, error) {
	if key.Kind() != connect.KindString {
		return "", fmt.Errorf("%w: class %s cannot be cast to class java.lang.String", connect.ErrData, className(key))
	}
	return key.Str(), nil
}
