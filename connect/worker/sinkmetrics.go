package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect/metrics"
)

// sinkMetrics are those of one sink task.
type sinkMetrics struct {
	batch                     *metrics.Sensor // of the task
	commits                   *commitMetrics  // likewise
	read, send, putTime       *metrics.Sensor
	activeSeen                *metrics.Sensor
	completed, skipped        *metrics.Sensor
	active, partitions, begun atomic.Int64
	claims                    atomic.Pointer[claims] // of the present life; nil for none
	out                       *atomic.Int64

	mu   sync.Mutex
	last *commitAttempt // whose outcome is not known yet
}

// commitAttempt is one whose errors, if any, come by another way, and a little later: see [sinkMetrics.settle].
type commitAttempt struct {
	began, ended time.Time
	complained   func() time.Time
}

// verdictAfter is how long after a commit an error may come that is about it.
const verdictAfter = time.Second

// asSink makes the task's metrics those of a sink.
func (m *taskMetrics) asSink(out *atomic.Int64) *sinkMetrics {
	if s := m.sink.Load(); s != nil {
		return s
	}
	sensor := func() *metrics.Sensor { return metrics.NewSensor(m.sampling) }
	s := &sinkMetrics{
		batch: m.batch, commits: &m.commits, read: sensor(), send: sensor(), putTime: sensor(), activeSeen: sensor(), completed: sensor(), skipped: sensor(), out: out,
	}
	m.sink.Store(s)
	return s
}

// fetched is told of a batch before it is put; behind is how many offsets the task's consumption went on by it.
func (m *sinkMetrics) fetched(n int, behind int64) {
	m.read.Record(float64(n))
	m.activeSeen.Record(float64(m.active.Add(behind)))
}

func (m *sinkMetrics) putBatch(n int, took time.Duration) {
	m.send.Record(float64(n))
	m.batch.Record(float64(n))
	m.putTime.Record(milliseconds(took))
}

func (m *sinkMetrics) taken(n int) { m.out.Add(int64(n)) }

// assigned is told of the partitions that the task has from now on; nothing of them is consumed yet.
func (m *sinkMetrics) assigned(n int) {
	m.partitions.Store(int64(n))
	m.active.Store(0)
}

// commit notes an attempt. The consumer's client does not say what became of it: it failed where the consumer complains between its begin and shortly after
// its end.
func (m *sinkMetrics) commit(began time.Time, complained func() time.Time) {
	ended := time.Now()
	m.begun.Add(1)
	m.settle(ended)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.judge() // the one before, sooner than usual
	m.last = &commitAttempt{began, ended, complained}
}

// commitFailed notes an attempt that did not come so far.
func (m *sinkMetrics) commitFailed() {
	m.begun.Add(1)
	m.commits.failed()
}

// settle finds out what became of the last commit, where that can be told by now.
func (m *sinkMetrics) settle(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last != nil && now.Sub(m.last.ended) >= verdictAfter {
		m.judge()
	}
}

// judge settles the last commit. The caller holds the lock.
func (m *sinkMetrics) judge() {
	c := m.last
	m.last = nil
	if c == nil {
		return
	}
	if at := c.complained(); !at.Before(c.began) && at.Before(c.ended.Add(verdictAfter)) {
		m.commits.failed()
		return
	}
	m.commits.succeeded(c.ended.Sub(c.began))
	m.completed.Record(1)
}

// committed notes that so many offsets less are consumed and not committed.
func (m *sinkMetrics) committed(offsets int64) { m.activeSeen.Record(float64(m.active.Add(-offsets))) }

func (m *sinkMetrics) ended() {
	m.assigned(0)
	m.claims.Store(nil)
}

var sinkFamily = metrics.NewFamily[*sinkMetrics]("kafka_connect_sink_task_metrics_", taskLabels...).
	Gauge("sink_record_read_rate", "Records consumed a second, before transforms.",
		func(m *sinkMetrics, now time.Time) float64 { return m.read.Rate(now) }).
	Counter("sink_record_read_total", "Records consumed, before transforms.", func(m *sinkMetrics) float64 { return m.read.Total() }).
	Gauge("sink_record_send_rate", "Records given to Put a second.", func(m *sinkMetrics, now time.Time) float64 { return m.send.Rate(now) }).
	Counter("sink_record_send_total", "Records given to Put, again when it is repeated.", func(m *sinkMetrics) float64 { return m.send.Total() }).
	Gauge("partition_count", "Partitions of topics that the task has.",
		func(m *sinkMetrics, _ time.Time) float64 { return float64(m.partitions.Load()) }).
	Gauge("offset_commit_seq_no", "Number of the last commit of offsets.", func(m *sinkMetrics, _ time.Time) float64 { return float64(m.begun.Load()) }).
	Gauge("offset_commit_completion_rate", "Commits of offsets a second that succeeded.",
		func(m *sinkMetrics, now time.Time) float64 { return m.completed.Rate(now) }).
	Counter("offset_commit_completion_total", "Commits of offsets that succeeded.", func(m *sinkMetrics) float64 { return m.completed.Total() }).
	Gauge("offset_commit_skip_rate", "Commits a second that came too late: none, for each is waited for.",
		func(m *sinkMetrics, now time.Time) float64 { return m.skipped.Rate(now) }).
	Counter("offset_commit_skip_total", "Commits that came too late: none, for each is waited for.",
		func(m *sinkMetrics) float64 { return m.skipped.Total() }).
	Gauge("put_batch_avg_time_ms", "Time that Put took, on average.", func(m *sinkMetrics, now time.Time) float64 { return m.putTime.Avg(now) }).
	Gauge("put_batch_max_time_ms", "Longest time that Put took.", func(m *sinkMetrics, now time.Time) float64 { return m.putTime.Max(now) }).
	Gauge("sink_record_active_count", "Records consumed and not yet committed.",
		func(m *sinkMetrics, _ time.Time) float64 { return float64(m.active.Load()) }).
	Gauge("sink_record_active_count_avg", "Records consumed and not yet committed, on average.",
		func(m *sinkMetrics, now time.Time) float64 { return m.activeSeen.Avg(now) }).
	Gauge("sink_record_active_count_max", "Most records consumed and not yet committed.",
		func(m *sinkMetrics, now time.Time) float64 { return m.activeSeen.Max(now) })

// ownSinkFamily is what Java does not have. It is there while the task runs: of one that has failed nobody knows the lag.
var ownSinkFamily = metrics.NewFamily[*claims]("sluice_sink_", taskLabels...).
	Gauge("lag_records", "Records in the task's partitions that the plugin has not taken yet.",
		func(c *claims, _ time.Time) float64 { total, _ := c.lag(); return float64(total) }).
	Gauge("lag_records_max", "The same of the partition that has the most.",
		func(c *claims, _ time.Time) float64 { _, worst := c.lag(); return float64(worst) })
