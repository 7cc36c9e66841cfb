package connect

import (
	"maps"
	"slices"
	"strings"
)

// Map is a list of entries with distinct keys, kept in the order of putting. Keys may be of any kind.
// It is not safe for concurrent use while it is being filled.
type Map struct {
	entries []Entry
	index   map[string]int // string keys, built once the map is too long to search
}

// Entry is one association of a Map.
type Entry struct{ Key, Value Value }

// searchable is the length up to which a look-up walks the entries: shorter than the cost of hashing.
const searchable = 16

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *Map { return &Map{entries: make([]Entry, 0, n)} }

// Len returns the number of entries.
func (m *Map) Len() int { return len(m.entries) }

// Entries returns the entries in order, shared: callers must not write to them.
func (m *Map) Entries() []Entry { return m.entries }

// Put adds an entry, or replaces the value of an equal key in its place. It returns m.
func (m *Map) Put(key, value Value) *Map {
	if i := m.find(key); i >= 0 {
		m.entries[i].Value = value
		return m
	}
	if m.index != nil && key.kind == KindString {
		m.index[key.Str()] = len(m.entries)
	}
	m.entries = append(m.entries, Entry{key, value})
	if m.index == nil && len(m.entries) > searchable {
		m.index = make(map[string]int, 2*len(m.entries))
		for i, e := range m.entries {
			if e.Key.kind == KindString {
				m.index[e.Key.Str()] = i
			}
		}
	}
	return m
}

// Get returns the value of key; ok tells whether there is one.
func (m *Map) Get(key Value) (v Value, ok bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].Value, true
	}
	return Value{}, false
}

func (m *Map) find(key Value) int {
	if m.index != nil && key.kind == KindString {
		if i, ok := m.index[key.Str()]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].Key.Equal(key) {
			return i
		}
	}
	return -1
}

// Clone returns a copy that can be changed; the values are shared.
func (m *Map) Clone() *Map { return &Map{entries: slices.Clone(m.entries), index: maps.Clone(m.index)} }

// Equal reports whether both maps have equal values under equal keys, in whatever order.
func (m *Map) Equal(o *Map) bool {
	if len(m.entries) != len(o.entries) {
		return false
	}
	for _, e := range m.entries {
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
	for i, e := range m.entries {
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
