package worker

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// taskMetrics are those of one task. They outlive its restarts.
type taskMetrics struct {
	sampling metrics.Sampling
	state    stateTimer
	starts   tally
	batch    *metrics.Sensor
	commits  commitMetrics
	errors   errorMetrics
	health   atomic.Pointer[health] // of the present life; nil for none, and likewise:
	own      atomic.Pointer[connect.Metrics]
	source   atomic.Pointer[sourceMetrics] // nil where the task is none, or is not known yet, and likewise:
	sink     atomic.Pointer[sinkMetrics]
}

func newTaskMetrics(s metrics.Sampling) *taskMetrics {
	return &taskMetrics{sampling: s, state: stateTimer{state: Unassigned}, batch: metrics.NewSensor(s), commits: newCommitMetrics(s)}
}

// commitMetrics are of the storing of offsets.
type commitMetrics struct {
	time *metrics.Sensor // of those that succeeded, in milliseconds
	outcomes
	failures tally
}

func newCommitMetrics(s metrics.Sampling) commitMetrics {
	return commitMetrics{time: metrics.NewSensor(s), outcomes: newOutcomes(s)}
}

func (c *commitMetrics) succeeded(took time.Duration) {
	c.time.Record(milliseconds(took))
	c.note(true)
}

func (c *commitMetrics) failed() {
	c.failures.Inc()
	c.note(false)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// stateTimer knows a task's state and how long it was in each (org.apache.kafka.connect.runtime.StateTracker).
type stateTimer struct {
	mu              sync.Mutex
	state           State
	began, since    time.Time // zero before the first change
	running, paused time.Duration
}

func (t *stateTimer) change(to State, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() {
		t.began = now
	} else {
		t.running, t.paused = t.spent(now)
	}
	t.state, t.since = to, now
}

// spent is how long the task was running and paused. The caller holds the lock.
func (t *stateTimer) spent(now time.Time) (running, paused time.Duration) {
	running, paused = t.running, t.paused
	switch t.state {
	case Running:
		running += now.Sub(t.since)
	case Paused:
		paused += now.Sub(t.since)
	}
	return running, paused
}

func (t *stateTimer) now() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// ratios are which part of its time the task was running and paused, from 0 to 1.
func (t *stateTimer) ratios(now time.Time) (running, paused float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() || !now.After(t.began) {
		return 0, 0
	}
	r, p := t.spent(now)
	all := now.Sub(t.began).Seconds()
	return r.Seconds() / all, p.Seconds() / all
}

func (m *taskMetrics) word() []string { return []string{strings.ToLower(string(m.state.now()))} }

var taskFamily = metrics.NewFamily[*taskMetrics]("kafka_connect_connector_task_metrics_", taskLabels...).
	Gauge("running_ratio", "Which part of its time the task was running, from 0 to 1.",
		func(m *taskMetrics, now time.Time) float64 { running, _ := m.state.ratios(now); return running }).
	Gauge("pause_ratio", "Which part of its time the task was paused, from 0 to 1.",
		func(m *taskMetrics, now time.Time) float64 { _, paused := m.state.ratios(now); return paused }).
	Gauge("batch_size_avg", "Records in a batch, on average.", func(m *taskMetrics, now time.Time) float64 { return m.batch.Avg(now) }).
	Gauge("batch_size_max", "Records in the largest batch.", func(m *taskMetrics, now time.Time) float64 { return m.batch.Max(now) }).
	Gauge("offset_commit_avg_time_ms", "Time that storing offsets took, on average.",
		func(m *taskMetrics, now time.Time) float64 { return m.commits.time.Avg(now) }).
	Gauge("offset_commit_max_time_ms", "Longest time that storing offsets took.",
		func(m *taskMetrics, now time.Time) float64 { return m.commits.time.Max(now) }).
	Gauge("offset_commit_success_percentage", "Which part of the attempts to store offsets succeeded, from 0 to 1.",
		func(m *taskMetrics, now time.Time) float64 { return m.commits.good.Share(now) }).
	Gauge("offset_commit_failure_percentage", "Which part of the attempts to store offsets failed, from 0 to 1.",
		func(m *taskMetrics, now time.Time) float64 { return m.commits.bad.Share(now) }).
	Text("status_info", []string{"status"}, "State of the task.", (*taskMetrics).word)

var taskStatusFamily = metrics.NewFamily[*taskMetrics]("kafka_connect_connector_status", taskLabels...).
	Text("", []string{"status"}, "State of the task.", (*taskMetrics).word)

// ownTaskFamily is what Java does not have.
var ownTaskFamily = metrics.NewFamily[*taskMetrics]("sluice_task_", taskLabels...).
	Counter("starts_total", "How often the task was started, restarts among them.", func(m *taskMetrics) float64 { return m.starts.total() }).
	Counter("offset_commit_failures_total", "Attempts to store offsets that failed.",
		func(m *taskMetrics) float64 { return m.commits.failures.total() }).
	Gauge("retrying_seconds", "For how long the task has been unable to go on and has tried again; 0 while it is well.",
		func(m *taskMetrics, now time.Time) float64 {
			if h := m.health.Load(); h != nil {
				if since, _ := h.away(); !since.IsZero() {
					return now.Sub(since).Seconds()
				}
			}
			return 0
		}).
	Gauge("system_reachable", "0 while the plugin says that it cannot reach its system, an MQTT broker for example, 1 otherwise.",
		func(m *taskMetrics, _ time.Time) float64 {
			if h := m.health.Load(); h != nil {
				if _, system := h.away(); system {
					return 0
				}
			}
			return 1
		})

func describeTasks(ch chan<- *prometheus.Desc) {
	taskFamily.Describe(ch)
	taskStatusFamily.Describe(ch)
	ownTaskFamily.Describe(ch)
	errorFamily.Describe(ch)
	sourceFamily.Describe(ch)
	transactionFamily.Describe(ch)
	ownSourceFamily.Describe(ch)
	ch <- deliveryLatency
	ch <- recordAge
	sinkFamily.Describe(ch)
	ownSinkFamily.Describe(ch)
}

func (m *taskMetrics) collect(ch chan<- prometheus.Metric, now time.Time, labels ...string) {
	taskFamily.Collect(ch, now, m, labels...)
	taskStatusFamily.Collect(ch, now, m, labels...)
	ownTaskFamily.Collect(ch, now, m, labels...)
	errorFamily.Collect(ch, now, &m.errors, labels...)
	if s := m.source.Load(); s != nil {
		s.collect(ch, now, labels...)
	}
	if s := m.sink.Load(); s != nil {
		s.settle(now)
		sinkFamily.Collect(ch, now, s, labels...)
		if c := s.claims.Load(); c != nil {
			ownSinkFamily.Collect(ch, now, c, labels...)
		}
	}
}
