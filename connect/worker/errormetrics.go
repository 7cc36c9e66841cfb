package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// errorCounters are Kafka Connect's task-error-metrics of all tasks (org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics).
type errorCounters struct {
	failures, errors, skips, retries, logged *prometheus.CounterVec
	letters, lettersFailed                   *prometheus.CounterVec
	last                                     *prometheus.GaugeVec
}

func newErrorCounters(counter func(name, help string) *prometheus.CounterVec, labels []string) errorCounters {
	return errorCounters{
		failures: counter("task_error_metrics_total_record_failures", "Attempts to handle a record that failed."),
		errors:   counter("task_error_metrics_total_record_errors", "Records that could not be handled."),
		skips:    counter("task_error_metrics_total_records_skipped", "Records skipped because errors.tolerance=all."),
		retries:  counter("task_error_metrics_total_retries", "Attempts that were repeated."),
		logged:   counter("task_error_metrics_total_errors_logged", "Records logged because errors.log.enable=true."),
		letters: counter("task_error_metrics_deadletterqueue_produce_requests",
			"Records handed to the dead letter queue."),
		lettersFailed: counter("task_error_metrics_deadletterqueue_produce_failures", "Records that the dead letter queue did not take."),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_connect_task_error_metrics_last_error_timestamp",
			Help: "When a record last could not be handled, in milliseconds since 1970; 0 is never.",
		}, labels),
	}
}

func (c *errorCounters) vectors() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{c.failures, c.errors, c.skips, c.retries, c.logged, c.letters, c.lettersFailed}
}

// errorMetrics are those of one task.
type errorMetrics struct {
	failures, errors, skips, retries, logged, letters, lettersFailed prometheus.Counter
	last                                                             prometheus.Gauge
}

func (m *Metrics) errors(connector, task string) *errorMetrics {
	c, with := &m.errant, []string{connector, task}
	return &errorMetrics{
		failures: c.failures.WithLabelValues(with...), errors: c.errors.WithLabelValues(with...), skips: c.skips.WithLabelValues(with...),
		retries: c.retries.WithLabelValues(with...), logged: c.logged.WithLabelValues(with...), letters: c.letters.WithLabelValues(with...),
		lettersFailed: c.lettersFailed.WithLabelValues(with...), last: c.last.WithLabelValues(with...),
	}
}

// failed counts a record that could not be handled, as Java does: one that was reported by a sink, or refused by Kafka, is a record error only when
// it ends the task, and never a skipped one. The attempts of a retriable error are counted already.
func (m *errorMetrics) failed(at stageName, retriable, tolerated bool) {
	m.last.Set(float64(time.Now().UnixMilli()))
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
