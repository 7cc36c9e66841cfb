package stores

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/javahash"
)

// hashOrder returns the members in the order in which a java.util.HashMap that was filled in the given order would list them. Connect's
// keys on the offsets topic are compared as bytes, and most connectors hand in such a map, so this order is part of the format.
func hashOrder(members []connect.Attr) []connect.Attr {
	ordered := slices.Clone(members)
	javahash.Sort(ordered, func(m connect.Attr) string { return m.Name })
	return ordered
}
