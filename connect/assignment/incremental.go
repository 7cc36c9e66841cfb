package assignment

import "time"

// Member is one of a group as an assignor sees it: its id, given by the coordinator, and what it says it still holds.
type Member struct {
	ID   string
	Held Work
}

// Round is what a leader knows when the group divides its work anew.
type Round struct {
	Configured Work // all there is to run
	Members    []Member
	// LastCompleted is the generation of the last assignment that the leader itself received, -1 for none; Current is the one that
	// the coordinator has just begun.
	LastCompleted, Current int32
}

// Share is what a round makes of one member's work. Keeps is all that it holds afterwards, New included, Revoked not.
type Share struct {
	New, Revoked, Keeps Work
}

// Plan is what a round decides.
type Plan struct {
	Shares map[string]Share // by member id; one for every member
	// Delay is how long members wait before they join again; whole milliseconds. Zero: nothing is scheduled.
	Delay time.Duration
}

// Incremental divides the work so that what runs keeps running where it is (KIP-415): a round assigns what nobody runs and revokes what
// must move, the next one assigns that. The work of a worker that has gone is held back for a delay, because the worker may return.
//
// It is the memory of a leader from round to round. A new leader begins with a new one, and so does not know what is lost; it assigns at
// once whatever is configured and not held. Not safe for concurrent use.
type Incremental struct {
	maxDelay time.Duration
	now      func() time.Time

	generation int32    // of the last round
	members    []string // of the last round
	assigned   set      // what ran, or should, after the last round
	revoked    set      // what the last round told members to stop
	delay      time.Duration
	scheduled  time.Time // when the delay ends; zero for none
	candidates []string  // members seen without work during the delay, first seen first
	streak     streak
}

// streak counts the rounds that revoke, or want to, one after the other.
type streak struct {
	revoking   bool // the last round that could revoke for balance did
	successive int  // rounds since then that wanted to again and had to wait
}

// NewIncremental makes the assignor of a worker that has not led before. maxDelay is scheduled.rebalance.max.delay.ms, in whole
// milliseconds; zero reassigns lost work at once. now is the clock.
func NewIncremental(maxDelay time.Duration, now func() time.Time) *Incremental {
	return &Incremental{maxDelay: maxDelay.Truncate(time.Millisecond), now: now, generation: -1}
}

// Scheduled is when the delayed rebalance that members wait for is due; zero if there is none.
func (a *Incremental) Scheduled() time.Time { return a.scheduled }

// Assign decides a round and remembers it. A round without members decides nothing. (IncrementalCooperativeAssignor.performTaskAssignment)
func (a *Incremental) Assign(r Round) Plan {
	if len(r.Members) == 0 {
		return Plan{}
	}
	loads := loadsOf(r.Members)
	configured := setOf(r.Configured)
	active, duplicated := survey(loads)
	a.reconcile(r.LastCompleted, active)

	deleted := a.assigned.minus(configured)
	lost := a.assigned.minus(active, deleted)
	created := configured.minus(a.assigned, active)
	for _, l := range loads {
		l.revoke(deleted)
		l.revoke(duplicated)
	}
	orphans := a.settleLost(lost, loads)
	a.rebalance(configured, loads)
	for k := range kinds {
		distribute(append(created.sorted(k), orphans.sorted(k)...), k, loads)
	}
	a.remember(r, loads, lost)
	return a.plan(loads)
}

// survey finds what anybody holds, and what more than one member does.
func survey(loads []*load) (active, duplicated set) {
	active, duplicated = set{}, set{}
	for _, l := range loads {
		for _, held := range l.keeps {
			for _, id := range held {
				if active.has(id) {
					duplicated.add(id)
				}
				active.add(id)
			}
		}
	}
	return active, duplicated
}

// reconcile corrects the memory of a round that did not happen as it was decided: it never completed, or what it revoked is still held.
func (a *Incremental) reconcile(lastCompleted int32, active set) {
	if a.generation != lastCompleted {
		a.assigned = nil
	}
	if a.revoked.meets(active) {
		a.assigned = active
	}
}

// rebalance revokes what keeps the load from being even, unless a delay runs. When the round before did so too, which tells of
// workers coming and going, it waits instead, longer each time; members will come back after the delay.
func (a *Incremental) rebalance(configured set, loads []*load) {
	if a.delay != 0 {
		a.streak.revoking = false
		return
	}
	if !findSurplus(configured, loads) {
		if a.streak.revoking { // as in Java, a streak that a delay has broken is still counted on
			a.streak = streak{}
		}
		return
	}
	if a.streak.revoking {
		a.streak.successive++
		a.delay = revocationBackoff(a.streak.successive, a.maxDelay)
		if a.delay != 0 {
			a.scheduled = a.now().Add(a.delay)
			return
		}
	}
	a.streak.revoking = true
	for _, l := range loads {
		l.revokeSurplus()
	}
}

// remember keeps the round for the next one. Lost work counts as assigned, else it would be taken for new.
func (a *Incremental) remember(r Round, loads []*load, lost set) {
	a.generation = r.Current
	a.members = make([]string, 0, len(loads))
	a.assigned, a.revoked = set{}, set{}
	for _, l := range loads {
		a.members = append(a.members, l.member)
		for _, kept := range l.keeps {
			a.assigned.addEach(kept)
		}
		a.revoked.addEach(l.revoked)
	}
	a.assigned.addAll(lost)
}

func (a *Incremental) plan(loads []*load) Plan {
	p := Plan{Shares: make(map[string]Share, len(loads)), Delay: a.delay}
	for _, l := range loads {
		p.Shares[l.member] = l.share()
	}
	return p
}
