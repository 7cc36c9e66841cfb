package registry

// Cache is a map that holds no more than its limit: when that is reached all go, since what is made anew all the time will not come again.
type Cache[K comparable, V any] struct {
	entries map[K]V
	limit   int
}

// NewCache returns a cache of at most limit entries.
func NewCache[K comparable, V any](limit int) Cache[K, V] {
	return Cache[K, V]{entries: map[K]V{}, limit: max(1, limit)}
}

// Get returns an entry.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	v, ok := c.entries[key]
	return v, ok
}

// Put adds an entry or replaces it.
func (c *Cache[K, V]) Put(key K, v V) {
	if len(c.entries) >= c.limit {
		clear(c.entries)
	}
	c.entries[key] = v
}
