package assignment

import (
	"slices"

	"github.com/sluice-connect/sluice/connect/stores"
)

// RoundRobin divides all work among the members, as the leader of an [Eager] group does: connectors by name and then tasks by connector
// and number, one each to the members by id, round and round. Every member is in the answer. (EagerAssignor)
func RoundRobin(configured Work, members []string) map[string]Work {
	turns := slices.Sorted(slices.Values(members))
	hands := make([][]stores.TaskID, len(turns))
	if len(turns) > 0 {
		turn := 0
		for id := range configured.Sorted().items() {
			hands[turn] = append(hands[turn], id)
			turn = (turn + 1) % len(turns)
		}
	}
	shares := make(map[string]Work, len(turns))
	for i, member := range turns {
		shares[member] = workOf(hands[i])
	}
	return shares
}
