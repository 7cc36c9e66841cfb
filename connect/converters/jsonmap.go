package converters

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// mapping reads an object if the keys are strings, else a list of pairs.
func (d *decoder) mapping(s *connect.Schema, at place) (connect.Value, error) {
	opening, entry := byte('['), (*decoder).pair
	if s.Keys().Kind() == connect.KindString {
		opening, entry = '{', (*decoder).member
	}
	if d.Peek() != opening {
		if err := d.Skip(); err != nil {
			return connect.Value{}, err
		}
		return connect.Value{}, fmt.Errorf("%w: a map with %s keys does not begin with %c", connect.ErrData, s.Keys().Kind(), opening)
	}
	m := connect.NewMap(4)
	closing := opening + 2
	more, err := d.Open(closing)
	for more && err == nil {
		if err = entry(d, m, s, at); err == nil {
			more, err = d.Next(closing)
		}
	}
	return connect.MapOf(m), err
}

func (d *decoder) member(m *connect.Map, s *connect.Schema, at place) error {
	name, err := d.Name()
	if err != nil {
		return err
	}
	v, err := d.value(s.Elem(), at)
	if err != nil {
		return fmt.Errorf("entry %s: %w", name, err)
	}
	m.Put(connect.String(name), v)
	return nil
}

func (d *decoder) pair(m *connect.Map, s *connect.Schema, at place) error {
	if d.Peek() != '[' {
		return fmt.Errorf("%w: a map entry that is no pair", connect.ErrData)
	}
	more, err := d.Open(']')
	if err != nil || !more {
		return fmt.Errorf("%w: a map entry that is no pair", connect.ErrData)
	}
	k, err := d.value(s.Keys(), at)
	if err != nil {
		return fmt.Errorf("a key: %w", err)
	}
	if more, err = d.Next(']'); err != nil || !more {
		return fmt.Errorf("%w: a map entry that is no pair", connect.ErrData)
	}
	v, err := d.value(s.Elem(), at)
	if err != nil {
		return fmt.Errorf("entry %s: %w", k, err)
	}
	if more, err = d.Next(']'); err != nil || more {
		return fmt.Errorf("%w: a map entry that is no pair", connect.ErrData)
	}
	m.Put(k, v)
	return nil
}
