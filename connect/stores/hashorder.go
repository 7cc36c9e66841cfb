package stores

import (
	"slices"
	"unicode/utf16"

	"github.com/sluice-connect/sluice/connect"
)

// hashOrder returns the members in the order in which a java.util.HashMap that was filled in the given order would list them. Connect's
// keys on the offsets topic are compared as bytes, and most connectors hand in such a map, so this order is part of the format.
func hashOrder(members []connect.Attr) []connect.Attr {
	capacity := tableSize(len(members))
	ordered := slices.Clone(members)
	slices.SortStableFunc(ordered, func(a, b connect.Attr) int {
		return int(bucket(a.Name, capacity)) - int(bucket(b.Name, capacity))
	})
	return ordered
}

// tableSize is the number of buckets after n insertions: 16, doubled whenever three quarters are exceeded.
func tableSize(n int) int {
	capacity := 16
	for n > capacity/4*3 {
		capacity *= 2
	}
	return capacity
}

// bucket is the place of a name in the table: String.hashCode over UTF-16 units, its upper half mixed into the lower.
func bucket(name string, capacity int) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return (h ^ h>>16) & uint32(capacity-1)
}
