package connect

import (
	"errors"
	"fmt"
)

// ErrData is the class of errors about data that does not fit its schema (Kafka Connect's DataException).
var ErrData = errors.New("data error")

// CheckValue reports whether v fits schema, recursively (ConnectSchema.validateValue). Its error is of class [ErrData] and
// names the place. A nil schema fits everything.
func CheckValue(schema *Schema, v Value) error { return check("value", schema, v) }

func check(where string, s *Schema, v Value) error {
	if s == nil {
		return nil
	}
	if v.IsNull() {
		if s.optional || !s.dflt.IsNull() {
			return nil
		}
		return fmt.Errorf("%w: %s is null, and its schema is not optional", ErrData, where)
	}
	if want := valueKind(s); v.kind != want {
		return fmt.Errorf("%w: %s is %s, and its schema wants %s", ErrData, where, v.kind, want)
	}
	switch s.kind {
	case KindArray:
		for i, e := range v.Array() {
			if err := check(fmt.Sprintf("%s[%d]", where, i), s.vals, e); err != nil {
				return err
			}
		}
	case KindMap:
		for _, e := range v.Map().Entries() {
			if err := check(where+" (a key)", s.keys, e.Key); err != nil {
				return err
			}
			if err := check(fmt.Sprintf("%s[%s]", where, e.Key), s.vals, e.Value); err != nil {
				return err
			}
		}
	case KindStruct:
		st := v.Struct()
		if !st.schema.Equal(s) {
			return fmt.Errorf("%w: %s is a struct of another schema", ErrData, where)
		}
		for i, f := range s.fields {
			if err := check(where+"."+f.Name, f.Schema, st.vals[i]); err != nil {
				return err
			}
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
