package transforms

// derived keeps what was made of the keys met last, schemas or topics: a task has few of them, and nearly always the same as for the record before.
// What could not be made is not kept.
type derived[K comparable, V any] struct {
	derive func(K) (V, error)
	same   func(a, b K) bool // nil for ==
	kept   [keptMost]kept[K, V]
	count  int
	newest int
}

// keptMost is the size of Java's cache.
const keptMost = 16

type kept[K comparable, V any] struct {
	key   K
	value V
}

func (d *derived[K, V]) of(key K) (V, error) {
	if newest := &d.kept[d.newest]; newest.key == key && d.count > 0 {
		return newest.value, nil
	}
	return d.find(key)
}

func (d *derived[K, V]) find(key K) (V, error) {
	for n := range d.count {
		i := (d.newest + n) % d.count
		if d.kept[i].key == key || d.same != nil && d.same(d.kept[i].key, key) {
			d.newest = i
			return d.kept[i].value, nil
		}
	}
	value, err := d.derive(key)
	if err != nil {
		return value, err
	}
	at := d.count
	if at == keptMost {
		at = (d.newest + 1) % keptMost
	} else {
		d.count++
	}
	d.kept[at] = kept[K, V]{key, value}
	d.newest = at
	return value, nil
}
