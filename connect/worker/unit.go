package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// unit is the place of one connector or one task in the worker. It is level-triggered: told what is wanted, it converges, on a goroutine of
// its own. Whoever tells it never waits, and a plugin that hangs in start or stop holds up its own unit only.
type unit[S any] struct {
	log   *slog.Logger
	grace time.Duration
	// start begins a life; it returns at once.
	start func(spec S, target TargetState) *life
	// gone is called when the unit has ended what it ran because it was removed.
	gone func()

	mu      sync.Mutex
	want    wanted[S]
	closed  bool          // run has decided to return
	leaving chan struct{} // not nil while removal is wanted; closed when it is over, or wanted no longer
	changed chan struct{} // capacity 1
	ended   chan struct{}
}

// wanted is what a unit should run.
type wanted[S any] struct {
	spec     S
	revision revision
	target   TargetState
	remove   bool
}

// revision numbers what is run: another one is another life.
type revision struct{ spec, restarts int64 }

// life is one start of a connector or a task, until its end.
type life struct {
	target func(TargetState) // changes it; returns at once
	stop   func()            // asks it to finish; returns at once
	kill   func()            // ends its connections and silences its status; returns at once
	done   <-chan struct{}
}

func (u *unit[S]) launch(first wanted[S]) {
	u.want, u.changed, u.ended = first, make(chan struct{}, 1), make(chan struct{})
	go u.run()
}

// set changes what is wanted. It returns false where the unit has ended meanwhile.
func (u *unit[S]) set(change func(*wanted[S])) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	change(&u.want)
	switch {
	case u.want.remove && u.leaving == nil:
		u.leaving = make(chan struct{})
	case !u.want.remove:
		u.left()
	}
	select {
	case u.changed <- struct{}{}:
	default:
	}
	return true
}

// left tells who waits for the removal. The caller holds the lock.
func (u *unit[S]) left() {
	if u.leaving != nil {
		close(u.leaving)
		u.leaving = nil
	}
}

// removal is closed when the removal that is wanted is over; nil where none is.
func (u *unit[S]) removal() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.leaving
}

func (u *unit[S]) wanted() wanted[S] {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.want
}

// close ends the unit unless it is wanted again.
func (u *unit[S]) close() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed = u.want.remove; u.closed {
		u.left()
	}
	return u.closed
}

func (u *unit[S]) run() {
	defer close(u.ended)
	var (
		current *life
		running revision
		target  TargetState
	)
	for {
		want := u.wanted()
		if current != nil && (want.remove || want.revision != running) {
			u.end(current)
			current = nil
		}
		if want.remove {
			if u.close() {
				u.gone()
				return
			}
			continue
		}
		if current == nil {
			current, running = u.start(want.spec, want.target), want.revision
		} else if want.target != target {
			current.target(want.target)
		}
		target = want.target
		<-u.changed
	}
}

// end stops a life. One that does not end in time is left behind: its clients are cut off, so that whatever its goroutine still does reaches
// nobody (Java's zombies go on producing until their next poll).
func (u *unit[S]) end(l *life) {
	l.stop()
	timer := time.NewTimer(u.grace)
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
		u.log.Error("graceful stop failed: the plugin does not return from a call; abandoned, its connections are cut",
			"waited", u.grace.String(), "key", "task.shutdown.graceful.timeout.ms")
		l.kill()
	}
}

// lifetime makes the two contexts of a life: stop, with a cause, and kill.
func lifetime() (stop context.Context, end context.CancelCauseFunc, kill context.Context, cut context.CancelFunc) {
	kill, cut = context.WithCancel(context.Background())
	stop, end = context.WithCancelCause(kill)
	return stop, end, kill, cut
}
