package worker

import (
	"context"
	"time"
)

// look looks whether values that a life uses are others by now. The answer holds for a while, 0 for ever.
type look func(ctx context.Context) (changed bool, holds time.Duration, err error)

// renewal is when what a unit runs has its values looked at. The unit's lock guards it.
type renewal struct {
	look    look
	pause   time.Duration // between two looks
	due     time.Time     // zero for never, and while somebody looks
	looking chan struct{} // not nil while somebody looks; closed at the end of that
}

// lookTime bounds one look; a provider that hangs holds up nothing but the next one.
const lookTime = 30 * time.Second

// end is the end of a life's values; who looks at them is left to it.
func (r *renewal) end() { r.look, r.due = nil, time.Time{} }

// expires notes that a life uses values for a while only.
func (u *unit[S]) expires(number int, in time.Duration, look look) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if number != u.lives {
		return
	}
	u.renewal.look, u.renewal.pause, u.renewal.due = look, in, time.Now().Add(in)
	u.wake()
}

// lookAgain looks at the values where that is due, on a goroutine of its own: what they come from may take its time. One that does not return is left
// behind when ctx ends.
func (u *unit[S]) lookAgain(ctx context.Context) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := &u.renewal
	if r.due.IsZero() || time.Now().Before(r.due) {
		return
	}
	if r.looking != nil {
		r.due = time.Now().Add(r.pause)
		return
	}
	number, look, done := u.lives, r.look, make(chan struct{})
	r.due, r.looking = time.Time{}, done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		var changed bool
		var holds time.Duration
		err := guard("the config provider", func() (err error) {
			changed, holds, err = look(ctx)
			return err
		})
		u.found(number, changed, holds, err)
	}()
}

// found takes in what a look has found: other values are another life, the same ones are looked at again in time.
func (u *unit[S]) found(number int, changed bool, holds time.Duration, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := &u.renewal
	r.looking = nil
	if number != u.lives {
		return
	}
	switch {
	case err != nil:
		u.log.Warn("values of config providers cannot be looked up, what was found before is still used", "error", err, "next", r.pause.String())
		r.due = time.Now().Add(r.pause)
	case changed:
		u.log.Info("values of config providers have changed, restarting", "key", "config.action.reload")
		u.want.revision.renewals++
	case holds > 0:
		r.pause, r.due = holds, time.Now().Add(holds)
	}
	u.wake()
}

// looked waits for a look under way, whose context has ended, as long as for anything that has to stop.
func (u *unit[S]) looked() {
	u.mu.Lock()
	looking := u.renewal.looking
	u.mu.Unlock()
	if looking == nil {
		return
	}
	timer := time.NewTimer(u.grace)
	defer timer.Stop()
	select {
	case <-looking:
	case <-timer.C:
		u.log.Error("a config provider does not return; abandoned", "waited", u.grace.String())
	}
}
