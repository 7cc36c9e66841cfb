package worker

import (
	"maps"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// rewinds gathers what a sink plugin asked to read again, from whichever goroutine, until the task's goroutine sees to it.
type rewinds struct {
	mu     sync.Mutex
	wanted connect.Offsets
}

func (r *rewinds) add(offsets connect.Offsets) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted == nil {
		r.wanted = connect.Offsets{}
	}
	maps.Copy(r.wanted, offsets)
}

func (r *rewinds) take() connect.Offsets {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := r.wanted
	r.wanted = nil
	return wanted
}
