package stores

import (
	"log/slog"
	"sync"
	"time"
)

// Outages makes one line of the log out of what several stores, and several parts of one, notice of the same outage. The zero value is ready; it is
// safe for concurrent use.
type Outages struct {
	mu    sync.Mutex
	among map[string]struct{} // who cannot go on
	since time.Time
}

// begin notes that somebody cannot go on. Only the first is logged.
func (o *Outages) begin(log *slog.Logger, who string, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.among) == 0 {
		o.among, o.since = map[string]struct{}{}, time.Now()
		log.Warn("waiting for Kafka", "cause", cause)
	}
	o.among[who] = struct{}{}
}

// end takes begin back, where it was called. The last one is logged.
func (o *Outages) end(log *slog.Logger, who string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, noted := o.among[who]; !noted {
		return
	}
	if delete(o.among, who); len(o.among) == 0 {
		log.Info("Kafka is back", "waited", time.Since(o.since).Round(time.Millisecond))
	}
}
