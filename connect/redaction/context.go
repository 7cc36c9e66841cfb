package redaction

import "context"

type contextKey struct{}

// Context is ctx for a call that is told the values: who passes it on to where texts come from, such as another process, finds them by [From].
func (v Values) Context(ctx context.Context) context.Context {
	if len(v) == 0 {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, v)
}

// From is the values that a call is told; nil for none.
func From(ctx context.Context) Values {
	v, _ := ctx.Value(contextKey{}).(Values)
	return v
}
