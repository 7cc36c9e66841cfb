package worker

import (
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect/metrics"
)

// errorMetrics are Kafka Connect's task-error-metrics of one task (org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics).
type errorMetrics struct {
	failures, errors, skips, retries, logged, letters, lettersFailed tally
	last                                                             atomic.Int64 // Unix milliseconds
}

var errorFamily = metrics.NewFamily[*errorMetrics]("kafka_connect_task_error_metrics_", taskLabels...).
	Counter("total_record_failures", "Attempts to handle a record that failed.", func(m *errorMetrics) float64 { return m.failures.total() }).
	Counter("total_record_errors", "Records that could not be handled.", func(m *errorMetrics) float64 { return m.errors.total() }).
	Counter("total_records_skipped", "Records skipped because errors.tolerance=all.", func(m *errorMetrics) float64 { return m.skips.total() }).
	Counter("total_retries", "Attempts that were repeated.", func(m *errorMetrics) float64 { return m.retries.total() }).
	Counter("total_errors_logged", "Records logged because errors.log.enable=true.", func(m *errorMetrics) float64 { return m.logged.total() }).
	Counter("deadletterqueue_produce_requests", "Records handed to the dead letter queue.", func(m *errorMetrics) float64 { return m.letters.total() }).
	Counter("deadletterqueue_produce_failures", "Records that the dead letter queue did not take.",
		func(m *errorMetrics) float64 { return m.lettersFailed.total() }).
	Gauge("last_error_timestamp", "When a record last could not be handled, in milliseconds since 1970; 0 is never.",
		func(m *errorMetrics, _ time.Time) float64 { return float64(m.last.Load()) })

// failed counts a record that could not be handled, as Java does: one that was reported by a sink, or refused by Kafka, is a record error only when
// it ends the task, and never a skipped one. The attempts of a retriable error are counted already.
func (m *errorMetrics) failed(at stageName, retriable, tolerated bool) {
	m.last.Store(time.Now().UnixMilli())
	reported := at == stagePut || at == stageProduce
	if !retriable || reported {
		m.failures.Inc()
	}
	if !reported || !tolerated {
		m.errors.Inc()
	}
	if tolerated && !reported {
		m.skips.Inc()
	}
}
