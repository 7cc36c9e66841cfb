// Package javahash knows in which order Java lists what it keeps in a hash map. Bytes on topics, divisions of work and REST answers depend on it.
package javahash

import (
	"slices"
	"unicode/utf16"
)

// Sort puts items into the order in which a java.util.HashMap, filled in the given order, lists these names.
func Sort[T any](items []T, name func(T) string) {
	capacity := TableSize(len(items))
	slices.SortStableFunc(items, func(a, b T) int {
		return int(bucket(name(a), capacity)) - int(bucket(name(b), capacity))
	})
}

// TableSize is the number of buckets after n insertions: 16, doubled whenever three quarters are exceeded.
func TableSize(n int) int {
	capacity := 16
	for n > capacity/4*3 {
		capacity *= 2
	}
	return capacity
}

// bucket is a name's place in the table: String.hashCode over UTF-16 units, its upper half mixed into the lower.
func bucket(name string, capacity int) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return (h ^ h>>16) & uint32(capacity-1)
}
