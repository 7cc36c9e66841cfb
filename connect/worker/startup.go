package worker

import "sync/atomic"

// startup notes once what became of the start of a life.
type startup struct {
	note func(good bool)
	told atomic.Bool
}

// over says that the start has succeeded or failed.
func (s *startup) over(good bool) {
	if !s.told.Swap(true) {
		s.note(good)
	}
}

// shows takes what the life publishes of itself: one that works, or is paused, has started.
func (s *startup) shows(state State, trace string) {
	if state == Paused || state == Running && trace == "" {
		s.over(true)
	}
}
