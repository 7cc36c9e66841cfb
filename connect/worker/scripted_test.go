package worker

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// script is what one source does. A function that is missing does what a quiet and well-behaved plugin does.
type script struct {
	open  func(ctx context.Context, rt connect.SourceContext) error
	poll  func(ctx context.Context, b *connect.Batch) error
	ack   func(ctx context.Context, done []connect.Receipt) error
	close func(ctx context.Context) error
}

// scriptedSource is the class of all scripted sources: which script a task follows is said by its connector's name.
type scriptedSource struct {
	mu      sync.Mutex
	scripts map[string]script
}

const scriptedClass = "test.ScriptedSource"

func (s *scriptedSource) Spec() connect.Spec { return connect.NewSpec(scriptedClass, "7") }

func (s *scriptedSource) give(name string, what script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[name] = what
}

func (s *scriptedSource) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	s.mu.Lock()
	what, ok := s.scripts[rt.Config()["name"]]
	s.mu.Unlock()
	if !ok {
		return nil, errors.New("there is no script for " + rt.Config()["name"])
	}
	if what.open != nil {
		if err := what.open(ctx, rt); err != nil {
			return nil, err
		}
	}
	return &scriptedTask{what}, nil
}

type scriptedTask struct{ script }

func (t *scriptedTask) Poll(ctx context.Context, b *connect.Batch) error {
	if t.poll == nil {
		<-ctx.Done()
		return nil
	}
	return t.poll(ctx, b)
}

func (t *scriptedTask) Ack(ctx context.Context, done []connect.Receipt) error {
	if t.ack == nil {
		return nil
	}
	return t.ack(ctx, done)
}

func (t *scriptedTask) Close(ctx context.Context) error {
	if t.close == nil {
		return nil
	}
	return t.close(ctx)
}

// numbers is a source of the numbers from 1 to last, each a record with the number as value, tag and offset, in one source partition. It goes on
// after the stored offset, and remembers what it was told.
type numbers struct {
	topic string
	last  int64
	batch int               // records of one Poll
	size  func(n int64) int // of a number's value, filled up with blanks; nil for the number alone

	mu     sync.Mutex
	part   *connect.Partition
	polled int64
	done   []connect.Receipt
}

func (n *numbers) script() script { return script{open: n.open, poll: n.poll, ack: n.ack} }

func (n *numbers) open(ctx context.Context, rt connect.SourceContext) error {
	part := rt.Partition("source", n.topic)
	at, err := rt.Offset(ctx, part)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.part, n.polled = part, at.Int64()
	return nil
}

func (n *numbers) poll(ctx context.Context, b *connect.Batch) error {
	if !n.fill(b) {
		<-ctx.Done()
	}
	return nil
}

// fill adds the next numbers. It returns false when there are no more.
func (n *numbers) fill(b *connect.Batch) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range n.batch {
		if n.polled == n.last {
			break
		}
		n.polled++
		r := b.Next(n.topic, n.part, connect.At("n", n.polled))
		r.Tag = uint64(n.polled)
		r.SetString(n.value(n.polled))
	}
	return b.Len() > 0
}

func (n *numbers) value(i int64) string {
	value := strconv.FormatInt(i, 10)
	if n.size == nil {
		return value
	}
	return value + strings.Repeat(" ", max(n.size(i)-len(value), 0))
}

func (n *numbers) ack(_ context.Context, done []connect.Receipt) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = append(n.done, done...)
	return nil
}

func (n *numbers) taken() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.polled
}

// acked is how many receipts Ack was given so far.
func (n *numbers) acked() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return int64(len(n.done))
}

// receipts are all that Ack was given so far.
func (n *numbers) receipts() []connect.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]connect.Receipt(nil), n.done...)
}
