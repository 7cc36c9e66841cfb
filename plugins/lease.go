package plugins

import (
	"sync"
	"time"
)

// lease is until when a sink task may write to its system. The worker renews it; while nothing was said of it, it is good.
type lease struct {
	mu      sync.Mutex
	said    bool
	until   time.Time
	resumed chan struct{} // closed when it is good again; nil while nobody waits
}

// renew makes it good for a time from now; 0 ends it.
func (l *lease) renew(valid time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said, l.until = true, time.Now().Add(valid)
	if valid > 0 && l.resumed != nil {
		close(l.resumed)
		l.resumed = nil
	}
}

// suspended is what [connect.SinkContext] Suspended returns.
func (l *lease) suspended() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.said || time.Now().Before(l.until) {
		return nil
	}
	if l.resumed == nil {
		l.resumed = make(chan struct{})
	}
	return l.resumed
}
