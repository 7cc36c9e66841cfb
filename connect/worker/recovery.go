package worker

import (
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect/restart"
	"github.com/sluice-connect/sluice/connect/stores"
)

// recovery is what a unit knows of the failures of what it runs. The unit's lock guards it.
type recovery struct {
	policy   restart.Policy
	attempts restart.Attempts
	began    time.Time // when the present life did
	lived    time.Duration
	failure  *lastWords // nil while the present life has not failed
	due      time.Time  // of the restart; zero for none
}

// lastWords are those of a life that has failed.
type lastWords struct{ trace, version string }

// begin is the start of a life.
func (r *recovery) begin(p restart.Policy, now time.Time, again bool) {
	if !again {
		r.attempts.Reset()
	}
	r.policy, r.began, r.failure, r.due = p, now, nil, time.Time{}
}

// schedule counts a failure and says when it is followed by a restart.
func (r *recovery) schedule(now time.Time) {
	if wait, ok := r.attempts.Next(r.policy, r.lived); ok {
		r.due = now.Add(wait)
	}
}

// dueAt reports whether it is time for the restart.
func (r *recovery) dueAt(now time.Time) bool { return !r.due.IsZero() && !now.Before(r.due) }

// trace is what the status says of the failure: what happens next, and the cause. The state is FAILED for everybody who reads states.
func (r *recovery) trace() string {
	cause := r.failure.trace
	switch attempt, of := r.attempts.Made(), r.policy.MaxAttempts; {
	case !r.due.IsZero() && of < 0:
		return fmt.Sprintf("FAILED, next restart at %s (attempt %d): %s", r.due.UTC().Format(time.RFC3339), attempt, cause)
	case !r.due.IsZero():
		return fmt.Sprintf("FAILED, next restart at %s (attempt %d of %d): %s", r.due.UTC().Format(time.RFC3339), attempt, of, cause)
	case attempt > 0:
		return fmt.Sprintf("FAILED, restarted %d times in vain (sluice.restart.max.attempts): %s", attempt, cause)
	}
	return cause
}

// failed takes a life's last words, publishes them, and has it followed by another where the policy says so: not while it is to be paused, stopped or
// removed.
func (u *unit[S]) failed(number int, trace, version string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if number != u.lives {
		return
	}
	r := &u.recovery
	r.failure, r.lived = &lastWords{trace, version}, time.Since(r.began)
	if u.want.wish.target == stores.Started && !u.want.remove {
		r.schedule(time.Now())
	}
	if !r.due.IsZero() {
		u.log.Info("what has failed will be restarted", "at", r.due.UTC().Format(time.RFC3339), "attempt", r.attempts.Made())
	}
	u.publishFailure()
	u.wake()
}

// reconsider gives the restart up that is due where it is not wanted any more, and has one follow where it is wanted again: a pause ends the
// waiting, and what is resumed begins with its first attempt. The caller holds the lock.
func (u *unit[S]) reconsider() {
	r := &u.recovery
	if r.failure == nil || u.want.remove {
		return
	}
	switch started := u.want.wish.target == stores.Started; {
	case !started && (!r.due.IsZero() || r.attempts.Made() > 0):
		r.due = time.Time{}
		r.attempts.Reset()
	case started && r.due.IsZero() && r.attempts.Made() == 0 && r.policy.OnFailure && r.policy.MaxAttempts != 0:
		r.schedule(time.Now())
	default:
		return
	}
	u.publishFailure()
}

// publishFailure makes the status that of the failure. The caller holds the lock, so that what is published last is what holds.
func (u *unit[S]) publishFailure() {
	r := &u.recovery
	if r.policy.OnFailure {
		u.metrics.next(r.due)
	}
	u.say(Failed, r.trace(), r.failure.version)
}
