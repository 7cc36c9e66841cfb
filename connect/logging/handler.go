package logging

import (
	"context"
	"log/slog"
)

// Handler lets those lines through to next that are severe enough for their loggers. next should write all that it gets.
func (l *Levels) Handler(next slog.Handler) slog.Handler { return &handler{next: next, levels: l} }

// Naming is Handler, and adds to each line the name of its logger, as the attribute logger.
func (l *Levels) Naming(next slog.Handler) slog.Handler { return &handler{next, l, true} }

type handler struct {
	next   slog.Handler
	levels *Levels
	naming bool
}

// Enabled implements slog.Handler. It does not know whose line it will be, so it goes by the lowest level of all.
func (h *handler) Enabled(_ context.Context, severity slog.Level) bool {
	return Level(severity) >= h.levels.now.Load().lowest
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if t := h.levels.now.Load(); Level(r.Level) < t.highest && Level(r.Level) < t.level(h.levels.logger(r.PC)) {
		return nil
	}
	if h.naming {
		r = r.Clone()
		r.AddAttrs(slog.String("logger", h.levels.logger(r.PC)))
	}
	return h.next.Handle(ctx, r)
}

// level is what a line of a logger has to reach.
func (t *thresholds) level(logger string) Level {
	if level, ok := t.of[logger]; ok {
		return level
	}
	return t.root
}

// logger is that of a line by the place that wrote it.
func (l *Levels) logger(pc uintptr) string {
	if pc == 0 {
		return Root
	}
	logger, known := l.components.Load(pc) // as many as there are places that log
	if !known {
		logger = loggerOf(pc)
		l.components.Store(pc, logger)
	}
	return logger.(string)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(attrs), h.levels, h.naming}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.levels, h.naming}
}
