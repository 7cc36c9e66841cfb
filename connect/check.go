package connect

import (
	"errors"
	"fmt"
)

// ErrData is the class of errors about data that does not fit its schema (Kafka Connect's DataException).
var ErrData = errors.New("data error")

// CheckValue reports whether v fits schema, recursively (ConnectSchema.validateValue): null fits what is optional, and a struct's field also where
// it has a default. Its error is of class [ErrData] and names the place. A nil schema fits everything, but nothing fits a list or a map whose elements
// have none.
func CheckValue(schema *Schema, v Value) error {
	if schema == nil {
		return nil
	}
	if err := check(schema, v); err != nil {
		return fmt.Errorf("%w: value%s", ErrData, err)
	}
	return nil
}

// misfit is what is wrong and where, as a path from the value on. It is put together on the way up, so that a value that fits costs no text.
type misfit struct{ where, what string }

func (m *misfit) Error() string { return m.where + m.what }

// at puts a step before the path.
func (m *misfit) at(step string) *misfit {
	m.where = step + m.where
	return m
}

func check(s *Schema, v Value) *misfit {
	if v.IsNull() {
		if s.optional {
			return nil
		}
		return &misfit{what: " is null, and its schema is not optional"}
	}
	if want := valueKind(s); v.Kind() != want {
		return &misfit{what: fmt.Sprintf(" is %s, and its schema wants %s", v.Kind(), want)}
	}
	switch s.kind {
	case KindArray:
		if s.vals == nil {
			return &misfit{what: " is a list without a schema for its elements"}
		}
		for i, e := range v.Array() {
			if m := check(s.vals, e); m != nil {
				return m.at(fmt.Sprintf("[%d]", i))
			}
		}
	case KindMap:
		if s.keys == nil || s.vals == nil {
			return &misfit{what: " is a map without a schema for its keys or values"}
		}
		for _, e := range v.Map().Entries() {
			if m := check(s.keys, e.Key); m != nil {
				return m.at(" (a key)")
			}
			if m := check(s.vals, e.Value); m != nil {
				return m.at(fmt.Sprintf("[%s]", e.Key))
			}
		}
	case KindStruct:
		return checkStruct(s, v.Struct())
	}
	return nil
}

func checkStruct(s *Schema, st *Struct) *misfit {
	if !st.schema.Equal(s) {
		return &misfit{what: " is a struct of another schema"}
	}
	for i, f := range s.fields {
		if st.vals[i].IsNull() && !f.Schema.dflt.IsNull() {
			continue
		}
		if m := check(f.Schema, st.vals[i]); m != nil {
			return m.at("." + f.Name)
		}
	}
	return nil
}

// valueKind is the kind of the values under s: logical types are known by name alone, as in Kafka Connect.
func valueKind(s *Schema) Kind {
	switch s.name {
	case DecimalName:
		return KindDecimal
	case DateName, TimeName, TimestampName:
		return KindInstant
	}
	return s.kind
}
