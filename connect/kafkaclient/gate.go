package kafkaclient

import (
	"sync"
	"sync/atomic"
	"time"
)

// Gate stops the writing of all connections that were dialled through it. It is how a worker keeps to its lease on the work: after the lease
// has run out, what tasks would still send waits, and goes on when there is another lease. The zero value is open, without a lease. Safe for
// concurrent use.
//
// A write that was already handed to the operating system still arrives.
type Gate struct {
	mu    sync.Mutex
	shut  atomic.Pointer[chan struct{}] // nil while open; closed by Resume
	lease atomic.Pointer[time.Time]     // its end; nil for none
}

// Suspend makes writes wait. It does not wait for those under way.
func (g *Gate) Suspend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.suspend()
}

func (g *Gate) suspend() {
	if g.shut.Load() == nil {
		resumed := make(chan struct{})
		g.shut.Store(&resumed)
	}
}

// Resume lets writes go on until lease ends; the zero time is for ever.
func (g *Gate) Resume(lease time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lease.Store(&lease)
	if lease.IsZero() {
		g.lease.Store(nil)
	}
	if resumed := g.shut.Swap(nil); resumed != nil {
		close(*resumed)
	}
}

// Extend moves the end of the lease. It returns false where writes wait already: then they go on waiting.
func (g *Gate) Extend(lease time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Load() != nil || g.lapsed() {
		g.suspend()
		return false
	}
	g.lease.Store(&lease)
	return true
}

// Open reports whether writes go on. It is the gate's own clock: a process that was frozen finds its lease at an end with the first write,
// before any timer has fired.
func (g *Gate) Open() bool {
	if g.shut.Load() != nil {
		return false
	}
	if !g.lapsed() {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lapsed() { // not extended meanwhile
		g.suspend()
	}
	return g.shut.Load() == nil
}

// Hold is asked before a write: nil lets it go. Else the write waits until the channel is closed, and asks again. It is safe for concurrent use.
type Hold func() <-chan struct{}

// Shut is the gate's [Hold]: nil while writes go on, by the same clock as [Gate.Open]. A nil gate holds nothing back.
func (g *Gate) Shut() <-chan struct{} {
	if g == nil {
		return nil
	}
	for !g.Open() {
		if resumed := g.shut.Load(); resumed != nil {
			return *resumed
		}
	}
	return nil
}

// lapsed reports whether the lease is over by either clock: the monotonic one stands still while a machine sleeps, the other may be set.
func (g *Gate) lapsed() bool {
	end := g.lease.Load()
	if end == nil {
		return false
	}
	now := time.Now()
	return now.After(*end) || now.Round(0).After(end.Round(0))
}
