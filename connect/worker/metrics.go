package worker

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect"
)

// Metrics counts what the tasks of a worker do. It is a prometheus.Collector under Kafka Connect's names in the form in which jmx_exporter gives them in lower
// case. The hot path adds to counters once a batch.
type Metrics struct {
	polled, written, read, sent *prometheus.CounterVec
	errant                      errorCounters
	active                      *prometheus.GaugeVec
	pollTime, putTime           *prometheus.CounterVec
	recoveries                  recoveryCounters

	in, out atomic.Int64
}

func newMetrics() *Metrics {
	labels := []string{"connector", "task"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kafka_connect_" + name, Help: help}, labels)
	}
	return &Metrics{
		recoveries: newRecoveryCounters(labels),
		polled:     counter("source_task_metrics_source_record_poll_total", "Records returned by Poll, before transforms."),
		written:    counter("source_task_metrics_source_record_write_total", "Records acknowledged by Kafka."),
		read:       counter("sink_task_metrics_sink_record_read_total", "Records consumed, before transforms."),
		sent:       counter("sink_task_metrics_sink_record_send_total", "Records given to Put, again when it is repeated."),
		errant:     newErrorCounters(counter, labels),
		pollTime:   counter("source_task_metrics_poll_batch_seconds_total", "Time spent in Poll with records."),
		putTime:    counter("sink_task_metrics_put_batch_seconds_total", "Time spent in Put."),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_connect_source_task_metrics_source_record_active_count",
			Help: "Records polled and not yet acknowledged.",
		}, labels),
	}
}

func (m *Metrics) counters() []*prometheus.CounterVec {
	return append([]*prometheus.CounterVec{m.polled, m.written, m.read, m.sent, m.pollTime, m.putTime}, m.errant.vectors()...)
}

func (m *Metrics) collectors() []prometheus.Collector {
	all := []prometheus.Collector{m.active, m.errant.last, m.recoveries.attempts, m.recoveries.due}
	for _, v := range m.counters() {
		all = append(all, v)
	}
	return all
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
}

// forget ends the counting of a task that is no more.
func (m *Metrics) forget(id TaskID) {
	labels := prometheus.Labels{"connector": id.Connector, "task": strconv.Itoa(id.Task)}
	for _, v := range m.counters() {
		v.Delete(labels)
	}
	m.active.Delete(labels)
	m.errant.last.Delete(labels)
}

// Totals returns how many records all tasks together have brought into Kafka and carried out of it.
func (m *Metrics) Totals() (in, out int64) { return m.in.Load(), m.out.Load() }

// sourceMetrics are those of one source task.
type sourceMetrics struct {
	polledTotal, writtenTotal, pollTime prometheus.Counter
	active                              prometheus.Gauge
	in                                  *atomic.Int64
}

func (m *Metrics) source(connector, task string) *sourceMetrics {
	return &sourceMetrics{
		polledTotal: m.polled.WithLabelValues(connector, task), writtenTotal: m.written.WithLabelValues(connector, task),
		pollTime: m.pollTime.WithLabelValues(connector, task), active: m.active.WithLabelValues(connector, task), in: &m.in,
	}
}

func (m *sourceMetrics) polled(n int, took time.Duration) {
	m.polledTotal.Add(float64(n))
	m.pollTime.Add(took.Seconds())
	m.active.Add(float64(n))
}

func (m *sourceMetrics) acknowledged(done []connect.Receipt) {
	produced := 0
	for i := range done {
		if done[i].Outcome == connect.Produced {
			produced++
		}
	}
	m.writtenTotal.Add(float64(produced))
	m.active.Sub(float64(len(done)))
	m.in.Add(int64(produced))
}

// ended forgets records under way: they belong to no task any more.
func (m *sourceMetrics) ended() { m.active.Set(0) }

// sinkMetrics are those of one sink task.
type sinkMetrics struct {
	readTotal, sentTotal, putTime prometheus.Counter
	out                           *atomic.Int64
}

func (m *Metrics) sink(connector, task string) *sinkMetrics {
	return &sinkMetrics{
		readTotal: m.read.WithLabelValues(connector, task), sentTotal: m.sent.WithLabelValues(connector, task),
		putTime: m.putTime.WithLabelValues(connector, task), out: &m.out,
	}
}

func (m *sinkMetrics) fetched(n int) { m.readTotal.Add(float64(n)) }

func (m *sinkMetrics) putBatch(n int, took time.Duration) {
	m.sentTotal.Add(float64(n))
	m.putTime.Add(took.Seconds())
}

func (m *sinkMetrics) taken(n int) { m.out.Add(int64(n)) }
