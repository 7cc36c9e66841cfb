package herder

import (
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/worker"
)

// reporter writes what the worker's connectors and tasks say of themselves to the status store; it is the worker's StatusSink.
type reporter struct{ h *Herder }

var _ worker.TopicTracker = reporter{}

// ConnectorStatus implements worker.StatusSink.
func (r reporter) ConnectorStatus(name string, state stores.State, trace, version string) {
	exists := r.h.configs.Snapshot().Contains(name)
	r.report(stores.ConnectorInstance(name), exists, state, trace, version)
}

// TaskStatus implements worker.StatusSink.
func (r reporter) TaskStatus(id stores.TaskID, state stores.State, trace, version string) {
	snapshot := r.h.configs.Snapshot()
	exists := snapshot.Contains(id.Connector) && id.Task < snapshot.TaskCount(id.Connector)
	r.report(stores.TaskInstance(id), exists, state, trace, version)
}

// report writes a status. What belongs to nothing any more is removed instead: a task that ends after its connector was deleted must not leave
// a status behind.
func (r reporter) report(i stores.Instance, exists bool, state stores.State, trace, version string) {
	status := stores.Status{
		State: state, Trace: trace, WorkerID: r.h.WorkerID, Generation: r.h.Membership.Standing().Generation, Version: version,
	}
	if exists {
		r.h.words.note(i, status)
	} else {
		r.h.words.forget(i)
	}
	switch {
	case !exists:
		r.h.Statuses.Delete(i)
	case state == stores.StateFailed || state == stores.StateUnassigned:
		r.h.Statuses.PutSafe(i, status)
	default:
		r.h.Statuses.Put(i, status)
	}
}
