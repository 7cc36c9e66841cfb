package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// recoveryCounters are about restarts after failures, for all units of a worker; task is empty for a connector's instance.
type recoveryCounters struct {
	attempts *prometheus.CounterVec
	due      *prometheus.GaugeVec
}

func newRecoveryCounters(labels []string) recoveryCounters {
	return recoveryCounters{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_restart_attempts_total", Help: "Restarts after failures (sluice.restart.policy); task is empty for a connector's instance.",
		}, labels),
		due: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sluice_restart_next_timestamp_seconds", Help: "When what has failed is started again, 0 for not at all.",
		}, labels),
	}
}

// restarts are those of a connector's instance, where task is empty, or of a task.
func (m *Metrics) restarts(connector, task string) restartMetrics {
	return restartMetrics{&m.recoveries, connector, task}
}

// restartMetrics are there only for what may be restarted by itself.
type restartMetrics struct {
	all             *recoveryCounters
	connector, task string
}

func (m restartMetrics) begun() { m.all.attempts.WithLabelValues(m.connector, m.task).Inc() }

// next is when the next restart is due; the zero time for none.
func (m restartMetrics) next(due time.Time) {
	at := 0.0
	if !due.IsZero() {
		at = float64(due.UnixMilli()) / 1000
	}
	m.all.due.WithLabelValues(m.connector, m.task).Set(at)
}

func (m restartMetrics) forget() {
	m.all.attempts.DeleteLabelValues(m.connector, m.task)
	m.all.due.DeleteLabelValues(m.connector, m.task)
}
