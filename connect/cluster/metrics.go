package cluster

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// Metrics are those of a worker's membership: Kafka Connect's connect-worker-rebalance-metrics (DistributedHerder.HerderMetrics), what its coordinator adds to
// connect-coordinator-metrics (WorkerCoordinatorMetrics), and what Java does not have. It is a prometheus.Collector.
type Metrics struct {
	client        string
	lease         *lease
	rebalances    *metrics.Sensor // how long each took, in milliseconds
	durations     *metrics.Latencies
	rebalancing   atomic.Bool
	completed     atomic.Int64 // when the last one was, in Unix nanoseconds; 0 for never
	moved, losses atomic.Int64
	present       atomic.Pointer[place]
}

// place is what a round has said of this worker.
type place struct {
	epoch             int32
	leader            string
	protocol          assignment.Protocol
	connectors, tasks int
}

func newMetrics(client string, s metrics.Sampling, l *lease) *Metrics {
	m := &Metrics{client: client, lease: l, rebalances: metrics.NewSensor(s), durations: metrics.NewLatencies()}
	m.present.Store(&place{epoch: -1})
	return m
}

// rebalanced notes the end of a round that has moved so many connectors and tasks to this worker or away from it.
func (m *Metrics) rebalanced(p *place, moved int, took time.Duration) {
	m.present.Store(p)
	m.moved.Add(int64(moved))
	m.rebalances.Record(float64(took) / float64(time.Millisecond))
	m.durations.Observe(took, 1)
	m.completed.Store(time.Now().UnixNano())
	m.rebalancing.Store(false)
}

func (m *Metrics) sinceLast(now time.Time) float64 {
	if m.completed.Load() == 0 {
		return math.Inf(1) // as in Java
	}
	return float64(now.Sub(time.Unix(0, m.completed.Load())).Milliseconds())
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

var rebalanceFamily = metrics.NewFamily[*Metrics]("kafka_connect_connect_worker_rebalance_metrics_").
	Gauge("epoch", "Generation of the group.", func(m *Metrics, _ time.Time) float64 { return float64(m.present.Load().epoch) }).
	Counter("completed_rebalances_total", "Rebalances that this worker has completed.", func(m *Metrics) float64 { return m.rebalances.Count() }).
	Gauge("rebalancing", "Whether this worker is in a rebalance.", func(m *Metrics, _ time.Time) float64 { return one(m.rebalancing.Load()) }).
	Gauge("rebalance_avg_time_ms", "Time that a rebalance took, on average.", func(m *Metrics, now time.Time) float64 { return m.rebalances.Avg(now) }).
	Gauge("rebalance_max_time_ms", "Longest time that a rebalance took.", func(m *Metrics, now time.Time) float64 { return m.rebalances.Max(now) }).
	Gauge("time_since_last_rebalance_ms", "Time since the last rebalance.", (*Metrics).sinceLast).
	Text("leader_name_info", []string{"leader_name"}, "Leader of the group.", func(m *Metrics) []string { return []string{m.present.Load().leader} }).
	Text("connect_protocol_info", []string{"connect_protocol"}, "Protocol that the group has agreed upon.", func(m *Metrics) []string {
		if m.present.Load().epoch < 0 {
			return nil
		}
		return []string{m.present.Load().protocol.String()}
	})

var assignedFamily = metrics.NewFamily[*Metrics]("kafka_connect_connect_coordinator_metrics_", "client_id").
	Gauge("assigned_connectors", "Connectors that are assigned to this worker.",
		func(m *Metrics, _ time.Time) float64 { return float64(m.present.Load().connectors) }).
	Gauge("assigned_tasks", "Tasks that are assigned to this worker.", func(m *Metrics, _ time.Time) float64 { return float64(m.present.Load().tasks) })

var ownFamily = metrics.NewFamily[*Metrics]("sluice_").
	Gauge("group_member", "1 while this worker is a member of its group for sure, and so may write; 0 otherwise.",
		func(m *Metrics, _ time.Time) float64 { return one(m.lease.good()) }).
	Counter("group_losses_total", "How often this worker has lost its group or left it because it could not read the config topic.",
		func(m *Metrics) float64 { return float64(m.losses.Load()) }).
	Counter("rebalance_moved_total", "Connectors and tasks that rebalances have brought to this worker or taken away from it.",
		func(m *Metrics) float64 { return float64(m.moved.Load()) })

var rebalanceDurations = prometheus.NewDesc("sluice_rebalance_seconds", "How long rebalances took.", nil, nil)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	rebalanceFamily.Describe(ch)
	assignedFamily.Describe(ch)
	ownFamily.Describe(ch)
	ch <- rebalanceDurations
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	rebalanceFamily.Collect(ch, now, m)
	assignedFamily.Collect(ch, now, m, m.client)
	ownFamily.Collect(ch, now, m)
	ch <- m.durations.Metric(rebalanceDurations)
}
