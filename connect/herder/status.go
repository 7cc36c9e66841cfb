package herder

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Status is the status of a connector and its tasks.
func (h *Herder) Status(ctx context.Context, name string) (*ConnectorStateInfo, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	info := h.status(name)
	if info == nil {
		return nil, unknownConnector("No status found for connector %s", name)
	}
	return info, nil
}

// TaskStatus is the status of one task.
func (h *Herder) TaskStatus(ctx context.Context, name string, task int) (*TaskState, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	i := stores.Instance{Connector: name, Task: task}
	s, ok := h.Statuses.Get(i)
	if !ok || task < 0 { // below 0 stands the connector
		return nil, &NotFoundError{Message: fmt.Sprintf("No status found for task %s-%d", name, task)}
	}
	state := taskState(task, h.words.over(i, s))
	return &state, nil
}

// status is nil where there is none.
func (h *Herder) status(name string) *ConnectorStateInfo {
	s, ok := h.Statuses.Get(stores.ConnectorInstance(name))
	if !ok {
		return nil
	}
	info := &ConnectorStateInfo{
		Name:      name,
		Connector: ConnectorState{State: string(s.State), WorkerID: s.WorkerID, Trace: s.Trace, Version: version(s)},
		Tasks:     []TaskState{},
		Type:      h.Catalog.TypeOf(h.configs.Snapshot().Connector(name)["connector.class"]),
	}
	tasks := h.Statuses.Tasks(name)
	for _, n := range slices.Sorted(maps.Keys(tasks)) {
		info.Tasks = append(info.Tasks, taskState(n, h.words.over(stores.Instance{Connector: name, Task: n}, tasks[n])))
	}
	return info
}

func taskState(n int, s stores.Status) TaskState {
	return TaskState{ID: n, State: string(s.State), WorkerID: s.WorkerID, Trace: s.Trace, Version: version(s)}
}

func version(s stores.Status) *string {
	if s.Version == "" {
		return nil
	}
	return &s.Version
}

// forget removes the statuses of a connector that was deleted.
func (h *Herder) forget(name string) {
	for n := range h.Statuses.Tasks(name) {
		h.Statuses.Delete(stores.Instance{Connector: name, Task: n})
	}
	h.Statuses.Delete(stores.ConnectorInstance(name))
	h.forgetTopics(name)
}

// sweep removes statuses of connectors and tasks that no longer exist: of tasks after their number has shrunk, and of what was deleted while no
// worker ran. For the leader, once the configuration is read (storage-formats: cleanup after each rebalance).
func (h *Herder) sweep(state *stores.ConfigState) {
	for _, i := range h.Statuses.Instances() {
		gone := !state.Contains(i.Connector)
		if i.Task != stores.WholeConnector && i.Task >= state.TaskCount(i.Connector) {
			gone = true
		}
		if gone {
			h.Statuses.Delete(i)
		}
	}
	for _, name := range h.Statuses.TopicUsers() {
		if !state.Contains(name) {
			h.forgetTopics(name)
		}
	}
}
