package worker

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// sinkScriptSteps are the calls that a task got, in their order.
type sinkScriptSteps struct {
	mu    sync.Mutex
	steps []string
}

func (s *sinkScriptSteps) add(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step)
}

func (s *sinkScriptSteps) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.steps)
}

// stepping is a script that writes down the calls.
func (s *sinkScriptSteps) stepping() *sinkScript {
	return &sinkScript{
		open: func(context.Context, connect.SinkContext) error { s.add("Open"); return nil },
		put:  func(context.Context, *sinkScriptTask, []connect.SinkRecord) error { s.add("Put"); return nil },
		preCommit: func(_ context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
			s.add("PreCommit")
			return put, nil
		},
		drain:    func(context.Context) { s.add("Drain") },
		assigned: func(*sinkScriptTask, []connect.TopicPartition) error { s.add("Assigned"); return nil },
		revoked:  func(*sinkScriptTask, []connect.TopicPartition) error { s.add("Revoked"); return nil },
		closing:  func(*sinkScriptTask) { s.add("Close") },
	}
}

func TestATaskThatStopsCommitsGivesUpItsPartitionsAndClosesInThisOrder(t *testing.T) {
	t.Parallel()
	steps := &sinkScriptSteps{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), steps.stepping())
	bed.settings.OffsetFlushInterval = time.Hour
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 1)
	bed.run(sinkScriptID(0))
	bed.within("Put", func() bool { return slices.Contains(steps.all(), "Put") })
	bed.stop()
	require.Equal(t, []string{"Open", "Assigned", "Put", "Drain", "PreCommit", "Revoked", "Close"}, steps.all())
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 1}, bed.committed("s"))
}

func TestOffsetsAreStoredOfWhatATaskFinishesWhileItsPartitionsGo(t *testing.T) {
	t.Parallel()
	var done atomic.Bool
	script := &sinkScript{
		preCommit: func(_ context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
			if !done.Load() {
				return nil, nil
			}
			return put, nil
		},
		drain: func(ctx context.Context) {
			sleep(ctx, 300*time.Millisecond) // an answer of the system that takes this long
			done.Store(ctx.Err() == nil)
		},
	}
	book := &sinkScriptBook{}
	script.put = func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.within("Put", func() bool { return book.size() == 5 })
	bed.stop()
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 5}, bed.committed("s"))

	done.Store(false)
	script.drain = func(ctx context.Context) { <-ctx.Done() } // never: it is stopped in time for the offsets
	bed.produce(0, 1)
	bed.run(sinkScriptID(0))
	bed.within("Put", func() bool { return book.size() == 6 })
	done.Store(true)
	bed.stop()
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 6}, bed.committed("s"))
}

func TestATaskThatFailsIsClosedAndLeavesTheGroupAtOnce(t *testing.T) {
	t.Parallel()
	steps := &sinkScriptSteps{}
	script := steps.stepping()
	script.put = func(context.Context, *sinkScriptTask, []connect.SinkRecord) error { return errSinkScript }
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 1)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "the system says no")
	require.Equal(t, []string{"Open", "Assigned", "Revoked", "Close"}, steps.all())
	_, members, err := sinkScriptMembers(bed.direct, "connect-s")
	require.NoError(t, err)
	require.Zero(t, members)
}

func TestATaskThatFailsGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	keep, failed := script.put, false // on one goroutine after the other
	script.put = func(ctx context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		if !failed {
			failed = true
			return errSinkScript
		}
		return keep(ctx, task, records)
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "the system says no")
	require.True(t, bed.worker.RestartTask(sinkScriptID(0)))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.shows(sinkScriptID(0), Running)
	bed.stop()
	require.Equal(t, sinkScriptRange(0, 5), book.offsets()[sinkScriptAt(0)])
	require.False(t, bed.worker.RestartTask(sinkScriptID(7)))
}

func TestRevokedThatPanicsFailsATaskThatShouldGoOn(t *testing.T) {
	t.Parallel()
	script := &sinkScript{revoked: func(task *sinkScriptTask, _ []connect.TopicPartition) error {
		if task.rt.TaskID() == 0 {
			panic("boom")
		}
		return nil
	}}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.run(sinkScriptID(0))
	bed.hasMembers(1)
	bed.run(sinkScriptID(0), sinkScriptID(1))
	bed.shows(sinkScriptID(0), Failed, "panic in Revoked: boom")
	bed.shows(sinkScriptID(1), Running)
	bed.stop()
}

func TestAPreCommitThatTakesTooLongOrPanicsCommitsNothingAndTheTaskGoesOn(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(ctx context.Context) error{
		"takes too long": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"panics":         func(context.Context) error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			book, calls := &sinkScriptBook{}, 0 // on the task's goroutine
			script := sinkScriptKeeping(book)
			script.preCommit = func(ctx context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
				if calls++; calls == 1 {
					return put, fail(ctx)
				}
				return put, nil
			}
			bed := newSinkScriptBed(t, testbed.Embedded(t), script)
			bed.settings.OffsetFlushTimeout = 50 * time.Millisecond
			testbed.CreateTopic(t, bed.direct, "t", 1, nil)
			bed.produce(0, 5)
			bed.run(sinkScriptID(0))
			bed.commits(connect.Offsets{sinkScriptAt(0): 5})
			bed.stop()
			require.Equal(t, append(sinkScriptRange(0, 5), sinkScriptRange(0, 5)...), book.offsets()[sinkScriptAt(0)])
		})
	}
}

func TestASinkHandsSingleRecordsToTheErrorHandling(t *testing.T) {
	t.Parallel()
	script := func(book *sinkScriptBook) *sinkScript {
		return &sinkScript{put: func(ctx context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
			for i := range records {
				if records[i].Offset == 1 {
					if err := task.rt.Report(ctx, &records[i], errSinkScript); err != nil {
						return err
					}
				}
			}
			book.add(records)
			return nil
		}}
	}
	for tolerance, check := range map[string]func(bed *sinkScriptBed){
		"all": func(bed *sinkScriptBed) { bed.commits(connect.Offsets{sinkScriptAt(0): 3}) },
		"none": func(bed *sinkScriptBed) {
			bed.shows(sinkScriptID(0), Failed, "TASK_PUT of the record at offset 1 of t-0: the system says no")
		},
	} {
		bed := newSinkScriptBed(t, testbed.Embedded(t), script(&sinkScriptBook{}))
		bed.config["errors.tolerance"] = tolerance
		testbed.CreateTopic(t, bed.direct, "t", 1, nil)
		bed.produce(0, 3)
		bed.run(sinkScriptID(0))
		check(bed)
		bed.stop()
	}
}

func TestAnOpenThatHangsIsAbandonedAndAnotherConnectorGoesOn(t *testing.T) {
	t.Parallel()
	hang, book := make(chan struct{}), &sinkScriptBook{}
	defer close(hang)
	opening := make(chan struct{})
	script := sinkScriptKeeping(book)
	script.open = func(_ context.Context, rt connect.SinkContext) error {
		if rt.Config()["name"] == "s" {
			close(opening)
			<-hang
		}
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	bed.settings.GracefulShutdown = 100 * time.Millisecond
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 5)
	other := TaskID{Connector: "other"}
	bed.run(sinkScriptID(0), other)
	<-opening
	bed.within("the other's records", func() bool { return book.size() == 5 })
	bed.shows(other, Running)
	began := time.Now()
	bed.stop()
	require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
	bed.shows(other, Unassigned)
}

func TestAnOpenThatAsksForAnotherTryIsRepeatedAndTheStatusSaysWhy(t *testing.T) {
	t.Parallel()
	tries := make(chan struct{})
	script := &sinkScript{open: func(context.Context, connect.SinkContext) error {
		select {
		case <-tries:
			return nil
		default:
			return connect.Retry(errSinkScript, time.Millisecond)
		}
	}}
	bed := newSinkScriptBed(t, testbed.Embedded(t, "t"), script)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: the system says no (since ")
	close(tries)
	bed.shows(sinkScriptID(0), Running)
	bed.stop()
}
