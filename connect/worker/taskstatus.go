package worker

import "sync"

// taskStatus remembers what a task's status says, so that its state and its complaint can change independently, and publishes each change
// once. A task that has finished or was abandoned is mute: why it failed, or its successor's status, must not be overwritten.
type taskStatus struct {
	publish func(state State, trace string)

	mu    sync.Mutex
	state State
	trace string
	mute  bool
}

// set publishes a state, with the complaint there is.
func (s *taskStatus) set(state State) { s.change(func() { s.state = state }) }

// complain publishes why the task waits; "" takes it back. Before a task runs for the first time its complaint makes it RUNNING for
// Java's tools: a task that waits for its system to appear is neither unassigned nor failed.
func (s *taskStatus) complain(trace string) {
	s.change(func() {
		s.trace = trace
		if s.state == Unassigned {
			s.state = Running
		}
	})
}

// finish publishes the last state of a task's life.
func (s *taskStatus) finish(state State, trace string) {
	s.change(func() { s.state, s.trace = state, trace })
	s.silence()
}

// silence ends all publishing.
func (s *taskStatus) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
}

func (s *taskStatus) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, trace := s.state, s.trace
	do()
	if !s.mute && (s.state != state || s.trace != trace) {
		s.publish(s.state, s.trace)
	}
}
