package cluster

import (
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// lease is how long the work is this worker's for sure: until a session timeout after the last heartbeat that was answered well was sent. From
// then on the coordinator may have given it to others, whether or not this worker can know. It is safe for concurrent use.
type lease struct {
	gate    *kafkaclient.Gate
	session time.Duration

	mu    sync.Mutex
	until time.Time
	hold  hold
	gone  time.Time // since when hold is revoked or regained
}

// hold is what a worker has of its work.
type hold int

const (
	awaited  hold = iota // it has not had any
	granted              // the present assignment is in force
	revoked              // it is no member: the gate stays shut whatever the heartbeats say
	regained             // it is a member again, and has an assignment that is not in force yet
)

// beat prolongs the lease: the coordinator has answered a request that was sent then. Where the lease had run out it is good again, for the
// coordinator would have answered otherwise had it given the work away.
func (l *lease) beat(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := sent.Add(l.session); until.After(l.until) {
		l.until = until
	}
	if l.hold == granted && !l.gate.Extend(l.until) {
		l.gate.Resume(l.until)
	}
}

// assigned notes that an assignment has arrived, which grant is to put in force.
func (l *lease) assigned() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold == revoked {
		l.hold = regained
	}
}

// grant puts the assignment in force, unless the membership that it came with has been lost since: what was assigned then may be others' by now.
func (l *lease) grant() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold == revoked {
		return
	}
	l.hold = granted
	l.gate.Resume(l.until)
}

// revoke ends the lease at once: this worker is no member any more. Until the next grant nothing is written. It returns whether that is new.
func (l *lease) revoke() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := !l.isRevoked()
	if had {
		l.gone = time.Now()
	}
	l.hold = revoked
	l.gate.Suspend()
	return had
}

// lost is since when this worker has not been a member for sure; zero while it is one, and before it was one.
func (l *lease) lost() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.isRevoked():
		return l.gone
	case l.hold == granted && !time.Now().Before(l.until):
		return l.until
	}
	return time.Time{}
}

// good reports whether this worker is a member for sure.
func (l *lease) good() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.isRevoked() && time.Now().Before(l.until)
}

func (l *lease) isRevoked() bool { return l.hold == revoked || l.hold == regained }
