package connect

import (
	"context"
	"time"
)

// Idle is what a source that asks rather than listens returns from Poll at the end of its data: with records in b at once, else
// after d or when ctx ends.
func Idle(ctx context.Context, b *Batch, d time.Duration) error {
	if b.Len() > 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}
