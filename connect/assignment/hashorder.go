package assignment

import (
	"slices"
	"unicode/utf16"
)

// hashOrder sorts by the order in which a java.util.HashMap, filled in the given order, lists these names. Java's assignor visits the
// members in that order, and who may keep one item more than others, or gets lost work first, depends on it.
func hashOrder[T any](items []T, name func(T) string) {
	capacity := uint32(16)
	for uint32(len(items)) > capacity/4*3 {
		capacity *= 2
	}
	slices.SortStableFunc(items, func(a, b T) int {
		return int(bucket(name(a), capacity)) - int(bucket(name(b), capacity))
	})
}

// bucket is a name's place in the table: String.hashCode over UTF-16 units, its upper half mixed into the lower.
func bucket(name string, capacity uint32) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return (h ^ h>>16) & (capacity - 1)
}
