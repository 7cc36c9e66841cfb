package kafkaclient

import "github.com/rcrowley/go-metrics"

// Sarama keeps meters and histograms for each client and each broker, 200 KiB a task, and nobody here reads them. It has no other switch than this
// one of its library, which has to be thrown before the first client is made.
func init() { metrics.UseNilMetrics = true }
