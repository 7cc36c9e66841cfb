package remote

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/plugins/contract"
)

const (
	// linesASecond is how many lines of a task's log are written; a well-behaved plugin drops those that are more itself.
	linesASecond = 500
	// maxText and maxAttrs bound a line.
	maxText  = 8 << 10
	maxAttrs = 50
)

// lines writes what a task logs. It is for the stream's reader.
type lines struct {
	log     *slog.Logger
	since   time.Time
	used    int
	dropped int
}

func (l *lines) write(m *contract.LogLine) {
	now := time.Now()
	if now.Sub(l.since) >= time.Second {
		l.flush()
		l.since, l.used = now, 0
	}
	if l.used == linesASecond {
		l.dropped++
		return
	}
	l.used++
	level := levelOf(m.GetLevel())
	ctx := context.Background()
	if !l.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, min(len(m.GetAttrs()), maxAttrs))
	for _, a := range m.GetAttrs()[:min(len(m.GetAttrs()), maxAttrs)] {
		attrs = append(attrs, slog.String(cutText(a.GetKey()), cutText(a.GetValue())))
	}
	l.log.LogAttrs(ctx, level, cutText(m.GetText()), attrs...)
}

// flush says how many lines were dropped.
func (l *lines) flush() {
	if l.dropped > 0 {
		l.log.Warn(fmt.Sprintf("%d lines of log were dropped: a plugin's task may write %d a second", l.dropped, linesASecond))
		l.dropped = 0
	}
}

func cutText(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + "..."
}

func levelOf(l contract.LogLine_Level) slog.Level {
	switch l {
	case contract.LogLine_DEBUG:
		return slog.LevelDebug
	case contract.LogLine_WARN:
		return slog.LevelWarn
	case contract.LogLine_ERROR:
		return slog.LevelError
	}
	return slog.LevelInfo
}
