package worker

import (
	"context"
	"sync"
)

// target is whether a connector's tasks are to work or to pause. One value is shared by whoever changes it and the task that follows it.
type target struct {
	mu      sync.Mutex
	paused  bool
	resumed chan struct{} // closed when a pause ends
	working context.Context
	halt    context.CancelFunc
}

func newTarget(paused bool) *target {
	return &target{paused: paused, resumed: make(chan struct{})}
}

// set changes the target; the same again changes nothing.
func (t *target) set(paused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == paused {
		return
	}
	t.paused = paused
	if paused {
		t.resumed = make(chan struct{})
		if t.halt != nil {
			t.halt()
			t.working, t.halt = nil, nil
		}
		return
	}
	close(t.resumed)
}

// context returns a context that ends with the next pause, or else the channel that closes when the present one ends.
func (t *target) context(parent context.Context) (context.Context, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused {
		return nil, t.resumed
	}
	if t.working == nil {
		t.working, t.halt = context.WithCancel(parent)
	}
	return t.working, nil
}

// release frees the context when the task ends.
func (t *target) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.halt != nil {
		t.halt()
		t.working, t.halt = nil, nil
	}
}
