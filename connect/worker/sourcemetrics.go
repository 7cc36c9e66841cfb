package worker

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// sourceMetrics are those of one source task.
type sourceMetrics struct {
	batch                 *metrics.Sensor // of the task
	poll, pollTime, write *metrics.Sensor
	activeSeen            *metrics.Sensor
	transactions          *metrics.Sensor // their sizes
	active                atomic.Int64
	exactlyOnce           atomic.Bool
	window                atomic.Pointer[tracker] // of the present life; nil for none
	delivered, aged       *metrics.Latencies
	in                    *atomic.Int64
}

// asSource makes the task's metrics those of a source.
func (m *taskMetrics) asSource(in *atomic.Int64) *sourceMetrics {
	if s := m.source.Load(); s != nil {
		return s
	}
	sensor := func() *metrics.Sensor { return metrics.NewSensor(m.sampling) }
	s := &sourceMetrics{
		batch: m.batch, poll: sensor(), pollTime: sensor(), write: sensor(), activeSeen: sensor(), transactions: sensor(),
		delivered: metrics.NewLatencies(), aged: metrics.NewLatencies(), in: in,
	}
	m.source.Store(s)
	return s
}

func (m *sourceMetrics) polled(n int, took time.Duration) {
	m.poll.Record(float64(n))
	m.pollTime.Record(milliseconds(took))
	m.batch.Record(float64(n))
	m.activeSeen.Record(float64(m.active.Add(int64(n))))
}

func (m *sourceMetrics) acknowledged(done []connect.Receipt) {
	produced := 0
	for i := range done {
		if done[i].Outcome == connect.Produced {
			produced++
		}
	}
	m.write.Record(float64(produced))
	m.activeSeen.Record(float64(m.active.Add(-int64(len(done)))))
	m.in.Add(int64(produced))
}

// emptied is told of each batch of which the last record has left: all of it counts as delivered then.
func (m *sourceMetrics) emptied(s *slab, now time.Time) {
	m.delivered.Observe(now.Sub(s.polled), len(s.slots))
	if s.stamp >= 0 {
		m.aged.Observe(now.Sub(time.UnixMilli(s.stamp)), len(s.slots))
	}
}

// ended forgets records under way: they belong to no task any more.
func (m *sourceMetrics) ended() {
	m.active.Store(0)
	m.window.Store(nil)
}

var sourceFamily = metrics.NewFamily[*sourceMetrics]("kafka_connect_source_task_metrics_", taskLabels...).
	Gauge("source_record_poll_rate", "Records returned by Poll a second, before transforms.",
		func(m *sourceMetrics, now time.Time) float64 { return m.poll.Rate(now) }).
	Counter("source_record_poll_total", "Records returned by Poll, before transforms.", func(m *sourceMetrics) float64 { return m.poll.Total() }).
	Gauge("source_record_write_rate", "Records acknowledged by Kafka a second.",
		func(m *sourceMetrics, now time.Time) float64 { return m.write.Rate(now) }).
	Counter("source_record_write_total", "Records acknowledged by Kafka.", func(m *sourceMetrics) float64 { return m.write.Total() }).
	Gauge("poll_batch_avg_time_ms", "Time that Poll took for a batch, on average.",
		func(m *sourceMetrics, now time.Time) float64 { return m.pollTime.Avg(now) }).
	Gauge("poll_batch_max_time_ms", "Longest time that Poll took for a batch.",
		func(m *sourceMetrics, now time.Time) float64 { return m.pollTime.Max(now) }).
	Gauge("source_record_active_count", "Records polled and not yet acknowledged.",
		func(m *sourceMetrics, _ time.Time) float64 { return float64(m.active.Load()) }).
	Gauge("source_record_active_count_avg", "Records polled and not yet acknowledged, on average.",
		func(m *sourceMetrics, now time.Time) float64 { return m.activeSeen.Avg(now) }).
	Gauge("source_record_active_count_max", "Most records polled and not yet acknowledged.",
		func(m *sourceMetrics, now time.Time) float64 { return m.activeSeen.Max(now) })

// transactionFamily is there for exactly-once sources only, as in Java.
var transactionFamily = metrics.NewFamily[*sourceMetrics]("kafka_connect_source_task_metrics_transaction_size_", taskLabels...).
	Gauge("min", "Records in the smallest transaction.", func(m *sourceMetrics, now time.Time) float64 { return m.transactions.Min(now) }).
	Gauge("max", "Records in the largest transaction.", func(m *sourceMetrics, now time.Time) float64 { return m.transactions.Max(now) }).
	Gauge("avg", "Records in a transaction, on average.", func(m *sourceMetrics, now time.Time) float64 { return m.transactions.Avg(now) })

// filling is what is between Poll and acknowledgement, and what there is room for.
type filling struct {
	records, bytes, maxRecords, maxBytes int
	oldest                               time.Duration // since Poll returned the oldest
}

// ownSourceFamily is what Java does not have. It is there while the task runs.
var ownSourceFamily = metrics.NewFamily[filling]("sluice_source_", taskLabels...).
	Gauge("oldest_unacknowledged_seconds", "How long ago the oldest batch was polled of which Kafka does not have everything; 0 for none.",
		func(f filling, _ time.Time) float64 { return f.oldest.Seconds() }).
	Gauge("window_records", "Records between Poll and acknowledgement.", func(f filling, _ time.Time) float64 { return float64(f.records) }).
	Gauge("window_bytes", "Memory of the records between Poll and acknowledgement.", func(f filling, _ time.Time) float64 { return float64(f.bytes) }).
	Gauge("window_limit_records", "With so many records under way the source is not polled.",
		func(f filling, _ time.Time) float64 { return float64(f.maxRecords) }).
	Gauge("window_limit_bytes", "With so many bytes under way the source is not polled.",
		func(f filling, _ time.Time) float64 { return float64(f.maxBytes) })

var (
	deliveryLatency = prometheus.NewDesc("sluice_source_delivery_seconds",
		"From Poll's return to Kafka's acknowledgement; each record counts with its batch's last.", taskLabels, nil)
	recordAge = prometheus.NewDesc("sluice_source_record_age_seconds",
		"From the time stamp of a batch's first record to Kafka's acknowledgement of the batch's last; each record counts.", taskLabels, nil)
)

func (m *sourceMetrics) collect(ch chan<- prometheus.Metric, now time.Time, labels ...string) {
	sourceFamily.Collect(ch, now, m, labels...)
	if m.exactlyOnce.Load() {
		transactionFamily.Collect(ch, now, m, labels...)
	}
	if t := m.window.Load(); t != nil {
		ownSourceFamily.Collect(ch, now, t.filling(now), labels...)
	}
	ch <- m.delivered.Metric(deliveryLatency, labels...)
	ch <- m.aged.Metric(recordAge, labels...)
}
