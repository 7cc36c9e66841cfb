package plugins

import (
	"context"
	"sync"
)

// questions are those that a task has asked the worker and that are not answered yet, by number.
type questions[A any] struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]chan A
}

// ask puts a question and waits for the answer, until ctx or the task's stream ends.
func (q *questions[A]) ask(ctx, alive context.Context, put func(number uint64)) (answer A, err error) {
	answered := make(chan A, 1)
	q.mu.Lock()
	q.last++
	number := q.last
	if q.open == nil {
		q.open = map[uint64]chan A{}
	}
	q.open[number] = answered
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		delete(q.open, number)
		q.mu.Unlock()
	}()
	put(number)
	select {
	case answer = <-answered:
		return answer, nil
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	case <-alive.Done():
		return answer, context.Cause(alive)
	}
}

// answer passes an answer on; one that nobody waits for any more is dropped.
func (q *questions[A]) answer(number uint64, a A) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if answered := q.open[number]; answered != nil {
		delete(q.open, number)
		answered <- a
	}
}
