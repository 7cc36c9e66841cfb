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
	calls   chan func()   // of the membership
	settled chan struct{} // closed after the first assignment

	mu   sync.Mutex
	news []stores.ConfigEvent // bounded by the config topic's pace: looking at it takes no time
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
	wishes     int64 // of a connector: how often its target was changed
}

func newMind(h *Herder) *mind {
	return &mind{
		h: h, calls: make(chan func()), settled: make(chan struct{}), wake: make(chan struct{}, 1),
		connectors: map[string]numbered{}, tasks: map[stores.TaskID]numbered{},
	}
}

// tell hands news over; it returns at once.
func (m *mind) tell(e stores.ConfigEvent) {
	m.mu.Lock()
	m.news = append(m.news, e)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mind) run(ctx context.Context) {
	for {
		select {
		case <-m.wake:
			m.hear()
		case call := <-m.calls:
			call()
		case <-ctx.Done():
			return
		}
	}
}

// hear looks at the news: once at the configuration, which holds the sum of it, and then at each event for what is not in there.
func (m *mind) hear() {
	m.mu.Lock()
	news := m.news
	m.news = nil
	m.mu.Unlock()
	for _, e := range news {
		m.passing(e)
	}
	m.Apply()
	restarts := strongest(news)
	for _, e := range news {
		switch e := e.(type) {
		case stores.RestartRequested:
			if request, due := restarts[e.Request.Connector]; due {
				delete(restarts, e.Request.Connector)
				m.restart(request)
			}
		case stores.ConnectorRemoved:
			m.h.forget(e.Connector)
		case stores.TasksChanged:
			if m.h.Peers == nil { // no round will end, after which the leader sweeps; and a task that hangs does not say that it has ended
				m.h.sweep(m.State())
			}
		case stores.SessionKeyChanged:
			m.h.keys.check()
		case stores.LoggerLevelChanged:
			if m.h.Logs != nil {
				m.h.Logs(e.Namespace, e.Level)
			}
		}
		m.h.Membership.Heard(e)
	}
}

// passing notes what may be over by the time of the look at the configuration: a connector that was stopped, or deleted, and is there as before. Its
// tasks are gone, and whoever runs it is to divide its work again (DistributedHerder.processTargetStateChanges does so for each change of a state).
func (m *mind) passing(e stores.ConfigEvent) {
	switch e := e.(type) {
	case stores.TargetStateChanged:
		if n, here := m.connectors[e.Connector]; here {
			n.wishes++
			m.connectors[e.Connector] = n
		}
	case stores.ConnectorRemoved:
		delete(m.connectors, e.Connector)
		maps.DeleteFunc(m.tasks, func(id stores.TaskID, _ numbered) bool { return id.Connector == e.Connector })
	}
}

// strongest are the restarts among the news: of several for a connector the one of highest impact, the first of equals, stands for all
// (DistributedHerder.ConfigUpdateListener.onRestartRequest).
func strongest(news []stores.ConfigEvent) map[string]stores.RestartRequest {
	requests := map[string]stores.RestartRequest{}
	for _, e := range news {
		e, asked := e.(stores.RestartRequested)
		if !asked {
			continue
		}
		if other, twice := requests[e.Request.Connector]; !twice || e.Request.Impact() > other.Impact() {
			requests[e.Request.Connector] = e.Request
		}
	}
	return requests
}

// Do implements [Mind].
func (m *mind) Do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case m.calls <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.h.ended.Done():
		return context.Cause(m.h.ended)
	}
}

// State implements [Mind].
func (m *mind) State() *stores.ConfigState { return m.h.configs.Snapshot() }

// CatchUp implements [Mind].
func (m *mind) CatchUp(ctx context.Context) error { return m.h.configs.Refresh(ctx) }

// Released implements [Mind].
func (m *mind) Released(ctx context.Context) error { return m.h.worker.Released(ctx) }

// FlushStatuses implements [Mind].
func (m *mind) FlushStatuses(ctx context.Context) error { return m.h.Statuses.Flush(ctx) }

// Assigned implements [Mind].
func (m *mind) Assigned() {
	m.Apply()
	if m.h.Membership.Standing().Leads {
		m.h.claim()
		m.h.sweep(m.State())
	}
	m.h.keys.check()
	select {
	case <-m.settled:
	default:
		close(m.settled)
	}
}

// Apply implements [Mind].
func (m *mind) Apply() {
	state := m.State()
	connectors, tasks := m.h.Membership.Share(state)
	var a worker.Assignment
	known := make(map[string]numbered, len(connectors))
	for _, name := range connectors {
		config := state.Connector(name)
		n := m.connectors[name]
		if n.revision == 0 || !maps.Equal(n.config, config) {
			m.revision++
			n = numbered{config: config, revision: m.revision, wishes: n.wishes}
		}
		known[name] = n
		target, _ := state.Target(name)
		a.Connectors = append(a.Connectors, worker.ConnectorSpec{Name: name, Config: config, Revision: n.revision, Target: target, Wishes: n.wishes})
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
		a.Tasks = append(a.Tasks, worker.TaskSpec{
			ID: id, Connector: n.connector, Config: config, Revision: n.revision, Target: target, Generation: generation,
		})
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
	if _, here := m.connectors[r.Connector]; here && plan.connector {
		m.h.restarting(stores.ConnectorInstance(r.Connector))
		m.h.worker.RestartConnector(r.Connector)
	}
	for _, task := range plan.tasks {
		id := stores.TaskID{Connector: r.Connector, Task: task}
		if _, here := m.tasks[id]; here {
			m.h.restarting(stores.TaskInstance(id))
			m.h.worker.RestartTask(id)
		}
	}
}
