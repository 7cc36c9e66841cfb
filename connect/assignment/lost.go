package assignment

import (
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect/javahash"
	"github.com/sluice-connect/sluice/connect/stores"
)

// settleLost decides about work that was assigned and that nobody holds any more: it is held back for a delay, or returned to be
// assigned like new work, or, when the delay is over, given to the members that came without work meanwhile, among which will be the
// worker that ran it. (IncrementalCooperativeAssignor.handleLostAssignments)
func (a *Incremental) settleLost(lost set, loads []*load) (orphans set) {
	now := a.now()
	switch {
	case len(lost) == 0 && !a.streak.revoking:
		a.endDelay()
	case a.scheduled.IsZero() && a.allReturned(loads), a.maxDelay == 0:
		// Nobody has gone: a member did not receive what it was given.
		return lost
	case !a.scheduled.IsZero() && !now.Before(a.scheduled):
		candidates := a.present(loads)
		a.endDelay()
		a.streak.revoking = false
		if len(candidates) == 0 {
			return lost
		}
		for k := range kinds {
			deal(lost.sorted(k), candidates)
		}
	default:
		a.holdBack(now, loads)
	}
	return nil
}

// allReturned reports that every member of the last round is in this one.
func (a *Incremental) allReturned(loads []*load) bool {
	for _, member := range a.members {
		if !slices.ContainsFunc(loads, func(l *load) bool { return l.member == member }) {
			return false
		}
	}
	return true
}

// holdBack begins the delay, or computes what is left of it.
func (a *Incremental) holdBack(now time.Time, loads []*load) {
	var idle []string
	for _, l := range loads {
		if l.empty() {
			idle = append(idle, l.member)
		}
	}
	javahash.Sort(idle, func(member string) string { return member })
	a.candidates = without(nil, a.candidates, idle)
	a.delay = a.maxDelay
	if !a.scheduled.IsZero() {
		a.delay = min(wholeMilliseconds(a.scheduled.Sub(now)), a.maxDelay)
	}
	a.scheduled = now.Add(a.delay)
}

func (a *Incremental) endDelay() {
	a.candidates, a.scheduled, a.delay = nil, time.Time{}, 0
}

// present are the loads of those candidates that are still members, in the order of their first appearance.
func (a *Incremental) present(loads []*load) []*load {
	var present []*load
	for _, member := range a.candidates {
		if i := slices.IndexFunc(loads, func(l *load) bool { return l.member == member }); i >= 0 {
			present = append(present, loads[i])
		}
	}
	return present
}

// deal gives the items out one by one, round and round.
func deal(items []stores.TaskID, loads []*load) {
	for i, id := range items {
		loads[i%len(loads)].give(id)
	}
}

// wholeMilliseconds rounds up: a delay rounded down to zero would tell members that there is none.
func wholeMilliseconds(d time.Duration) time.Duration {
	whole := d.Truncate(time.Millisecond)
	if whole < d {
		whole += time.Millisecond
	}
	return whole
}
