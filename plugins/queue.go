package plugins

import (
	"context"
	"sync"
)

// queue hands messages from the goroutine that reads a stream to the one that acts on them. It is bounded by what the other side may have under way.
type queue[T any] struct {
	mu     sync.Mutex
	items  []T
	closed bool
	more   chan struct{} // capacity 1
}

func newQueue[T any]() *queue[T] { return &queue[T]{more: make(chan struct{}, 1)} }

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.nudge()
}

// close lets take return what is there still.
func (q *queue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.nudge()
}

func (q *queue[T]) nudge() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take waits for the next item; false when there will be none, or ctx has ended.
func (q *queue[T]) take(ctx context.Context) (item T, ok bool) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			item, q.items = q.items[0], q.items[1:]
			q.mu.Unlock()
			return item, true
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return item, false
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return item, false
		}
	}
}
