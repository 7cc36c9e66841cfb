package worker

import (
	"sync"

	"github.com/sluice-connect/sluice/connect/stores"
)

// The words of the status topic, which the worker shares with the stores.
type (
	TaskID      = stores.TaskID
	State       = stores.State
	TargetState = stores.TargetState
)

// States and target states, as the status and config topics have them.
const (
	Unassigned = stores.StateUnassigned
	Running    = stores.StateRunning
	Paused     = stores.StatePaused
	Failed     = stores.StateFailed
	Restarting = stores.StateRestarting
	Stopped    = stores.StateStopped
)

// shown is the state of a connector that does what its target says.
func shown(t TargetState) State {
	switch t {
	case stores.Paused:
		return Paused
	case stores.Stopped:
		return Stopped
	}
	return Running
}

// StatusSink takes what connectors and tasks say of themselves. Its methods return at once: a status topic out of reach must not hold up a task.
type StatusSink interface {
	ConnectorStatus(name string, state State, trace, version string)
	TaskStatus(id TaskID, state State, trace, version string)
}

// silenceable passes changes of a status on until it is silenced: an abandoned life must not overwrite what its successor says.
type silenceable struct {
	to func(state State, trace, version string)

	mu    sync.Mutex
	mute  bool
	state State
	trace string
}

func newSilenceable(to func(state State, trace, version string)) *silenceable {
	return &silenceable{to: to}
}

func (s *silenceable) publish(state State, trace, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mute && (state != s.state || trace != s.trace) {
		s.state, s.trace = state, trace
		s.to(state, trace, version)
	}
}

func (s *silenceable) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
}
