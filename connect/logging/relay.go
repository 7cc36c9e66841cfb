package logging

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
)

// Relay is a handler of log lines before it is known where they go. It is safe for concurrent use, and loggers made of it follow every change.
type Relay struct {
	target *atomic.Pointer[slog.Handler]
	steps  []func(slog.Handler) slog.Handler // attributes and groups, in their order
}

// NewRelay returns a relay to a handler, until [Relay.To] names another.
func NewRelay(first slog.Handler) *Relay {
	r := &Relay{target: new(atomic.Pointer[slog.Handler])}
	r.To(first)
	return r
}

// To has lines go to another handler from now on.
func (r *Relay) To(next slog.Handler) { r.target.Store(&next) }

// Enabled implements slog.Handler.
func (r *Relay) Enabled(ctx context.Context, level slog.Level) bool {
	return r.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (r *Relay) Handle(ctx context.Context, record slog.Record) error {
	return r.handler().Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (r *Relay) WithAttrs(attrs []slog.Attr) slog.Handler {
	return r.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (r *Relay) WithGroup(name string) slog.Handler {
	return r.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (r *Relay) with(step func(slog.Handler) slog.Handler) *Relay {
	return &Relay{target: r.target, steps: append(slices.Clip(r.steps), step)}
}

func (r *Relay) handler() slog.Handler {
	h := *r.target.Load()
	for _, step := range r.steps {
		h = step(h)
	}
	return h
}
