package worker

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// sinkScriptKeeping is a script that takes all records.
func sinkScriptKeeping(book *sinkScriptBook) *sinkScript {
	return &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		return nil
	}}
}

func TestASinkTakesTheRecordsOfEachPartitionInOrderAndGoesOnFromThereAfterARestart(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.produce(0, 30)
	bed.produce(1, 20)
	bed.run(sinkScriptID(0))
	bed.within("50 records", func() bool { return book.size() == 50 })
	bed.shows(sinkScriptID(0), Running)
	bed.commits(connect.Offsets{sinkScriptAt(0): 30, sinkScriptAt(1): 20})
	bed.stop()
	bed.shows(sinkScriptID(0), Unassigned)

	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.within("5 more records", func() bool { return book.size() >= 55 })
	bed.stop()
	require.Equal(t, map[connect.TopicPartition][]int64{
		sinkScriptAt(0): sinkScriptRange(0, 35), sinkScriptAt(1): sinkScriptRange(0, 20),
	}, book.offsets())
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 35, sinkScriptAt(1): 20}, bed.committed("s"))
}

func TestASinkCommitsNoMoreThanPreCommitSaysIsSafe(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var safe atomic.Int64
	script.preCommit = func(_ context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
		return connect.Offsets{sinkScriptAt(0): safe.Load(), sinkScriptAt(1): 1 << 40, {Topic: "other"}: 3}, nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.produce(0, 10)
	bed.produce(1, 10)
	safe.Store(4)
	bed.run(sinkScriptID(0))
	bed.within("20 records", func() bool { return book.size() == 20 })
	bed.commits(connect.Offsets{sinkScriptAt(0): 4})
	safe.Store(7)
	bed.commits(connect.Offsets{sinkScriptAt(0): 7})
	bed.stop()
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 7}, bed.committed("s"), "what is beyond Put, or not assigned, commits nothing")

	bed.run(sinkScriptID(0))
	bed.within("the records that were not safe", func() bool { return book.size() >= 33 })
	bed.stop()
	require.Equal(t, map[connect.TopicPartition][]int64{
		sinkScriptAt(0): append(sinkScriptRange(0, 10), sinkScriptRange(7, 10)...),
		sinkScriptAt(1): append(sinkScriptRange(0, 10), sinkScriptRange(0, 10)...),
	}, book.offsets())
}

func TestPutThatAsksForAnotherTryGetsTheSameBatchAgainAndTheStatusSaysWhy(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var refuse atomic.Bool
	var tries atomic.Int32
	var refused, taken []int64 // of partition 0, on the task's goroutine
	script.put = func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		taken = sinkScriptOffsets(records)
		if refuse.Load() {
			refused = taken
			tries.Add(1)
			return connect.Retry(errSinkScript, time.Millisecond)
		}
		if refused != nil && !slices.Equal(refused, taken) {
			return fmt.Errorf("refused %v, then came %v", refused, taken)
		}
		refused = nil
		book.add(records)
		return nil
	}
	refuse.Store(true)
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: the system says no (since ", ", next try ")
	bed.within("some tries", func() bool { return tries.Load() >= 3 })
	require.Empty(t, bed.committed("s"), "what was not taken is not committed")
	refuse.Store(false)
	bed.within("10 records", func() bool { return book.size() == 10 })
	bed.shows(sinkScriptID(0), Running)
	bed.commits(connect.Offsets{sinkScriptAt(0): 10})
	bed.stop()
	require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(0)])
}

func TestASinkThatIsPausedWhileItRetriesIsPaused(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var away atomic.Bool
	var tries atomic.Int32
	away.Store(true)
	script.put = func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		if away.Load() {
			tries.Add(1)
			return connect.Retry(errSinkScript, time.Millisecond)
		}
		book.add(records)
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: ")
	bed.apply(stores.Paused, sinkScriptID(0))
	bed.within("PAUSED", func() bool { return bed.statuses.last(sinkScriptID(0)).state == Paused })
	n := tries.Load()
	require.Never(t, func() bool { return tries.Load() != n }, 100*time.Millisecond, 10*time.Millisecond)
	away.Store(false)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running)
	bed.within("10 records", func() bool { return book.size() == 10 })
	bed.stop()
	require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(0)])
}

func TestOfABatchThatIsRefusedInPartTheRestCountsAsTaken(t *testing.T) {
	t.Parallel()
	refusing := func(book *sinkScriptBook) *sinkScript {
		return &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
			book.add(records)
			partly := &connect.BatchError{Failed: map[int]error{}}
			for i := range records {
				if records[i].Offset == 3 {
					partly.Failed[i] = errSinkScript
				}
			}
			if len(partly.Failed) == 0 {
				return nil
			}
			return partly
		}}
	}
	t.Run("with errors.tolerance=all the refused record is skipped", func(t *testing.T) {
		book := &sinkScriptBook{}
		bed := newSinkScriptBed(t, testbed.Embedded(t), refusing(book))
		bed.config["errors.tolerance"] = "all"
		testbed.CreateTopic(t, bed.direct, "t", 1, nil)
		bed.produce(0, 10)
		bed.run(sinkScriptID(0))
		bed.commits(connect.Offsets{sinkScriptAt(0): 10})
		bed.stop()
		require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(0)], "none came twice")
	})
	t.Run("with errors.tolerance=none the task fails and names it", func(t *testing.T) {
		bed := newSinkScriptBed(t, testbed.Embedded(t), refusing(&sinkScriptBook{}))
		testbed.CreateTopic(t, bed.direct, "t", 1, nil)
		bed.produce(0, 10)
		bed.run(sinkScriptID(0))
		bed.shows(sinkScriptID(0), Failed, "tolerance exceeded", "TASK_PUT of the record at offset 3 of t-0: the system says no")
		bed.commitsAtMost(3)
	})
}

func TestASinkTaskThatFailsShowsWhyAndCommitsNothingOfTheBatch(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, connect.SinkContext) error { return nil }
	tests := map[string]struct {
		script sinkScript
		trace  []string
	}{
		"an error from Put": {
			sinkScript{put: func(context.Context, *sinkScriptTask, []connect.SinkRecord) error { return errSinkScript }},
			[]string{"exiting sink task due to unrecoverable exception: the system says no"},
		},
		"a panic in Put": {
			sinkScript{put: func(context.Context, *sinkScriptTask, []connect.SinkRecord) error { panic("boom") }},
			[]string{"panic in Put: boom", "sink_test.go"},
		},
		"an error from Open": {
			sinkScript{open: func(context.Context, connect.SinkContext) error { return errSinkScript }}, []string{"the system says no"},
		},
		"a panic in Open": {
			sinkScript{open: func(context.Context, connect.SinkContext) error { panic("boom") }}, []string{"panic in Open: boom", "sink_test.go"},
		},
		"an error from Assigned": {
			sinkScript{open: nothing, assigned: func(*sinkScriptTask, []connect.TopicPartition) error { return errSinkScript }},
			[]string{"the system says no"},
		},
		"a panic in Assigned": {
			sinkScript{assigned: func(*sinkScriptTask, []connect.TopicPartition) error { panic("boom") }}, []string{"panic in Assigned: boom"},
		},
		"Fail on another goroutine": {
			sinkScript{put: func(ctx context.Context, t *sinkScriptTask, _ []connect.SinkRecord) error {
				go t.rt.Fail(errSinkScript)
				<-ctx.Done()
				return ctx.Err()
			}},
			[]string{"the system says no"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bed := newSinkScriptBed(t, testbed.Embedded(t), &test.script)
			testbed.CreateTopic(t, bed.direct, "t", 1, nil)
			bed.produce(0, 3)
			bed.run(sinkScriptID(0))
			bed.shows(sinkScriptID(0), Failed, test.trace...)
			require.Empty(t, bed.committed("s"))
			bed.stop()
			bed.shows(sinkScriptID(0), Failed, test.trace...)
		})
	}
}

// sinkScriptOffsets are the offsets of records in their order.
func sinkScriptOffsets(records []connect.SinkRecord) (all []int64) {
	for i := range records {
		all = append(all, records[i].Offset)
	}
	return all
}

func TestASinkPutsNothingWhileItsWorkerHasNoLease(t *testing.T) {
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	contexts := make(chan connect.SinkContext, 1)
	script.open = func(_ context.Context, rt connect.SinkContext) error { contexts <- rt; return nil }
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	bed.config["value.converter"] = scriptedConverterClass
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.within("10 records", func() bool { return book.size() == 10 })
	rt := <-contexts
	require.Nil(t, rt.Suspended())

	// Who is paused after it has converted a record has waited with it, or has put it.
	waits := func() {
		t.Helper()
		before := bed.convert.count()
		bed.produce(0, 10)
		bed.within("another record to be converted", func() bool { return bed.convert.count() > before })
		bed.apply(stores.Paused, sinkScriptID(0))
		bed.shows(sinkScriptID(0), Paused)
	}
	bed.worker.gate.Suspend()
	waits()
	require.Equal(t, 10, book.size())
	resumed := rt.Suspended()
	require.NotNil(t, resumed)
	bed.run(sinkScriptID(0))
	bed.worker.gate.Resume(time.Time{})
	<-resumed
	require.Nil(t, rt.Suspended())
	bed.within("the others", func() bool { return book.size() == 20 })

	bed.worker.gate.Resume(time.Now()) // it runs out by itself, as it does for a worker that was frozen
	waits()
	bed.stop()
	require.Equal(t, 20, book.size(), "they come again, to whoever has the task then")
	require.Equal(t, connect.Offsets{sinkScriptAt(0): 20}, bed.committed("s"))
}
