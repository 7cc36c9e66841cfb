package worker

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect/metrics"
)

// Metrics are of all that a worker runs. It is a prometheus.Collector: Kafka Connect's own metrics (org.apache.kafka.connect.runtime.ConnectMetricsRegistry)
// under the names that jmx_exporter gives them in lower case, and what Java does not have under sluice_. What is measured on the way of records is measured once a
// batch. Series live as long as the connector or the task is here.
type Metrics struct {
	sampling                    metrics.Sampling
	recoveries                  recoveryCounters
	connectorStarts, taskStarts outcomes
	in, out                     atomic.Int64

	mu         sync.Mutex
	connectors map[string]*connectorMetrics
	tasks      map[TaskID]*taskMetrics
}

func newMetrics(s metrics.Sampling) *Metrics {
	return &Metrics{
		sampling: s, recoveries: newRecoveryCounters(taskLabels), connectorStarts: newOutcomes(s), taskStarts: newOutcomes(s),
		connectors: map[string]*connectorMetrics{}, tasks: map[TaskID]*taskMetrics{},
	}
}

var taskLabels = []string{"connector", "task"}

// tally counts. It is safe for concurrent use.
type tally struct{ n atomic.Int64 }

func (t *tally) Inc()           { t.n.Add(1) }
func (t *tally) Add(n int)      { t.n.Add(int64(n)) }
func (t *tally) total() float64 { return float64(t.n.Load()) }

// outcomes are of something that succeeds or fails.
type outcomes struct{ good, bad *metrics.Sensor }

func newOutcomes(s metrics.Sampling) outcomes {
	return outcomes{metrics.NewSensor(s), metrics.NewSensor(s)}
}

func (o *outcomes) note(good bool) {
	one, other := o.good, o.bad
	if !good {
		one, other = other, one
	}
	one.Record(1)
	other.Record(0)
}

// connector are the metrics of a connector, from now on until it is forgotten.
func (m *Metrics) connector(name string) *connectorMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.connectors[name] == nil {
		m.connectors[name] = &connectorMetrics{}
	}
	return m.connectors[name]
}

// task are the metrics of a task, from now on until it is forgotten.
func (m *Metrics) task(id TaskID) *taskMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tasks[id] == nil {
		m.tasks[id] = newTaskMetrics(m.sampling)
	}
	return m.tasks[id]
}

func (m *Metrics) forgetConnector(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.connectors, name)
}

func (m *Metrics) forgetTask(id TaskID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tasks, id)
}

// Totals returns how many records all tasks together have brought into Kafka and carried out of it.
func (m *Metrics) Totals() (in, out int64) { return m.in.Load(), m.out.Load() }

var workerFamily = metrics.NewFamily[*Metrics]("kafka_connect_connect_worker_metrics_").
	Gauge("connector_count", "Connectors that run in this worker.",
		func(m *Metrics, _ time.Time) float64 { return m.count(func() int { return len(m.connectors) }) }).
	Gauge("task_count", "Tasks that run in this worker.", func(m *Metrics, _ time.Time) float64 { return m.count(func() int { return len(m.tasks) }) }).
	Counter("connector_startup_attempts_total", "Starts of connectors.", func(m *Metrics) float64 { return m.connectorStarts.good.Count() }).
	Counter("connector_startup_success_total", "Starts of connectors that succeeded.",
		func(m *Metrics) float64 { return m.connectorStarts.good.Total() }).
	Gauge("connector_startup_success_percentage", "Which part of the starts succeeded lately, from 0 to 1.",
		func(m *Metrics, now time.Time) float64 { return m.connectorStarts.good.Share(now) }).
	Counter("connector_startup_failure_total", "Starts of connectors that failed.", func(m *Metrics) float64 { return m.connectorStarts.bad.Total() }).
	Gauge("connector_startup_failure_percentage", "Which part of the starts failed lately, from 0 to 1.",
		func(m *Metrics, now time.Time) float64 { return m.connectorStarts.bad.Share(now) }).
	Counter("task_startup_attempts_total", "Starts of tasks.", func(m *Metrics) float64 { return m.taskStarts.good.Count() }).
	Counter("task_startup_success_total", "Starts of tasks that succeeded.", func(m *Metrics) float64 { return m.taskStarts.good.Total() }).
	Gauge("task_startup_success_percentage", "Which part of the starts succeeded lately, from 0 to 1.",
		func(m *Metrics, now time.Time) float64 { return m.taskStarts.good.Share(now) }).
	Counter("task_startup_failure_total", "Starts of tasks that failed.", func(m *Metrics) float64 { return m.taskStarts.bad.Total() }).
	Gauge("task_startup_failure_percentage", "Which part of the starts failed lately, from 0 to 1.",
		func(m *Metrics, now time.Time) float64 { return m.taskStarts.bad.Share(now) })

func (m *Metrics) count(of func() int) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return float64(of())
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	workerFamily.Describe(ch)
	taskCountFamily.Describe(ch)
	connectorFamily.Describe(ch)
	describeTasks(ch)
	m.recoveries.attempts.Describe(ch)
	m.recoveries.due.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	m.mu.Lock()
	connectors, tasks := maps.Clone(m.connectors), maps.Clone(m.tasks)
	m.mu.Unlock()
	workerFamily.Collect(ch, now, m)
	counts := map[string]taskCounts{}
	for id, t := range tasks {
		if counts[id.Connector] == nil {
			counts[id.Connector] = taskCounts{}
		}
		counts[id.Connector][t.state.now()]++
		t.collect(ch, now, id.Connector, strconv.Itoa(id.Task))
	}
	for name, of := range counts {
		taskCountFamily.Collect(ch, now, of, name)
	}
	for name, c := range connectors {
		connectorFamily.Collect(ch, now, c, name)
	}
	m.recoveries.attempts.Collect(ch)
	m.recoveries.due.Collect(ch)
}

// Own are the metrics that tasks keep themselves ([connect.Metrics]), a collector beside this one: nobody knows their names before.
func (m *Metrics) Own() prometheus.Collector { return ownMetrics{m} }
