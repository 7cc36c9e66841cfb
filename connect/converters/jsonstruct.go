package converters

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// structure reads an object. Members that are no field are ignored; of a field named twice the last counts.
func (d *decoder) structure(s *connect.Schema) (connect.Value, error) {
	if d.Peek() != '{' {
		if err := d.Skip(); err != nil {
			return connect.Value{}, err
		}
		return connect.Value{}, fmt.Errorf("%w: a struct that is no object", connect.ErrData)
	}
	st := d.room.Struct(s)
	var seen fieldSet
	expected := 0
	more, err := d.Open('}')
	for more && err == nil {
		var i int
		if i, err = d.field(s, expected); err != nil {
			return connect.Value{}, err
		}
		if i < 0 {
			err = d.Skip()
		} else {
			err = d.fieldValue(st, i)
			seen.add(i)
			expected = i + 1
		}
		if err == nil {
			more, err = d.Next('}')
		}
	}
	if err != nil {
		return connect.Value{}, err
	}
	return connect.StructOf(st), d.fillMissing(st, &seen)
}

// field reads a member's name and finds its field, the expected one first: writers keep the order of the schema. -1 is none.
func (d *decoder) field(s *connect.Schema, expected int) (int, error) {
	fields := s.Fields()
	if d.Peek() == '"' && expected < len(fields) {
		name := fields[expected].Name
		rest := d.Data[d.At+1:]
		if len(rest) > len(name)+1 && string(rest[:len(name)]) == name && rest[len(name)] == '"' && rest[len(name)+1] == ':' {
			d.At += len(name) + 3
			return expected, nil
		}
	}
	name, err := d.Name()
	if err != nil {
		return 0, err
	}
	return s.Index(name), nil
}

func (d *decoder) fieldValue(st *connect.Struct, i int) error {
	f := st.Schema().Fields()[i]
	v, err := d.value(f.Schema, checked)
	if err != nil {
		return fmt.Errorf("field %s: %w", f.Name, err)
	}
	st.SetAt(i, v)
	return nil
}

func (d *decoder) fillMissing(st *connect.Struct, seen *fieldSet) error {
	for i, f := range st.Schema().Fields() {
		if seen.has(i) {
			continue
		}
		v, err := d.null(f.Schema)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		st.SetAt(i, v)
	}
	return nil
}

// fieldSet is a set of field numbers; up to 256 need no allocation.
type fieldSet struct {
	low  [4]uint64
	high []uint64
}

func (f *fieldSet) add(i int) {
	if i < 256 {
		f.low[i/64] |= 1 << (i % 64)
		return
	}
	for len(f.high) <= (i-256)/64 {
		f.high = append(f.high, 0)
	}
	f.high[(i-256)/64] |= 1 << (i % 64)
}

func (f *fieldSet) has(i int) bool {
	if i < 256 {
		return f.low[i/64]&(1<<(i%64)) != 0
	}
	at := (i - 256) / 64
	return at < len(f.high) && f.high[at]&(1<<(i%64)) != 0
}
