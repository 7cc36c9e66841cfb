package registry

import (
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Written is what messages are written for: the values of one schema, to one topic. Schemas are known by their pointer.
type Written struct {
	Topic  string
	Schema *connect.Schema
}

// Read is what messages are read by.
type Read struct {
	Topic string
	ID    int32
}

// Memo keeps what was made for each key, up to a limit: when that is reached all go, since what is made anew all the time will not come again. What was
// used last is at hand without a look-up. It is for one goroutine at a time.
type Memo[K comparable, V any] struct {
	create  func(K) (V, time.Time, error)
	entries map[K]*memoized[V]
	limit   int
	lastKey K
	last    *memoized[V]
}

type memoized[V any] struct {
	value   V
	expires time.Time
}

// NewMemo returns an empty memo. create makes what is not there, and says when that is to be made anew: never for a zero time.
func NewMemo[K comparable, V any](limit int, create func(K) (V, time.Time, error)) Memo[K, V] {
	return Memo[K, V]{create: create, entries: map[K]*memoized[V]{}, limit: max(1, limit)}
}

// Get returns what belongs to a key.
func (m *Memo[K, V]) Get(key K) (V, error) {
	if m.last != nil && m.lastKey == key && m.last.current() {
		return m.last.value, nil
	}
	e := m.entries[key]
	if e == nil || !e.current() {
		value, expires, err := m.create(key)
		if err != nil {
			return value, err
		}
		if len(m.entries) >= m.limit {
			clear(m.entries)
		}
		e = &memoized[V]{value, expires}
		m.entries[key] = e
	}
	m.lastKey, m.last = key, e
	return e.value, nil
}

func (e *memoized[V]) current() bool { return e.expires.IsZero() || time.Now().Before(e.expires) }
