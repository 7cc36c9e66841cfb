package herder

import (
	"context"
	"sync/atomic"
	"time"
)

// scribe writes to the config topic for the herder, one job at a time. Its queue is bounded; whoever asks waits for a place.
type scribe struct {
	jobs chan job
	busy atomic.Pointer[time.Time] // since when there is a job in hand; nil for none
}

type job struct {
	do   func(ctx context.Context) error
	ctx  context.Context
	done chan<- error
}

const scribeQueue = 64

func newScribe() *scribe { return &scribe{jobs: make(chan job, scribeQueue)} }

func (s *scribe) run(ctx context.Context) {
	for {
		select {
		case j := <-s.jobs:
			began := time.Now()
			s.busy.Store(&began)
			err := j.do(j.ctx)
			s.busy.Store(nil)
			j.done <- err
		case <-ctx.Done():
			return
		}
	}
}

// now runs do and returns its error, or ctx's where that ends first; do may then still take effect.
func (s *scribe) now(ctx context.Context, do func(ctx context.Context) error) error {
	done := make(chan error, 1)
	select {
	case s.jobs <- job{do: do, ctx: ctx, done: done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
