// Package worker runs connectors and tasks. It knows no cluster and decides nothing: the herder tells it what is to run ([Worker.Apply]), it
// converges, each connector and task on goroutines of its own, and says what became of them through [StatusSink].
package worker

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/restart"
	"github.com/sluice-connect/sluice/connect/validation"
)

// Settings are what all tasks of a worker share. They do not change in its life.
type Settings struct {
	// OffsetFlushInterval is how often source offsets are stored and sink offsets committed (offset.flush.interval.ms).
	OffsetFlushInterval time.Duration
	// OffsetFlushTimeout bounds one such flush (offset.flush.timeout.ms).
	OffsetFlushTimeout time.Duration
	// GracefulShutdown bounds the stop of a connector or task (task.shutdown.graceful.timeout.ms).
	GracefulShutdown time.Duration
	// Properties are the worker's own, from which tasks inherit converters and clients.
	Properties map[string]string
	// GroupID is the worker's group, by which producers of transactions are named; "" for a worker without others.
	GroupID string
	// ExactlyOnce has sources write records and offsets in one transaction (exactly.once.source.support=enabled).
	ExactlyOnce bool
	// Clients are the properties of the worker's own clients; admin.* and admin.override.* come over these in admin clients of tasks.
	Clients map[string]string
	// OverridePolicy is which settings of their clients connectors may bring.
	OverridePolicy validation.OverridePolicy
	// Providers resolve what connectors' configurations refer to; nil resolves nothing.
	Providers *configproviders.Providers
	// Secrets are values in Properties that must not be shown.
	Secrets redaction.Values
	// Sampling is over what time rates, averages and maxima of metrics are taken.
	Sampling metrics.Sampling
	// Gate holds back what tasks write to Kafka while this worker has no lease on its work; nil is one that is always open.
	Gate *kafkaclient.Gate
}

// property is one of the worker's own.
func (s *Settings) property(key, otherwise string) string {
	if value := s.Properties[key]; value != "" {
		return value
	}
	return otherwise
}

// Assignment is all that is to run in this worker.
type Assignment struct {
	Connectors []ConnectorSpec
	Tasks      []TaskSpec
}

// ConnectorSpec is one connector to run.
type ConnectorSpec struct {
	Name     string
	Config   connect.Config
	Revision int64 // changes with Config
	Target   TargetState
	// Wishes changes each time that somebody has asked for a target, which may be the one of before: then it was another in between, perhaps one that has
	// no tasks, and the connector divides its work again.
	Wishes int64
}

// TaskSpec is one task to run.
type TaskSpec struct {
	ID        TaskID
	Connector connect.Config // of the connector, for the framework's keys
	Config    connect.Config // of the task
	Revision  int64          // changes with either
	Target    TargetState
	// Generation is that of the connector's task configurations, for [Fencing].
	Generation int
}

// Worker runs what it is assigned. Its methods may be called from any goroutine and return at once, but for Close.
type Worker struct {
	settings *Settings
	catalog  *catalog.Catalog
	offsets  *OffsetStores
	statuses StatusSink
	plan     Plan
	fencing  Fencing
	log      *slog.Logger
	metrics  *Metrics
	gate     *kafkaclient.Gate

	mu         sync.Mutex
	closed     bool
	connectors map[string]*unit[ConnectorSpec]
	tasks      map[TaskID]*unit[TaskSpec]
}

// Plan takes the tasks into which a connector divides its work and returns when they are written. It is called on that connector's goroutine;
// ctx ends with the connector's life.
type Plan func(ctx context.Context, connector string, tasks []connect.Config)

// New returns a worker that runs nothing yet. fencing is asked where the settings are exactly-once.
func New(settings *Settings, classes *catalog.Catalog, offsets *OffsetStores, statuses StatusSink,
	plan Plan, fencing Fencing, log *slog.Logger) *Worker {
	gate := settings.Gate
	if gate == nil {
		gate = new(kafkaclient.Gate)
	}
	return &Worker{
		gate: gate, settings: settings, catalog: classes, offsets: offsets, statuses: statuses, plan: plan, fencing: fencing, log: log, metrics: newMetrics(settings.Sampling),
		connectors: map[string]*unit[ConnectorSpec]{}, tasks: map[TaskID]*unit[TaskSpec]{},
	}
}

// connectorStatus publishes a status.
func (w *Worker) connectorStatus(name string, m *connectorMetrics, state State, trace, version string) {
	m.noted(state, version)
	w.statuses.ConnectorStatus(name, state, trace, version)
}

// taskStatus publishes a status.
func (w *Worker) taskStatus(id TaskID, m *taskMetrics, state State, trace, version string) {
	m.state.change(state, time.Now())
	w.statuses.TaskStatus(id, state, trace, version)
}

// Metrics counts what the worker's tasks do.
func (w *Worker) Metrics() *Metrics { return w.metrics }

// Apply says what is to run from now on. What is not named is stopped, what is new is started, what has another revision is restarted.
func (w *Worker) Apply(a Assignment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	connectors := make(map[string]bool, len(a.Connectors))
	for _, spec := range a.Connectors {
		connectors[spec.Name] = true
		place(w.connectors, spec.Name, spec, spec.Revision, wish{spec.Target, spec.Wishes}, w.newConnector)
	}
	tasks := make(map[TaskID]bool, len(a.Tasks))
	for _, spec := range a.Tasks {
		tasks[spec.ID] = true
		place(w.tasks, spec.ID, spec, spec.Revision, wish{target: spec.Target}, w.newTask)
	}
	removeOthers(w.connectors, connectors)
	removeOthers(w.tasks, tasks)
}

// place tells a unit what is wanted, a new one where there is none.
func place[K comparable, S any](units map[K]*unit[S], key K, spec S, rev int64, wish wish, make func(S) *unit[S]) {
	if u, ok := units[key]; ok && u.set(func(w *wanted[S]) {
		w.spec, w.revision.spec, w.wish, w.remove = spec, rev, wish, false
	}) {
		return
	}
	u := make(spec)
	units[key] = u
	u.launch(wanted[S]{spec: spec, revision: revision{spec: rev}, wish: wish})
}

func removeOthers[K comparable, S any](units map[K]*unit[S], keep map[K]bool) {
	for key, u := range units {
		if !keep[key] {
			u.set(func(w *wanted[S]) { w.remove = true })
		}
	}
}

func (w *Worker) newConnector(spec ConnectorSpec) *unit[ConnectorSpec] {
	u := &unit[ConnectorSpec]{
		log: w.log.With("connector", spec.Name), grace: w.settings.GracefulShutdown, start: w.startConnector,
		metrics: w.metrics.restarts(spec.Name, ""),
	}
	u.policy = func(spec ConnectorSpec) restart.Policy { return w.restartPolicy(u.log, spec.Config) }
	measured := w.metrics.connector(spec.Name)
	u.say = func(state State, trace, version string) {
		w.connectorStatus(spec.Name, measured, state, trace, version)
	}
	u.gone = func() {
		forget(w, w.connectors, spec.Name, u, func() { w.metrics.forgetConnector(spec.Name); u.metrics.forget() })
	}
	return u
}

func (w *Worker) newTask(spec TaskSpec) *unit[TaskSpec] {
	u := &unit[TaskSpec]{
		log: w.taskLog(spec.ID), grace: w.settings.GracefulShutdown, start: w.startTask,
		metrics: w.metrics.restarts(spec.ID.Connector, strconv.Itoa(spec.ID.Task)),
	}
	u.policy = func(spec TaskSpec) restart.Policy { return w.restartPolicy(u.log, spec.Connector) }
	measured := w.metrics.task(spec.ID)
	u.say = func(state State, trace, version string) { w.taskStatus(spec.ID, measured, state, trace, version) }
	u.gone = func() { forget(w, w.tasks, spec.ID, u, func() { w.metrics.forgetTask(spec.ID); u.metrics.forget() }) }
	return u
}

// restartPolicy is that of a connector, for its tasks too. One that cannot be read, because the configuration was never validated, restarts nothing.
func (w *Worker) restartPolicy(log *slog.Logger, connector connect.Config) restart.Policy {
	p, err := restart.Parse(connector, w.settings.Properties)
	if err != nil {
		log.Warn("there are no restarts after failures: the policy cannot be read", "error", err)
	}
	return p
}

// forget drops a unit that has ended, and calls then, unless another has taken its place.
func forget[K comparable, S any](w *Worker, units map[K]*unit[S], key K, u *unit[S], then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if units[key] == u {
		delete(units, key)
		then()
	}
}

// RestartConnector starts a connector's instance anew; its tasks go on. It reports whether the connector is here.
func (w *Worker) RestartConnector(name string) bool { return startAnew(w, w.connectors, name) }

// RestartTask starts a task anew. It reports whether the task is here.
func (w *Worker) RestartTask(id TaskID) bool { return startAnew(w, w.tasks, id) }

func startAnew[K comparable, S any](w *Worker, units map[K]*unit[S], key K) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := units[key]
	return ok && u.set(func(want *wanted[S]) { want.revision.restarts++ })
}

// Released waits until nothing runs here any more that the last Apply has taken away, or until ctx ends. What does not stop in
// task.shutdown.graceful.timeout.ms is cut off and waited for no longer.
func (w *Worker) Released(ctx context.Context) error {
	w.mu.Lock()
	removals := slices.Concat(removals(w.connectors), removals(w.tasks))
	w.mu.Unlock()
	for _, over := range removals {
		select {
		case <-over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func removals[K comparable, S any](units map[K]*unit[S]) (all []<-chan struct{}) {
	for _, u := range units {
		if over := u.removal(); over != nil {
			all = append(all, over)
		}
	}
	return all
}

// Close stops everything and waits for it: each connector and task gets task.shutdown.graceful.timeout.ms, all at once. ctx may cut that short.
func (w *Worker) Close(ctx context.Context) {
	w.mu.Lock()
	w.closed = true
	var ended []<-chan struct{}
	for _, u := range w.connectors {
		ended = append(ended, u.ended)
	}
	for _, u := range w.tasks {
		ended = append(ended, u.ended)
	}
	removeOthers(w.connectors, nil)
	removeOthers(w.tasks, nil)
	w.mu.Unlock()
	for _, e := range ended {
		select {
		case <-e:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) taskLog(id TaskID) *slog.Logger {
	return w.log.With("connector", id.Connector, "task", id.Task)
}
