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
}

func (s *stage) enter(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.since = what, time.Now()
}

func (s *stage) began() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

func (s *stage) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("The worker is currently %s, which began at %s.", s.what, s.since.UTC().Format(time.RFC3339Nano))
}
