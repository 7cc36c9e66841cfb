package remote

import "sync"

// errands are what a stream's reader must not wait for: one goroutine runs them in turn, as long as there are some.
type errands struct {
	group *sync.WaitGroup

	mu    sync.Mutex
	queue []func()
	busy  bool
}

// maxErrands is how many may wait.
const maxErrands = 10_000

// add is for the stream's reader, which is of the group. It returns false when too many wait.
func (e *errands) add(errand func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == maxErrands {
		return false
	}
	e.queue = append(e.queue, errand)
	if !e.busy {
		e.busy = true
		e.group.Go(e.run)
	}
	return true
}

func (e *errands) run() {
	for {
		e.mu.Lock()
		if len(e.queue) == 0 {
			e.busy = false
			e.mu.Unlock()
			return
		}
		next := e.queue[0]
		e.queue = e.queue[1:]
		e.mu.Unlock()
		next()
	}
}
