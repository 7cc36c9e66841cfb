package connect

import (
	"iter"
	"strings"
)

// Map is a list of entries with distinct keys, kept in the order of putting. Keys may be of any kind.
// It is not safe for concurrent use while it is being filled. The zero Map is empty and ready.
type Map struct {
	keys *Keys // nil for none
	vals []Value
}

// Entry is one association of a Map.
type Entry struct{ Key, Value Value }

// A map and the values of those that occur most in one allocation.
type (
	map4 struct {
		Map
		slots [4]Value
	}
	map16 struct {
		Map
		slots [16]Value
	}
)

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *Map { return newMap(newKeys(n), 0, n) }

// Map returns a map with these keys and every value null, to be filled by [Map.SetAt].
func (k *Keys) Map() *Map { return newMap(k, len(k.list), len(k.list)) }

func newMap(k *Keys, n, room int) *Map {
	switch {
	case room <= 4:
		m := &map4{}
		m.keys, m.vals = k, m.slots[:n]
		return &m.Map
	case room <= 16:
		m := &map16{}
		m.keys, m.vals = k, m.slots[:n]
		return &m.Map
	}
	return &Map{keys: k, vals: make([]Value, n, room)}
}

// Len returns the number of entries.
func (m *Map) Len() int { return len(m.vals) }

// Keys returns the keys in order. They stay as they are when the map changes.
func (m *Map) Keys() *Keys {
	if m.keys != nil && m.keys.shared.Load() {
		return m.keys
	}
	return m.share()
}

// share makes the keys such as others may hold.
func (m *Map) share() *Keys {
	if m.keys == nil {
		return NewKeys()
	}
	m.keys.shared.Store(true)
	return m.keys
}

// At returns the value of the i-th key.
func (m *Map) At(i int) Value { return m.vals[i] }

// SetAt sets the value of the i-th key.
func (m *Map) SetAt(i int, v Value) { m.vals[i] = v }

// Entries goes through the entries in order, with their positions.
func (m *Map) Entries() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		for i, v := range m.vals {
			if !yield(i, Entry{m.keys.list[i], v}) {
				return
			}
		}
	}
}

// Put adds an entry, or replaces the value of an equal key in its place. It returns m.
func (m *Map) Put(key, value Value) *Map {
	switch {
	case m.keys == nil:
		m.keys = newKeys(1)
	default:
		if i := m.keys.Find(key); i >= 0 {
			m.vals[i] = value
			return m
		}
		if m.keys.shared.Load() {
			m.keys = m.keys.copied(1)
		}
	}
	m.keys.add(key)
	m.vals = append(m.vals, value)
	return m
}

// Get returns the value of key; ok tells whether there is one.
func (m *Map) Get(key Value) (v Value, ok bool) {
	if m.keys == nil {
		return Value{}, false
	}
	if i := m.keys.Find(key); i >= 0 {
		return m.vals[i], true
	}
	return Value{}, false
}

// Reshape gives the map other keys, in place, with the values that moves says.
func (m *Map) Reshape(keys *Keys, moves *Moves) {
	m.keys, m.vals = keys, moves.in(m.vals)
}

// Clone returns a copy that can be changed, with room for so many more entries; the values are shared.
func (m *Map) Clone(room int) *Map {
	c := newMap(m.Keys(), len(m.vals), len(m.vals)+room)
	copy(c.vals, m.vals)
	return c
}

// Equal reports whether both maps have equal values under equal keys, in whatever order.
func (m *Map) Equal(o *Map) bool {
	if len(m.vals) != len(o.vals) {
		return false
	}
	for _, e := range m.Entries() {
		if v, ok := o.Get(e.Key); !ok || !v.Equal(e.Value) {
			return false
		}
	}
	return true
}

// String formats m for people.
func (m *Map) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, e := range m.Entries() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(e.Key.String())
		b.WriteString(": ")
		b.WriteString(e.Value.String())
	}
	b.WriteByte('}')
	return b.String()
}
