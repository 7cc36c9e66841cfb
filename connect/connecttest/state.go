package connecttest

import (
	"sync"
	"time"
)

// state guards what the test's goroutine and those of the runtime share, and wakes whoever waits for a change of it.
type state struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// update changes something and tells those who wait.
func (s *state) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// await waits until met is true, which is called under the lock, or until end is closed or d is over (0: no limit). It returns whether met
// was true.
func (s *state) await(d time.Duration, end <-chan struct{}, met func() bool) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	for {
		s.mu.Lock()
		if met() {
			s.mu.Unlock()
			return true
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-end:
			return false
		case <-over:
			return false
		}
	}
}
