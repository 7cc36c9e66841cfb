package herder

import (
	"context"
	"sync"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Alone is the membership of a worker without a group: all work is its own.
type Alone struct {
	url        string
	generation func() int
}

// NewAlone returns the membership of a worker at url. Its generation is one more than any that the status store has when it is first asked for, so
// that what this worker says counts as newer than what a worker before it said.
func NewAlone(url string, statuses *stores.StatusStore) *Alone {
	return &Alone{url: url, generation: sync.OnceValue(func() int {
		last := 0
		for _, i := range statuses.Instances() {
			if s, ok := statuses.Get(i); ok {
				last = max(last, s.Generation)
			}
		}
		return last + 1
	})}
}

// Run implements [Membership].
func (a *Alone) Run(ctx context.Context, m Mind) error {
	if err := m.Do(ctx, m.Assigned); err != nil {
		return nil // ended before it began
	}
	<-ctx.Done()
	return nil
}

// Share implements [Membership].
func (a *Alone) Share(state *stores.ConfigState) (connectors []string, tasks []stores.TaskID) {
	connectors = state.Connectors()
	for _, name := range connectors {
		tasks = append(tasks, state.Tasks(name)...)
	}
	return connectors, tasks
}

// Heard implements [Membership].
func (a *Alone) Heard(stores.ConfigEvent) {}

// Standing implements [Membership].
func (a *Alone) Standing() Standing {
	return Standing{Generation: a.generation(), Leads: true, LeaderURL: a.url}
}

// InternalTopics implements [Membership].
func (a *Alone) InternalTopics() *InternalTopics { return nil }

// Overview implements [Membership].
func (a *Alone) Overview() *ClusterInfo { return nil }
