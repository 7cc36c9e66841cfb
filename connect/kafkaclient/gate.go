package kafkaclient

import (
	"sync"
	"sync/atomic"
)

// Gate stops the writing of all connections that were dialled through it. A worker whose lease on its work has run out suspends its
// gate: what the tasks would still send waits, and goes on when the lease is renewed. The zero value is open. Safe for concurrent use.
//
// A write that was already handed to the operating system when Suspend is called still arrives.
type Gate struct {
	mu   sync.Mutex
	shut atomic.Pointer[chan struct{}] // nil while open; closed by Resume
}

// Suspend makes writes wait. It does not wait for those under way.
func (g *Gate) Suspend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Load() == nil {
		resumed := make(chan struct{})
		g.shut.Store(&resumed)
	}
}

// Resume lets writes go on.
func (g *Gate) Resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if resumed := g.shut.Swap(nil); resumed != nil {
		close(*resumed)
	}
}

// Suspended reports whether writes wait.
func (g *Gate) Suspended() bool { return g.shut.Load() != nil }
