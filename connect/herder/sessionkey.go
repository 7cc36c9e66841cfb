package herder

import (
	"context"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// keysmith has the leader write another session key when there is none, when it has come of age, or when it is not of the kind that this
// worker's settings ask for. A new leader goes on from the old one's key, so that keys change at an even pace.
type keysmith struct {
	policy   KeyPolicy
	standing func() Standing
	known    func() *stores.SessionKey
	write    func(ctx context.Context, key stores.SessionKey) error
	failed   func(error)
	nudged   chan struct{} // capacity 1
}

// rekeyPause is between two tries to write a key.
const rekeyPause = time.Second

// check has the smith look again. It returns at once.
func (s *keysmith) check() {
	select {
	case s.nudged <- struct{}{}:
	default:
	}
}

// run lasts until ctx ends.
func (s *keysmith) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := s.rest(time.Now())
		if wait <= 0 {
			if err := s.write(ctx, stores.SessionKey{Key: s.policy.newKey(), Algorithm: s.policy.KeyAlgorithm, Created: time.Now()}); err != nil {
				s.failed(err)
			}
			wait = rekeyPause // what was written has been read back, or is tried again
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.nudged:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// never is longer than any worker lives.
const never = 100 * 365 * 24 * time.Hour

// rest is how long the present key is good for, seen from here; 0 asks for another at once.
func (s *keysmith) rest(now time.Time) time.Duration {
	standing, key := s.standing(), s.known()
	switch {
	case !standing.Leads || !standing.Signed:
		return never
	case key == nil, !strings.EqualFold(key.Algorithm, s.policy.KeyAlgorithm), len(key.Key) != s.policy.size():
		return 0
	case s.policy.LifetimeMillis == 0:
		return never
	}
	return max(0, key.Created.Add(time.Duration(s.policy.LifetimeMillis)*time.Millisecond).Sub(now))
}
