package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// linesASecond is how many lines a task may log, those of DEBUG counted for themselves. What is more is dropped, and a line says how much.
const linesASecond = 200

// lines sends a task's lines of log, within bounds.
type lines struct {
	send func(*contract.LogLine)

	mu     sync.Mutex
	budget [2]budget // of DEBUG, and of the rest
}

// budget is what may be logged in one second.
type budget struct {
	since   time.Time
	used    int
	dropped int
}

// admit reports whether there is room for a line, and how many were dropped before.
func (l *lines) admit(level slog.Level, now time.Time) (ok bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.budget[0]
	if level >= slog.LevelInfo {
		b = &l.budget[1]
	}
	if now.Sub(b.since) >= time.Second {
		dropped = b.dropped
		*b = budget{since: now}
	}
	if b.used == linesASecond {
		b.dropped++
		return false, 0
	}
	b.used++
	return true, dropped
}

// handler is a slog.Handler that sends lines to the worker. Groups become prefixes of names.
type handler struct {
	lines  *lines
	prefix string
	attrs  []*contract.LogAttr
}

// Enabled implements slog.Handler. The worker decides about levels; here is only what the contract has.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	ok, dropped := h.lines.admit(r.Level, time.Now())
	if !ok {
		return nil
	}
	if dropped > 0 {
		h.lines.send(&contract.LogLine{Level: contract.LogLine_WARN, Text: fmt.Sprintf("%d lines of log were dropped: a task may write %d a second", dropped, linesASecond)})
	}
	line := &contract.LogLine{Level: levelOf(r.Level), Text: r.Message, Attrs: slices.Clone(h.attrs)}
	r.Attrs(func(a slog.Attr) bool {
		line.Attrs = flatten(line.Attrs, h.prefix, a)
		return true
	})
	h.lines.send(line)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = flatten(with.attrs, h.prefix, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	if name != "" {
		with.prefix += name + "."
	}
	return &with
}

// flatten appends an attribute, a group as its members.
func flatten(to []*contract.LogAttr, prefix string, a slog.Attr) []*contract.LogAttr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			to = flatten(to, prefix, member)
		}
		return to
	}
	if a.Equal(slog.Attr{}) {
		return to
	}
	return append(to, &contract.LogAttr{Key: prefix + a.Key, Value: v.String()})
}

func levelOf(l slog.Level) contract.LogLine_Level {
	switch {
	case l >= slog.LevelError:
		return contract.LogLine_ERROR
	case l >= slog.LevelWarn:
		return contract.LogLine_WARN
	case l >= slog.LevelInfo:
		return contract.LogLine_INFO
	}
	return contract.LogLine_DEBUG
}
