package assignment

import (
	"fmt"
	"time"
)

// Error is the leader's word on a round.
type Error int16

const (
	// NoError says that the round divided the work.
	NoError Error = 0
	// ConfigMismatch says that it did not: the leader has read less of the config topic than another member. All read on and join again.
	ConfigMismatch Error = 1
)

// Assignment is the leader's answer to one member: the assignment of its SyncGroup response. In [Eager] it lists all work of the member,
// in the other protocols only what is new for it and what it must stop.
type Assignment struct {
	Error        Error
	Leader       string // the leader's member id
	LeaderURL    string
	ConfigOffset int64 // of the configuration that was divided; a member starts nothing before it has just this one
	Assigned     Work
	Revoked      Work
	// Delay is after how long the member joins again, for a scheduled rebalance; zero for none. Milliseconds on the wire, rounded up.
	Delay time.Duration
}

// Encode writes the assignment in the protocol's bytes; [Eager] has neither Revoked nor Delay. It fails if a name or the URL is too long
// for the protocol.
func (a Assignment) Encode(p Protocol) ([]byte, error) {
	w := &writer{}
	w.assignment(p, a)
	if w.err != nil {
		return nil, fmt.Errorf("writing an assignment: %w", w.err)
	}
	return w.bytes, nil
}

func (w *writer) assignment(p Protocol, a Assignment) {
	w.int16(p.Version())
	w.int16(int16(a.Error))
	w.string("leader's member id", a.Leader)
	w.string("leader's URL", a.LeaderURL)
	w.int64(a.ConfigOffset)
	w.work(a.Assigned)
	if p != Eager {
		w.work(a.Revoked)
		w.milliseconds(a.Delay)
	}
}

// DecodeAssignment reads an assignment by the layout of the protocol which the group has chosen. The layout of Eager is the beginning of
// the later one, where what is missing at the end is none. Any version that is not negative will do, and bytes at the end that the
// layout does not know are ignored. No bytes at all, which a coordinator hands to a member that its leader forgot, are an error. Errors
// are [ErrMalformed].
func DecodeAssignment(p Protocol, b []byte) (Assignment, error) {
	r := &reader{left: b}
	a := r.assignment(p)
	if r.err != nil {
		return Assignment{}, fmt.Errorf("reading an assignment: %w", r.err)
	}
	return a, nil
}

func (r *reader) assignment(p Protocol) Assignment {
	r.version()
	a := Assignment{
		Error:        Error(r.int16("error")),
		Leader:       r.string("leader"),
		LeaderURL:    r.string("leader-url"),
		ConfigOffset: r.int64("config-offset"),
	}
	if p == Eager {
		a.Assigned = r.work("assignment", false)
		return a
	}
	if r.more() {
		a.Assigned = r.work("assignment", true)
	}
	if r.more() {
		a.Revoked = r.work("revoked", true)
	}
	if r.more() {
		a.Delay = time.Duration(r.int32("delay")) * time.Millisecond
	}
	return a
}
