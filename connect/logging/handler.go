package logging

import (
	"context"
	"log/slog"
)

// Handler lets those lines through to next that are severe enough for their loggers. next should write all that it gets.
func (l *Levels) Handler(next slog.Handler) slog.Handler { return &handler{next, l} }

type handler struct {
	next   slog.Handler
	levels *Levels
}

// Enabled implements slog.Handler. It does not know whose line it will be, so it goes by the lowest level of all.
func (h *handler) Enabled(_ context.Context, severity slog.Level) bool {
	return Level(severity) >= h.levels.now.Load().lowest
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if t := h.levels.now.Load(); Level(r.Level) < t.highest && Level(r.Level) < h.levels.threshold(t, r.PC) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// threshold is the level that a line has to reach.
func (l *Levels) threshold(t *thresholds, pc uintptr) Level {
	if pc == 0 {
		return t.root
	}
	logger, known := l.components.Load(pc) // as many as there are places that log
	if !known {
		logger = loggerOf(pc)
		l.components.Store(pc, logger)
	}
	if level, ok := t.of[logger.(string)]; ok {
		return level
	}
	return t.root
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(attrs), h.levels}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.levels}
}
