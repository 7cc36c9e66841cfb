package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// hang lets a task hang in one of its calls, whatever its context says, until release is called. inside is closed when it does.
type hang struct {
	inside, gate chan struct{}
}

func newHang(t *testing.T) *hang {
	h := &hang{inside: make(chan struct{}), gate: make(chan struct{})}
	t.Cleanup(h.release)
	return h
}

func (h *hang) here() {
	close(h.inside)
	<-h.gate
}

func (h *hang) release() {
	select {
	case <-h.gate:
	default:
		close(h.gate)
	}
}

func TestAPluginThatHangsIsAbandonedAndNobodyElseNotices(t *testing.T) {
	const grace = 300 * time.Millisecond
	for where, change := range map[string]func(*script, *hang){
		"Open": func(w *script, h *hang) {
			w.open = func(context.Context, connect.SourceContext) error { h.here(); return nil }
		},
		"Poll": func(w *script, h *hang) {
			w.poll = func(context.Context, *connect.Batch) error { h.here(); panic("too late") }
		},
		"Ack": func(w *script, h *hang) {
			w.ack = func(context.Context, []connect.Receipt) error { h.here(); panic("too late") }
		},
		"Close": func(w *script, h *hang) {
			w.close = func(context.Context) error { h.here(); panic("too late") }
		},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, []string{"good", "bad", "after"}, graceful(grace))
			n := &numbers{topic: "good", last: 1 << 40, batch: 10}
			good := s.start("good", n.script(), nil)
			h := newHang(t)
			bad := &numbers{topic: "bad", last: 10, batch: 10}
			what := bad.script()
			change(&what, h)
			var id TaskID
			labelled(t.Name(), func() { id = s.start("bad", what, nil) })
			if where == "Close" {
				s.acknowledged(bad)
			} else {
				<-h.inside
			}
			s.stop(id)
			took := s.released()
			assert.GreaterOrEqual(t, took, grace-grace/10)
			assert.Less(t, took, grace+2*time.Second)
			<-h.inside
			before := s.statuses.history(id)
			at := n.acked()
			s.eventually("the other task goes on", func() bool { return n.acked() > at })

			successor := &numbers{topic: "after", last: 10, batch: 10}
			require.Equal(t, id, s.start("bad", successor.script(), nil))
			s.acknowledged(successor)
			s.shows(id, Running, "")
			h.release()
			s.eventually("the abandoned one ends", func() bool { return len(alive(t.Name())) == 0 })
			s.shows(id, Running, "")
			for _, said := range s.statuses.history(id)[len(before):] {
				assert.Equal(t, Running, said.state, "an abandoned task must not overwrite its successor's status")
			}
			assert.Equal(t, []said{{Running, ""}}, s.statuses.history(good))
		})
	}
}

func TestAClosedWorkerLeavesNoGoroutineBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 100}
	labelled(t.Name(), func() {
		s.start("flow", n.script(), nil)
		s.start("failed", script{poll: func(context.Context, *connect.Batch) error { panic("boom") }}, nil)
		s.start("closed", script{open: func(context.Context, connect.SourceContext) error { panic("boom") }}, nil)
	})
	s.acknowledged(n)
	s.shows(TaskID{Connector: "failed"}, Failed, "boom")
	s.shows(TaskID{Connector: "closed"}, Failed, "boom")
	require.NotEmpty(t, alive(t.Name()), "the label must reach the goroutines of the worker")
	s.worker.Close(t.Context())
	s.eventually("no goroutines", func() bool { return len(alive(t.Name())) == 0 })
}

func TestATaskThatFailedLeavesNoGoroutinesButItsUnits(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1000, batch: 100}
	what := n.script()
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if n.taken() == n.last {
			panic("boom")
		}
		return n.poll(ctx, b)
	}
	var id TaskID
	labelled(t.Name(), func() { id = s.start("flow", what, nil) })
	s.shows(id, Failed, "boom")
	s.eventually("one goroutine", func() bool { return len(alive(t.Name())) == 1 })
	assert.Contains(t, alive(t.Name())[0], "unit[...]).run")
}
