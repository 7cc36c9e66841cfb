package herder

import (
	"fmt"
	"sync"
	"time"
)

// stage remembers what the herder is doing, so that a request that waits in vain can say for what (org.apache.kafka.connect.util.Stage).
type stage struct {
	mu    sync.Mutex
	what  string
	since time.Time
	over  time.Time // zero while it lasts
}

func (s *stage) enter(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.since, s.over = what, time.Now(), time.Time{}
}

// complete says that it is over; what comes next has no name.
func (s *stage) complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = time.Now()
}

func (s *stage) began() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

func (s *stage) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over.IsZero() {
		return fmt.Sprintf("The worker is currently %s, which began at %s.", s.what, instant(s.since))
	}
	return fmt.Sprintf("The last operation the worker completed was %s, which began at %s and completed at %s.", s.what, instant(s.since), instant(s.over))
}

// instant is a time as Java writes it, to the millisecond.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
