package validation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Bounds of what connectors may do to validation: the time for one call, which is less than the 90 s after which REST gives up, and how many calls that
// were given up may still be running somewhere.
const (
	callTime      = 60 * time.Second
	maxUnreturned = 32
)

// PanicError is a panic out of a connector's validation.
type PanicError struct {
	What  any
	Stack []byte // for the log: it is not in the text
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the connector's validation panicked: %v", e.What)
}

// call lets a connector speak, on a goroutine that is left behind if it does not return in time.
func call[T any](ctx context.Context, v *Validator, f func(context.Context) T) (T, error) {
	var none T
	if v.running.Add(1) > maxUnreturned {
		v.running.Add(-1)
		return none, fmt.Errorf("%d validations by connectors have not returned: find in the log which connectors hang, and restart the worker", maxUnreturned)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, broken := make(chan T, 1), make(chan error, 1)
	go func() {
		defer v.running.Add(-1)
		defer func() {
			if what := recover(); what != nil {
				broken <- &PanicError{What: what, Stack: debug.Stack()}
			}
		}()
		answer <- f(ctx)
	}()
	select {
	case t := <-answer:
		return t, nil
	case err := <-broken:
		return none, err
	case <-ctx.Done():
		return none, fmt.Errorf("the connector's validation does not return: %w", ctx.Err())
	}
}
