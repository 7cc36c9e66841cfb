package assignment

import (
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/connect/stores"
)

// instance is the task number under which a connector's own instance stands among tasks, here and in an assignment's bytes.
const instance = -1

// kind tells connectors from tasks, which the assignors balance independently of each other.
type kind int

const (
	connectors kind = iota
	tasks
	kinds
)

func kindOf(id stores.TaskID) kind {
	if id.Task == instance {
		return connectors
	}
	return tasks
}

// set is a set of connectors and tasks.
type set map[stores.TaskID]struct{}

func setOf(w Work) set {
	s := make(set, w.Size())
	for id := range w.items() {
		s.add(id)
	}
	return s
}

func (s set) add(id stores.TaskID) { s[id] = struct{}{} }

func (s set) has(id stores.TaskID) bool {
	_, in := s[id]
	return in
}

func (s set) addAll(other set) { maps.Copy(s, other) }

func (s set) addEach(ids []stores.TaskID) {
	for _, id := range ids {
		s.add(id)
	}
}

func (s set) minus(others ...set) set {
	rest := set{}
	for id := range s {
		if !slices.ContainsFunc(others, func(o set) bool { return o.has(id) }) {
			rest.add(id)
		}
	}
	return rest
}

// meets reports that something is in both.
func (s set) meets(other set) bool {
	for id := range s {
		if other.has(id) {
			return true
		}
	}
	return false
}

// sorted lists what the set has of a kind in natural order.
func (s set) sorted(k kind) []stores.TaskID {
	var ids []stores.TaskID
	for id := range s {
		if kindOf(id) == k {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, byName)
	return ids
}

// count is the number of members of a kind.
func (s set) count(k kind) int {
	n := 0
	for id := range s {
		if kindOf(id) == k {
			n++
		}
	}
	return n
}

// items lists the work as members of a set, connectors first.
func (w Work) items() func(yield func(stores.TaskID) bool) {
	return func(yield func(stores.TaskID) bool) {
		for _, name := range w.Connectors {
			if !yield(stores.TaskID{Connector: name, Task: instance}) {
				return
			}
		}
		for _, id := range w.Tasks {
			if !yield(id) {
				return
			}
		}
	}
}

// workOf is the reverse of items.
func workOf(ids []stores.TaskID) Work {
	var w Work
	for _, id := range ids {
		if kindOf(id) == connectors {
			w.Connectors = append(w.Connectors, id.Connector)
		} else {
			w.Tasks = append(w.Tasks, id)
		}
	}
	return w
}
