package wire

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// mapping reads a Map message. Maps of the same keys share them, as those of the same schema share that.
func (d *decoder) mapping(raw []byte, place *connect.Schema, level int) (v connect.Value, err error) {
	n, err := count(raw, 0x0a)
	if err != nil {
		return v, fmt.Errorf("map: %w", err)
	}
	var ofKeys, ofValues *connect.Schema
	if place != nil && place.Kind() == connect.KindMap {
		ofKeys, ofValues = place.Keys(), place.Elem()
	}
	base, work := len(d.list), 0
	defer func() { d.list = d.list[:base] }()
	c := over(raw)
	for i := range n {
		c.find(0x0a)
		key, _, err := entry(c.bytes)
		if err != nil {
			return v, fmt.Errorf("entry %d: %w", i, err)
		}
		k, err := d.value(key.raw, ofKeys, level+1)
		if err != nil {
			return v, fmt.Errorf("key %d: %w", i, err)
		}
		if k.Kind() != connect.KindString {
			work += 1 + len(key.raw)
		}
		d.list = append(d.list, k)
	}
	if work > maxKeyWork/(n+1) {
		return v, errKeys
	}
	keys := d.sameKeys(d.list[base:], level)
	if keys.Len() != n {
		return v, fmt.Errorf("a map of %d entries with %d keys: a key occurs twice", n, keys.Len())
	}
	m := d.slab.Map(keys)
	c = over(raw)
	for i := range n {
		c.find(0x0a)
		_, value, _ := entry(c.bytes)
		e, err := d.value(value.raw, ofValues, level+1)
		if err != nil {
			return v, fmt.Errorf("value of key %d: %w", i, err)
		}
		m.SetAt(i, e)
	}
	return connect.MapOf(m), nil
}

// entry reads an Entry message.
func entry(raw []byte) (key, value parts, err error) {
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x0a:
			key.add(c.bytes)
		case 0x12:
			value.add(c.bytes)
		}
	}
	return key, value, c.err
}

// sameKeys returns the keys of the last map of a level if they are these, or else makes them. They have memory of their own, since whoever keeps the keys would
// keep the message.
func (d *decoder) sameKeys(list []connect.Value, level int) *connect.Keys {
	last := &d.keys[min(level, len(d.keys)-1)]
	if same(*last, list) {
		return *last
	}
	room := 0
	for _, k := range list {
		if k.Kind() == connect.KindString {
			room += len(k.Str())
		}
	}
	texts := make([]byte, 0, room)
	for i, k := range list {
		switch k.Kind() {
		case connect.KindString:
			at := len(texts)
			texts = append(texts, k.Str()...)
			list[i] = connect.String(alias(texts[at:]))
		case connect.KindBytes:
			list[i] = connect.Bytes(append([]byte{}, k.Bytes()...))
		}
	}
	*last = connect.NewKeys(list...)
	return *last
}

// same reports whether keys are those of the list, in order.
func same(keys *connect.Keys, list []connect.Value) bool {
	if keys == nil || keys.Len() != len(list) {
		return false
	}
	for i := range list {
		if !keys.At(i).Equal(list[i]) {
			return false
		}
	}
	return true
}
