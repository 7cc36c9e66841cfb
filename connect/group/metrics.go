package group

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect/metrics"
)

// Metrics are those of a member's talk with its coordinator, in Kafka Connect's groups connect-coordinator-metrics
// (org.apache.kafka.clients.consumer.internals.AbstractCoordinator) and connect-metrics (org.apache.kafka.common.network.Selector). They outlive a membership.
// It is a prometheus.Collector, and a [kafkaclient.Traffic] of the member's client.
type Metrics struct {
	client                         string
	beats, joins, syncs, rounds    *metrics.Sensor // how long each took, in milliseconds
	opened, closed, sent, received *metrics.Sensor // connections, and bytes of each write and read
	failed                         *metrics.Sensor // rounds without result
	lastBeat, lastRound            atomic.Int64    // Unix nanoseconds; 0 for never
}

// NewMetrics returns those of a client id.
func NewMetrics(client string, s metrics.Sampling) *Metrics {
	sensor := func() *metrics.Sensor { return metrics.NewSensor(s) }
	return &Metrics{
		client: client, beats: sensor(), joins: sensor(), syncs: sensor(), rounds: sensor(), failed: sensor(),
		opened: sensor(), closed: sensor(), sent: sensor(), received: sensor(),
	}
}

func since(began time.Time) float64 { return float64(time.Since(began)) / float64(time.Millisecond) }

func (m *Metrics) beat(began time.Time) {
	m.beats.Record(since(began))
	m.lastBeat.Store(time.Now().UnixNano())
}

// round notes the end of one, with or without result.
func (m *Metrics) round(began time.Time, err error) {
	if err != nil {
		m.failed.Record(1)
		return
	}
	m.rounds.Record(since(began))
	m.lastRound.Store(time.Now().UnixNano())
}

// ago is how many seconds ago something was; -1 for never, as in Java.
func ago(at *atomic.Int64, now time.Time) float64 {
	if at.Load() == 0 {
		return -1
	}
	return math.Floor(now.Sub(time.Unix(0, at.Load())).Seconds())
}

var coordinatorFamily = metrics.NewFamily[*Metrics]("kafka_connect_connect_coordinator_metrics_", "client_id").
	Gauge("heartbeat_rate", "Heartbeats a second that were answered.", func(m *Metrics, now time.Time) float64 { return m.beats.Frequency(now) }).
	Counter("heartbeat_total", "Heartbeats that were answered.", func(m *Metrics) float64 { return m.beats.Count() }).
	Gauge("heartbeat_response_time_max", "Longest time that the answer to a heartbeat took, in milliseconds.",
		func(m *Metrics, now time.Time) float64 { return m.beats.Max(now) }).
	Gauge("last_heartbeat_seconds_ago", "When the last heartbeat was answered; -1 for never.",
		func(m *Metrics, now time.Time) float64 { return ago(&m.lastBeat, now) }).
	Gauge("join_rate", "JoinGroups a second.", func(m *Metrics, now time.Time) float64 { return m.joins.Frequency(now) }).
	Counter("join_total", "JoinGroups.", func(m *Metrics) float64 { return m.joins.Count() }).
	Gauge("join_time_avg", "Time that a JoinGroup took, on average, in milliseconds.",
		func(m *Metrics, now time.Time) float64 { return m.joins.Avg(now) }).
	Gauge("join_time_max", "Longest time that a JoinGroup took, in milliseconds.", func(m *Metrics, now time.Time) float64 { return m.joins.Max(now) }).
	Gauge("sync_rate", "SyncGroups a second.", func(m *Metrics, now time.Time) float64 { return m.syncs.Frequency(now) }).
	Counter("sync_total", "SyncGroups.", func(m *Metrics) float64 { return m.syncs.Count() }).
	Gauge("sync_time_avg", "Time that a SyncGroup took, on average, in milliseconds.",
		func(m *Metrics, now time.Time) float64 { return m.syncs.Avg(now) }).
	Gauge("sync_time_max", "Longest time that a SyncGroup took, in milliseconds.", func(m *Metrics, now time.Time) float64 { return m.syncs.Max(now) }).
	Gauge("rebalance_latency_avg", "Time that a round of the group took, on average, in milliseconds.",
		func(m *Metrics, now time.Time) float64 { return m.rounds.Avg(now) }).
	Gauge("rebalance_latency_max", "Longest time that a round of the group took, in milliseconds.",
		func(m *Metrics, now time.Time) float64 { return m.rounds.Max(now) }).
	Counter("rebalance_latency_total", "Time that all rounds of the group took, in milliseconds.", func(m *Metrics) float64 { return m.rounds.Total() }).
	Counter("rebalance_total", "Rounds of the group.", func(m *Metrics) float64 { return m.rounds.Count() }).
	Gauge("rebalance_rate_per_hour", "Rounds of the group an hour.", func(m *Metrics, now time.Time) float64 { return 3600 * m.rounds.Frequency(now) }).
	Counter("failed_rebalance_total", "Rounds of the group without result.", func(m *Metrics) float64 { return m.failed.Count() }).
	Gauge("failed_rebalance_rate_per_hour", "Rounds of the group without result, an hour.",
		func(m *Metrics, now time.Time) float64 { return 3600 * m.failed.Frequency(now) }).
	Gauge("last_rebalance_seconds_ago", "When the last round of the group ended; -1 for never.",
		func(m *Metrics, now time.Time) float64 { return ago(&m.lastRound, now) })

// Connected implements [kafkaclient.Traffic].
func (m *Metrics) Connected() { m.opened.Record(1) }

// Disconnected implements [kafkaclient.Traffic].
func (m *Metrics) Disconnected() { m.closed.Record(1) }

// Sent implements [kafkaclient.Traffic].
func (m *Metrics) Sent(bytes int) { m.sent.Record(float64(bytes)) }

// Received implements [kafkaclient.Traffic].
func (m *Metrics) Received(bytes int) { m.received.Record(float64(bytes)) }

// clientFamily counts a write as a request: sarama makes one of each.
var clientFamily = metrics.NewFamily[*Metrics]("kafka_connect_connect_metrics_", "client_id").
	Gauge("connection_count", "Connections to brokers.", func(m *Metrics, _ time.Time) float64 { return m.opened.Count() - m.closed.Count() }).
	Gauge("connection_creation_rate", "Connections a second that were made.", func(m *Metrics, now time.Time) float64 { return m.opened.Rate(now) }).
	Counter("connection_creation_total", "Connections that were made.", func(m *Metrics) float64 { return m.opened.Count() }).
	Gauge("connection_close_rate", "Connections a second that were closed.", func(m *Metrics, now time.Time) float64 { return m.closed.Rate(now) }).
	Counter("connection_close_total", "Connections that were closed.", func(m *Metrics) float64 { return m.closed.Count() }).
	Gauge("outgoing_byte_rate", "Bytes sent a second.", func(m *Metrics, now time.Time) float64 { return m.sent.Rate(now) }).
	Counter("outgoing_byte_total", "Bytes sent.", func(m *Metrics) float64 { return m.sent.Total() }).
	Gauge("incoming_byte_rate", "Bytes received a second.", func(m *Metrics, now time.Time) float64 { return m.received.Rate(now) }).
	Counter("incoming_byte_total", "Bytes received.", func(m *Metrics) float64 { return m.received.Total() }).
	Gauge("request_rate", "Requests a second.", func(m *Metrics, now time.Time) float64 { return m.sent.Frequency(now) }).
	Counter("request_total", "Requests.", func(m *Metrics) float64 { return m.sent.Count() }).
	Gauge("request_size_avg", "Bytes of a request, on average.", func(m *Metrics, now time.Time) float64 { return m.sent.Avg(now) }).
	Gauge("request_size_max", "Bytes of the largest request.", func(m *Metrics, now time.Time) float64 { return m.sent.Max(now) }).
	Gauge("network_io_rate", "Reads and writes a second.",
		func(m *Metrics, now time.Time) float64 { return m.sent.Frequency(now) + m.received.Frequency(now) }).
	Counter("network_io_total", "Reads and writes.", func(m *Metrics) float64 { return m.sent.Count() + m.received.Count() })

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	coordinatorFamily.Describe(ch)
	clientFamily.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	coordinatorFamily.Collect(ch, now, m, m.client)
	clientFamily.Collect(ch, now, m, m.client)
}
