package connecttest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/connect"
)

// trial is a test inside the test: what it is told is kept instead of failing the real one.
type trial struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (r *trial) Helper()          {}
func (r *trial) Error(a ...any)   { r.said = append(r.said, fmt.Sprint(a...)) }
func (r *trial) Fatal(a ...any)   { r.Error(a...); runtime.Goexit() }
func (r *trial) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *trial) Errorf(format string, a ...any) {
	r.said = append(r.said, fmt.Sprintf(format, a...))
}
func (r *trial) Fatalf(format string, a ...any) { r.Errorf(format, a...); runtime.Goexit() }

// verdict runs a test that is expected to fail and returns what it says.
func verdict(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	r := &trial{TB: t}
	phase := func(f func()) {
		done := make(chan struct{})
		go func() { defer close(done); f() }()
		<-done
	}
	phase(func() { test(r) })
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		phase(r.cleanups[i])
	}
	return strings.Join(r.said, "\n")
}

// scripted is a source made of functions.
type scripted struct {
	open func(rt connect.SourceContext) error
	poll func(ctx context.Context, b *connect.Batch) error
	ack  func(done []connect.Receipt) error
}

func (s *scripted) Spec() connect.Spec { return connect.NewSpec("scripted", "1") }

func (s *scripted) Open(_ context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	if s.open != nil {
		if err := s.open(rt); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *scripted) Poll(ctx context.Context, b *connect.Batch) error { return s.poll(ctx, b) }

func (s *scripted) Ack(_ context.Context, done []connect.Receipt) error {
	if s.ack == nil {
		return nil
	}
	return s.ack(done)
}

func (s *scripted) Close(context.Context) error { return nil }

// counting is a source that counts from its stored offset on, a few numbers a poll.
func counting(perPoll int) *scripted {
	var part *connect.Partition
	var n int64
	s := &scripted{}
	s.open = func(rt connect.SourceContext) error {
		part = rt.Partition("of", "numbers")
		at, err := rt.Offset(context.Background(), part)
		n = at.Int64()
		return err
	}
	s.poll = func(ctx context.Context, b *connect.Batch) error {
		for range perPoll {
			n++
			r := b.Next("numbers", part, connect.At("n", n))
			r.Tag = uint64(n)
			r.SetString(fmt.Sprint(n))
		}
		return nil
	}
	return s
}
