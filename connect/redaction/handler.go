package redaction

import (
	"context"
	"fmt"
	"log/slog"
)

// Logger is a logger whose lines go to log without the values; log itself where there are none.
func (v Values) Logger(log *slog.Logger) *slog.Logger {
	if len(v) == 0 {
		return log
	}
	return slog.New(&handler{log.Handler(), v})
}

// handler redacts messages and attributes on their way to another handler.
type handler struct {
	next   slog.Handler
	values Values
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.values.Removed(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		clean = append(clean, h.attr(a))
	}
	return &handler{h.next.WithAttrs(clean), h.values}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(name), h.values}
}

func (h *handler) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(h.values.Removed(v.String()))
	case slog.KindAny:
		a.Value = slog.StringValue(h.values.Removed(fmt.Sprint(v.Any())))
	case slog.KindGroup:
		var clean []slog.Attr
		for _, member := range v.Group() {
			clean = append(clean, h.attr(member))
		}
		a.Value = slog.GroupValue(clean...)
	}
	return a
}
