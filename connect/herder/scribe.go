package herder

import (
	"context"
	"time"
)

// scribe writes to the config topic for the herder, one job at a time. Its queue is bounded; whoever asks waits for a place.
type scribe struct {
	jobs chan job
}

type job struct {
	do   func(ctx context.Context) error
	ctx  context.Context
	done chan<- error
}

const (
	scribeQueue     = 64
	rewriteFirst    = 250 * time.Millisecond // the steps of DistributedHerder's back-off for task configurations
	rewriteAtMost   = time.Minute
	unattendedLimit = time.Minute
)

func newScribe() *scribe { return &scribe{jobs: make(chan job, scribeQueue)} }

func (s *scribe) run(ctx context.Context) {
	for {
		select {
		case j := <-s.jobs:
			j.done <- j.do(j.ctx)
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

// until runs do until it succeeds or ctx ends.
func (s *scribe) until(ctx context.Context, do func(ctx context.Context) error, failed func(err error, next time.Duration)) {
	for pause := rewriteFirst; ; pause = min(2*pause, rewriteAtMost) {
		attempt, cancel := context.WithTimeout(ctx, unattendedLimit)
		err := s.now(attempt, do)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		failed(err, pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
