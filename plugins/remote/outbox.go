package remote

import (
	"context"
	"sync"
)

// outbox holds what is to be sent on a stream, so that nobody waits for a plugin that does not read. It is bounded by credit, and by what there is to
// acknowledge.
type outbox struct {
	mu    sync.Mutex
	queue []any
	more  chan struct{} // capacity 1
}

func (o *outbox) put(message any) {
	o.mu.Lock()
	o.queue = append(o.queue, message)
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// take waits for messages and returns all there are. spare is used for those that come next.
func (o *outbox) take(ctx context.Context, spare []any) []any {
	for {
		o.mu.Lock()
		if len(o.queue) > 0 {
			out := o.queue
			o.queue = spare[:0]
			o.mu.Unlock()
			return out
		}
		o.mu.Unlock()
		select {
		case <-o.more:
		case <-ctx.Done():
			return nil
		}
	}
}
