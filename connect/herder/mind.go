package herder

import (
	"context"
	"maps"
	"sync"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/worker"
)

// mind is the goroutine that decides what runs here. News comes in, an assignment goes out; nothing it does can block.
type mind struct {
	h       *Herder
	applied chan struct{} // closed after the first assignment

	mu   sync.Mutex
	news []stores.ConfigEvent // bounded by what the config topic says: a change that is not looked at yet needs no second look
	wake chan struct{}        // capacity 1

	revision   int64 // the last one given out
	connectors map[string]numbered
	tasks      map[stores.TaskID]numbered
}

// numbered is a configuration that the worker was given, and its number there.
type numbered struct {
	config     connect.Config
	connector  connect.Config // of a task: its connector's
	generation int
	revision   int64
}

func newMind(h *Herder) *mind {
	return &mind{
		h: h, applied: make(chan struct{}), wake: make(chan struct{}, 1),
		connectors: map[string]numbered{}, tasks: map[stores.TaskID]numbered{},
	}
}

// tell hands news over; it returns at once. All changes of configuration are one and the same news, because the mind looks at the
// whole of it; only requests for restarts are kept one by one.
func (m *mind) tell(e stores.ConfigEvent) {
	m.mu.Lock()
	switch e.(type) {
	case stores.RestartRequested, stores.ConnectorRemoved:
		m.news = append(m.news, e)
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mind) run(ctx context.Context) {
	m.apply()
	close(m.applied)
	for {
		select {
		case <-m.wake:
			m.mu.Lock()
			news := m.news
			m.news = nil
			m.mu.Unlock()
			m.apply()
			for _, e := range news {
				m.act(e)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (m *mind) act(e stores.ConfigEvent) {
	switch e := e.(type) {
	case stores.RestartRequested:
		m.restart(e.Request)
	case stores.ConnectorRemoved:
		m.h.forget(e.Connector)
	}
}

// apply computes what is to run here and tells the worker.
func (m *mind) apply() {
	state := m.h.configs.Snapshot()
	connectors, tasks := m.h.Membership.Share(state)
	var a worker.Assignment
	known := make(map[string]numbered, len(connectors))
	for _, name := range connectors {
		config := state.Connector(name)
		n := m.connectors[name]
		if n.revision == 0 || !maps.Equal(n.config, config) {
			m.revision++
			n = numbered{config: config, revision: m.revision}
		}
		known[name] = n
		target, _ := state.Target(name)
		a.Connectors = append(a.Connectors, worker.ConnectorSpec{Name: name, Config: config, Revision: n.revision, Target: target})
	}
	knownTasks := make(map[stores.TaskID]numbered, len(tasks))
	for _, id := range tasks {
		config, connector, generation := state.Task(id), state.Connector(id.Connector), state.Generation(id.Connector)
		n := m.tasks[id]
		if n.revision == 0 || n.generation != generation || !maps.Equal(n.config, config) {
			m.revision++
			n = numbered{config: config, connector: connector, generation: generation, revision: m.revision}
		}
		knownTasks[id] = n
		target, _ := state.Target(id.Connector)
		a.Tasks = append(a.Tasks, worker.TaskSpec{ID: id, Connector: n.connector, Config: config, Revision: n.revision, Target: target})
	}
	m.connectors, m.tasks = known, knownTasks
	m.h.worker.Apply(a)
}

// restart restarts this worker's share of what was asked for.
func (m *mind) restart(r stores.RestartRequest) {
	plan := m.h.restartPlan(r)
	if plan == nil {
		return
	}
	if plan.connector {
		m.h.restarting(stores.ConnectorInstance(r.Connector))
		m.h.worker.RestartConnector(r.Connector)
	}
	for _, task := range plan.tasks {
		id := stores.TaskID{Connector: r.Connector, Task: task}
		m.h.restarting(stores.TaskInstance(id))
		m.h.worker.RestartTask(id)
	}
}
