package assignment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/javahash"
	"github.com/sluice-connect/sluice/connect/stores"
)

// load is a member's share of the work while a round makes it.
type load struct {
	member  string
	keeps   [kinds][]stores.TaskID // in the order in which the member listed it, what it is given at the end
	given   []stores.TaskID        // the new part of keeps
	revoked []stores.TaskID
	surplus []stores.TaskID // what balance would take from it
}

// loadsOf are the members' loads in the order in which Java would visit them.
func loadsOf(members []Member) []*load {
	loads := make([]*load, 0, len(members))
	for _, m := range members {
		l := &load{member: m.ID}
		for id := range m.Held.distinct().items() {
			l.keeps[kindOf(id)] = append(l.keeps[kindOf(id)], id)
		}
		loads = append(loads, l)
	}
	javahash.Sort(loads, (*load).name)
	return loads
}

func (l *load) name() string { return l.member }

func (l *load) empty() bool { return len(l.keeps[connectors]) == 0 && len(l.keeps[tasks]) == 0 }

func (l *load) give(id stores.TaskID) {
	l.keeps[kindOf(id)] = append(l.keeps[kindOf(id)], id)
	l.given = append(l.given, id)
}

// revoke takes away what is in the set, also what the round has just given: as in Java the member is then told to stop what it never
// had, and the next round assigns that anew.
func (l *load) revoke(taken set) {
	l.given = slices.DeleteFunc(l.given, taken.has)
	for k := range l.keeps {
		l.keeps[k] = slices.DeleteFunc(l.keeps[k], func(id stores.TaskID) bool {
			if taken.has(id) {
				l.revoked = append(l.revoked, id)
				return true
			}
			return false
		})
	}
}

// revokeSurplus takes away what balance asked for.
func (l *load) revokeSurplus() {
	taken := make(set, len(l.surplus))
	taken.addEach(l.surplus)
	l.revoke(taken)
}

func (l *load) share() Share {
	return Share{
		New:     workOf(l.given),
		Revoked: workOf(l.revoked),
		Keeps:   workOf(slices.Concat(l.keeps[connectors], l.keeps[tasks])),
	}
}

// distribute gives each item to one of the members that have the fewest of its kind, ties by member id: level by level, always to
// all members of the lowest level before the next. It sorts the loads.
// (IncrementalCooperativeAssignor.assignConnectors, assignTasks)
func distribute(items []stores.TaskID, k kind, loads []*load) {
	slices.SortFunc(loads, func(a, b *load) int {
		return cmp.Or(cmp.Compare(len(a.keeps[k]), len(b.keeps[k])), strings.Compare(a.member, b.member))
	})
	for len(items) > 0 {
		lowest := len(loads[0].keeps[k])
		for _, l := range loads {
			if len(l.keeps[k]) > lowest || len(items) == 0 {
				break
			}
			l.give(items[0])
			items = items[1:]
		}
	}
}
