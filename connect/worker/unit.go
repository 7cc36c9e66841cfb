package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect/restart"
)

// unit is the place of one connector or one task in the worker. It is level-triggered: told what is wanted, it converges, on a goroutine of
// its own. Whoever tells it never waits, and a plugin that hangs in start or stop holds up its own unit only. What has failed it starts again,
// where the policy says so; what uses values that may change it has look at them.
type unit[S any] struct {
	log   *slog.Logger
	grace time.Duration
	// start begins a life; it returns at once.
	start func(spec S, target TargetState, tell oversight) *life
	// policy is how failures are followed by restarts.
	policy func(spec S) restart.Policy
	// say publishes a status of what is here; it returns at once.
	say     func(state State, trace, version string)
	metrics restartMetrics
	// gone is called when the unit has ended what it ran because it was removed.
	gone func()

	mu       sync.Mutex
	want     wanted[S]
	closed   bool          // run has decided to return
	leaving  chan struct{} // not nil while removal is wanted; closed when it is over, or wanted no longer
	lives    int           // numbers them, so that one that was given up is not heard any more
	recovery recovery
	renewal  renewal
	changed  chan struct{} // capacity 1
	ended    chan struct{}
}

// wanted is what a unit should run.
type wanted[S any] struct {
	spec     S
	revision revision
	wish     wish
	remove   bool
}

// wish is a target, and which one of the connector's life it is: the same again is another wish.
type wish struct {
	target TargetState
	number int64
}

// revision numbers what is run: another one is another life.
type revision struct{ spec, restarts, renewals int64 }

// life is one start of a connector or a task, until its end.
type life struct {
	target func(TargetState) // changes it; returns at once
	stop   func()            // asks it to finish; returns at once
	kill   func()            // ends its connections and silences its status; returns at once
	done   <-chan struct{}
}

// oversight is what a life tells its unit. Any goroutine may call it; it returns at once.
type oversight struct {
	// failed publishes that the life has failed, and has it followed by another where the policy says so. The life says nothing after it.
	failed func(trace, version string)
	// expires says that the life uses values which may be others after a while.
	expires func(in time.Duration, look look)
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
	u.wake()
	return true
}

func (u *unit[S]) wake() {
	select {
	case u.changed <- struct{}{}:
	default:
	}
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
	looking, endLooking := context.WithCancel(context.Background())
	defer endLooking()
	var (
		current *life
		running revision
		granted wish
	)
	for {
		want, again := u.next()
		again = again && current != nil && want.revision == running
		if current != nil && (want.remove || want.revision != running || again) {
			u.end(current)
			current = nil
		}
		if want.remove {
			if u.close() {
				endLooking()
				u.looked()
				u.gone()
				return
			}
			continue
		}
		if current == nil {
			current, running = u.begin(want, again), want.revision
		} else if want.wish != granted {
			current.target(want.wish.target)
		}
		granted = want.wish
		u.await(looking)
	}
}

// next is what is wanted, and whether it is time to start again what has failed.
func (u *unit[S]) next() (want wanted[S], again bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reconsider()
	return u.want, u.recovery.dueAt(time.Now())
}

// begin begins a life. again means that the one before it has failed; otherwise the failures of former ones are forgotten.
func (u *unit[S]) begin(want wanted[S], again bool) *life {
	policy := u.policy(want.spec)
	u.mu.Lock()
	u.lives++
	number := u.lives
	u.recovery.begin(policy, time.Now(), again)
	if policy.OnFailure {
		u.metrics.next(time.Time{})
	}
	u.renewal.end()
	u.mu.Unlock()
	if again {
		u.metrics.begun()
		u.say(Restarting, "", "")
	}
	return u.start(want.spec, want.wish.target, oversight{
		failed:  func(trace, version string) { u.failed(number, trace, version) },
		expires: func(in time.Duration, look look) { u.expires(number, in, look) },
	})
}

// await waits until something has changed or is due.
func (u *unit[S]) await(looking context.Context) {
	due := u.due()
	if due.IsZero() {
		<-u.changed
		return
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-u.changed:
	case <-timer.C:
		u.lookAgain(looking)
	}
}

// due is when there is something to do unless it is told before; zero for never.
func (u *unit[S]) due() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := u.recovery.due
	if look := u.renewal.due; !look.IsZero() && (due.IsZero() || look.Before(due)) {
		due = look
	}
	return due
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
		u.disown()
		l.kill()
	}
}

// disown has the unit not hear the present life any more.
func (u *unit[S]) disown() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lives++
}

// lifetime makes the two contexts of a life: stop, with a cause, and kill.
func lifetime() (stop context.Context, end context.CancelCauseFunc, kill context.Context, cut context.CancelFunc) {
	kill, cut = context.WithCancel(context.Background())
	stop, end = context.WithCancelCause(kill)
	return stop, end, kill, cut
}
