package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func flushWithin(d time.Duration) setting { return func(s *Settings) { s.OffsetFlushTimeout = d } }

func TestAFlushThatHangsEndsAtItsTimeoutAndItsOffsetsAreDueAgain(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	s := newStage(t, []string{"t"}, flushWithin(timeout))
	var flushes atomic.Int32
	ended := make(chan error, 1)
	freed := make(chan struct{})
	s.offsets.put = func(ctx context.Context, _ map[string]int64) error {
		if flushes.Add(1) > 1 {
			return nil
		}
		if end, ok := ctx.Deadline(); assert.True(t, ok) {
			assert.LessOrEqual(t, time.Until(end), timeout)
		}
		select {
		case <-ctx.Done():
		case <-freed: // no test hangs on a timeout that is not there
		}
		ended <- ctx.Err()
		return context.Cause(ctx)
	}
	t.Cleanup(func() { close(freed) })
	n := &numbers{topic: "t", last: 5000, batch: 100}
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n) // records flow meanwhile
	select {
	case err := <-ended:
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	case <-time.After(within):
		require.Fail(t, "the flush has no end")
	}
	s.eventually("what could not be stored is stored by a later flush", func() bool { return s.offsets.has(5000) })
	s.shows(id, Running, "")
	s.stop(id)
	s.released()
	assert.EqualValues(t, 5000, s.stored(id, n))
}

func TestAFlushThatFailsCostsTheTaskNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	var flushes atomic.Int32
	s.offsets.put = func(context.Context, map[string]int64) error {
		if flushes.Add(1) < 4 {
			return errors.New("no broker")
		}
		return nil
	}
	n := &numbers{topic: "t", last: 300, batch: 100}
	id := s.start("flow", n.script(), nil)
	s.acknowledged(n)
	s.eventually("offsets are stored in the end", func() bool { return s.offsets.has(300) })
	s.shows(id, Running, "")
}

// has reports whether some source partition's offset is n.
func (l *offsetLog) has(n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.at {
		if at == n {
			return true
		}
	}
	return false
}
