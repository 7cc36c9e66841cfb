package assignment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Work is a choice of connectors and tasks: what is configured, what a worker holds, what it is to start or to stop. The zero Work is
// none. A connector's own instance and its tasks are independent of each other: different workers may run them.
type Work struct {
	Connectors []string
	Tasks      []stores.TaskID
}

// Empty reports that there is neither a connector nor a task.
func (w Work) Empty() bool { return len(w.Connectors) == 0 && len(w.Tasks) == 0 }

// Size is the number of connectors and tasks together.
func (w Work) Size() int { return len(w.Connectors) + len(w.Tasks) }

// Plus is w followed by what other has beyond it; nothing stands in it twice.
func (w Work) Plus(other Work) Work {
	return Work{without(nil, w.Connectors, other.Connectors), without(nil, w.Tasks, other.Tasks)}
}

// Minus is w, in its order, less what is in other; nothing stands in it twice.
func (w Work) Minus(other Work) Work {
	return Work{without(other.Connectors, w.Connectors), without(other.Tasks, w.Tasks)}
}

// distinct is w with nothing in it twice.
func (w Work) distinct() Work { return w.Plus(Work{}) }

// Sorted is w in natural order: connectors by name; tasks by connector, then number.
func (w Work) Sorted() Work {
	sorted := Work{slices.Clone(w.Connectors), slices.Clone(w.Tasks)}
	slices.Sort(sorted.Connectors)
	slices.SortFunc(sorted.Tasks, byName)
	return sorted
}

func byName(a, b stores.TaskID) int {
	return cmp.Or(strings.Compare(a.Connector, b.Connector), cmp.Compare(a.Task, b.Task))
}

// without joins the lists, leaving out what is excluded or has occurred before.
func without[T comparable](excluded []T, lists ...[]T) []T {
	size := len(excluded)
	for _, list := range lists {
		size += len(list)
	}
	seen := make(map[T]struct{}, size)
	for _, item := range excluded {
		seen[item] = struct{}{}
	}
	var kept []T
	for _, list := range lists {
		for _, item := range list {
			if _, known := seen[item]; !known {
				seen[item] = struct{}{}
				kept = append(kept, item)
			}
		}
	}
	return kept
}
