package values

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// merger finds the schema that the elements of a list, the keys or the values of a map have in common; nil where they have none.
type merger struct {
	schema *connect.Schema
	failed bool
}

func (m *merger) merge(s *connect.Schema) {
	switch {
	case s == nil || m.failed:
	case m.schema == nil:
		m.schema = s
	default:
		m.schema = wider(m.schema, s)
		m.failed = m.schema == nil
	}
}

// wider returns the schema that holds the values of both: of two numbers the wider type, of one kind the later schema (which is
// why [[1],["a"]] is a list of lists of strings), else nil.
func wider(a, b *connect.Schema) *connect.Schema {
	switch {
	case a.Kind() == b.Kind():
		return b
	case !isNumber(a) || !isNumber(b):
		return nil
	case a.Kind() < b.Kind():
		return b
	}
	return a
}

// isNumber relies on the kinds of numbers being in the order of their width.
func isNumber(s *connect.Schema) bool {
	return s.Kind() >= connect.KindInt8 && s.Kind() <= connect.KindFloat64
}

func alignAll(s *connect.Schema, elems []connect.Value) ([]connect.Value, error) {
	if s == nil {
		return elems, nil
	}
	for i, e := range elems {
		aligned, err := align(s, e)
		if err != nil {
			return nil, err
		}
		elems[i] = aligned
	}
	return elems, nil
}

// alignMap converts keys and values to their common schemas. Without one for the keys the values have none either.
func alignMap(m *connect.Map, keys, vals *connect.Schema) (datum, error) {
	if keys == nil {
		return datum{connect.MapSchema(nil, nil), connect.MapOf(m)}, nil
	}
	out := connect.NewMap(m.Len())
	for _, e := range m.Entries() {
		k, err := align(keys, e.Key)
		if err != nil {
			return datum{}, err
		}
		v := e.Value
		if vals != nil {
			if v, err = align(vals, v); err != nil {
				return datum{}, err
			}
		}
		out.Put(k, v)
	}
	return datum{connect.MapSchema(keys, vals), connect.MapOf(out)}, nil
}

// align converts an element to the schema common to all. A null among values refuses the whole list.
func align(s *connect.Schema, v connect.Value) (connect.Value, error) {
	if v.IsNull() {
		return v, fmt.Errorf("%w: null among values", connect.ErrData)
	}
	if !isNumber(s) {
		return v, nil
	}
	if v.Kind() == connect.KindInstant {
		if !isTemporal(s) {
			return v, fmt.Errorf("%w: a time among numbers", connect.ErrData)
		}
		return v, nil
	}
	return widen(s, v)
}

func isTemporal(s *connect.Schema) bool {
	return s.Name() == connect.DateName || s.Name() == connect.TimeName || s.Name() == connect.TimestampName
}

func widen(s *connect.Schema, v connect.Value) (connect.Value, error) {
	if v.Kind() == connect.KindFloat32 || v.Kind() == connect.KindFloat64 {
		if s.Kind() == connect.KindFloat64 {
			return connect.Float64(v.Float64()), nil
		}
		return v, nil
	}
	n := v.Int64()
	switch s.Name() {
	case connect.DateName:
		return connect.Instant(int64(int32(n)) * millisPerDay), nil
	case connect.TimeName:
		if n < 0 || n > millisPerDay {
			return v, fmt.Errorf("%w: %d is no time of day", connect.ErrData, n)
		}
		return connect.Instant(n), nil
	case connect.TimestampName:
		return connect.Instant(n), nil
	}
	switch s.Kind() {
	case connect.KindInt16:
		return connect.Int16(int16(n)), nil
	case connect.KindInt32:
		return connect.Int32(int32(n)), nil
	case connect.KindInt64:
		return connect.Int64(n), nil
	case connect.KindFloat32:
		return connect.Float32(float32(n)), nil
	case connect.KindFloat64:
		return connect.Float64(float64(n)), nil
	}
	return v, nil
}
