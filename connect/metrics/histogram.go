package metrics

import (
	"sort"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// bounds are those of latencies, in seconds: from what a broker on the same machine takes to what an outage does.
var bounds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600}

// Latencies is a histogram of times that takes many equal ones at once: a batch's, each record of which counts. It is safe for concurrent use.
type Latencies struct {
	mu      sync.Mutex
	buckets []uint64 // not cumulative; the last is beyond all bounds
	seconds float64
}

// NewLatencies returns an empty histogram.
func NewLatencies() *Latencies { return &Latencies{buckets: make([]uint64, len(bounds)+1)} }

// Observe counts n records that all took d. A negative time counts as none: clocks differ.
func (l *Latencies) Observe(d time.Duration, n int) {
	seconds := max(d, 0).Seconds()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets[sort.SearchFloat64s(bounds, seconds)] += uint64(n)
	l.seconds += seconds * float64(n)
}

// Metric is the histogram as it is now.
func (l *Latencies) Metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	l.mu.Lock()
	defer l.mu.Unlock()
	cumulative := make(map[float64]uint64, len(bounds))
	var count uint64
	for i, n := range l.buckets {
		count += n
		if i < len(bounds) {
			cumulative[bounds[i]] = count
		}
	}
	return prometheus.MustNewConstHistogram(desc, count, l.seconds, cumulative, labels...)
}
