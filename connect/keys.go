package connect

import "sync/atomic"

// Keys is a list of distinct keys that maps have in common, as structs have a schema: records of one stream mostly have the same, and what was worked
// out for one of them holds for all. It never changes once [Map.Keys] or [NewKeys] has returned it, and is safe for concurrent use.
type Keys struct {
	list   []Value
	index  map[string]int // string keys, built once the list is too long to search
	shared atomic.Bool    // no map may add to it
}

// searchable is the length up to which a look-up walks the keys: shorter than the cost of hashing.
const searchable = 16

// Keys and the slots of those that occur most in one allocation.
type (
	keys4 struct {
		Keys
		slots [4]Value
	}
	keys16 struct {
		Keys
		slots [16]Value
	}
)

// NewKeys returns the keys in this order; of those that are equal the first.
func NewKeys(list ...Value) *Keys {
	k := newKeys(len(list))
	for _, key := range list {
		if k.Find(key) < 0 {
			k.add(key)
		}
	}
	k.shared.Store(true)
	return k
}

func newKeys(n int) *Keys {
	switch {
	case n <= 4:
		k := &keys4{}
		k.list = k.slots[:0]
		return &k.Keys
	case n <= 16:
		k := &keys16{}
		k.list = k.slots[:0]
		return &k.Keys
	}
	return &Keys{list: make([]Value, 0, n)}
}

// Len returns the number of keys.
func (k *Keys) Len() int { return len(k.list) }

// At returns the i-th key.
func (k *Keys) At(i int) Value { return k.list[i] }

// Find returns the position of a key, or -1.
func (k *Keys) Find(key Value) int {
	if k.index != nil && key.Kind() == KindString {
		if i, ok := k.index[key.Str()]; ok {
			return i
		}
		return -1
	}
	for i := range k.list {
		if k.list[i].Equal(key) {
			return i
		}
	}
	return -1
}

// Equal reports whether both have the same keys in the same order.
func (k *Keys) Equal(o *Keys) bool {
	if k == o {
		return true
	}
	if len(k.list) != len(o.list) {
		return false
	}
	for i := range k.list {
		if a, b := k.list[i], o.list[i]; a.Kind() == KindString && b.Kind() == KindString {
			if a.Str() != b.Str() {
				return false
			}
		} else if !a.Equal(b) {
			return false
		}
	}
	return true
}

// add appends a key that is not there yet.
func (k *Keys) add(key Value) {
	if k.index != nil && key.Kind() == KindString {
		k.index[key.Str()] = len(k.list)
	}
	k.list = append(k.list, key)
	if k.index == nil && len(k.list) > searchable {
		k.index = make(map[string]int, 2*len(k.list))
		for i, key := range k.list {
			if key.Kind() == KindString {
				k.index[key.Str()] = i
			}
		}
	}
}

// copied returns the same keys for a map to add to.
func (k *Keys) copied(room int) *Keys {
	c := newKeys(len(k.list) + room)
	for _, key := range k.list {
		c.add(key)
	}
	return c
}
