package stores

import (
	"context"
	"errors"
)

var errRefused = errors.New("refused")

// failing is a journal that nothing can be written to.
type failing struct{ journal }

func (failing) Send(context.Context, ...Record) error { return errRefused }

// refusing is a journal whose first attempt at writing fails: it tells asked, waits for release to be closed, and is refused.
type refusing struct {
	journal
	asked, release chan struct{}
}

func newRefusing(inner journal) *refusing {
	return &refusing{journal: inner, asked: make(chan struct{}), release: make(chan struct{})}
}

func (r *refusing) Send(ctx context.Context, records ...Record) error {
	select {
	case <-r.release:
		return r.journal.Send(ctx, records...)
	case r.asked <- struct{}{}:
		<-r.release
		return errRefused
	}
}

// refusingStatuses is a status store on such a journal.
func refusingStatuses() (*StatusStore, *refusing) {
	s := &StatusStore{logger: orDiscard(nil)}
	journal := newRefusing(&memory{deliver: s.replay})
	s.journal, s.outbox = journal, newOutbox(journal.Send, "writing statuses", new(Outages), s.logger)
	return s, journal
}
