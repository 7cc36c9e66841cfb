package testbed

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Await asks the condition every 25 milliseconds until it returns nil, and fails the test with its last error when that
// takes longer than within. The context given to the condition ends then. what completes "waiting for ...".
func Await(t testing.TB, within time.Duration, what string, condition func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := poll(ctx, condition); err != nil {
		t.Fatalf("waiting %v for %s: %v", within, what, err)
	}
}

// final is an error after which asking again is no use.
type final struct{ error }

// poll asks the condition until it returns nil, a final error, or ctx ends; then it returns the condition's last error.
func poll(ctx context.Context, condition func(ctx context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var seen error
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		if last := (final{}); errors.As(err, &last) {
			return last.error
		}
		if seen == nil || ctx.Err() == nil { // an error at the very end is often only that the time is over
			seen = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; last seen: %w", ctx.Err(), seen)
		}
	}
}
