package worker

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestRewindInPutMakesRecordsComeAgainFromThere(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var rewound atomic.Bool
	script.put = func(_ context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		if book.size() == 30 && !rewound.Swap(true) {
			task.rt.Rewind(connect.Offsets{sinkScriptAt(0): 12})
		}
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 30)
	bed.run(sinkScriptID(0))
	bed.within("30 records and 18 again", func() bool { return book.size() >= 48 })
	bed.commits(connect.Offsets{sinkScriptAt(0): 30})
	bed.stop()
	require.Equal(t, append(sinkScriptRange(0, 30), sinkScriptRange(12, 30)...), book.offsets()[sinkScriptAt(0)])
}

func TestATaskThatKeepsItsOwnOffsetsGoesOnFromThemWheneverPartitionsAreAssigned(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var own atomic.Int64
	own.Store(25) // Kafka knows nothing of it yet
	script.assigned = func(task *sinkScriptTask, _ []connect.TopicPartition) error {
		task.rt.Rewind(connect.Offsets{sinkScriptAt(0): own.Load()})
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 30)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 30})
	bed.stop()
	require.Equal(t, sinkScriptRange(25, 30), book.offsets()[sinkScriptAt(0)], "ahead of Kafka")

	own.Store(28)
	bed.run(sinkScriptID(0))
	bed.within("2 records again", func() bool { return book.size() >= 7 })
	bed.stop()
	require.Equal(t, append(sinkScriptRange(25, 30), 28, 29), book.offsets()[sinkScriptAt(0)], "behind Kafka")
}

func TestRewindBeforePartitionsAreAssignedWaitsForThem(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 30)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 30})
	bed.stop()

	script.open = func(_ context.Context, rt connect.SinkContext) error {
		rt.Rewind(connect.Offsets{sinkScriptAt(0): 20})
		return nil
	}
	bed.run(sinkScriptID(0))
	bed.within("10 records again", func() bool { return book.size() >= 40 })
	bed.stop()
	require.Equal(t, append(sinkScriptRange(0, 30), sinkScriptRange(20, 30)...), book.offsets()[sinkScriptAt(0)])
}

func TestAfterAFailedPreCommitRecordsComeAgainFromTheLastCommittedOffset(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var calls atomic.Int32
	script.preCommit = func(_ context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
		switch taken := book.size(); {
		case taken >= 10 && taken < 20: // the second ten may come in parts
			return connect.Offsets{sinkScriptAt(0): 10}, nil
		case taken == 20 && calls.Add(1) == 1: // what is under way is lost
			return nil, errSinkScript
		}
		return put, nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 10})
	bed.produce(0, 10)
	bed.within("10 records again", func() bool { return book.size() >= 30 })
	bed.commits(connect.Offsets{sinkScriptAt(0): 20})
	bed.stop()
	require.Equal(t, append(sinkScriptRange(0, 20), sinkScriptRange(10, 20)...), book.offsets()[sinkScriptAt(0)])
	require.Equal(t, Unassigned, bed.statuses.last(sinkScriptID(0)).state, "the task did not fail")
}

func TestARewindIsNotOvertakenByBatchesAndCommitsThatAreUnderWay(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	var rewound atomic.Bool
	script.put = func(_ context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		if book.size() >= 3000 && !rewound.Swap(true) {
			task.rt.Rewind(connect.Offsets{sinkScriptAt(0): 0, sinkScriptAt(1): 0, sinkScriptAt(2): 0, sinkScriptAt(3): 0})
		}
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 4, nil)
	for p := range int32(4) {
		bed.produce(p, 2000)
	}
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 2000, sinkScriptAt(1): 2000, sinkScriptAt(2): 2000, sinkScriptAt(3): 2000})
	bed.stop()
	for tp, offsets := range book.offsets() {
		require.GreaterOrEqual(t, len(offsets), 2000)
		require.Equal(t, sinkScriptRange(0, 2000), offsets[len(offsets)-2000:], "%v begins anew and nothing of before comes between", tp)
	}
}

// sinkScriptEnded is a session of a group that is over.
type sinkScriptEnded struct{ sarama.ConsumerGroupSession }

func (sinkScriptEnded) Context() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestABatchOfASessionThatIsOverIsDropped(t *testing.T) {
	t.Parallel()
	put := false
	script := &sinkScript{put: func(context.Context, *sinkScriptTask, []connect.SinkRecord) error { put = true; return nil }}
	task := &sinkTask{task: &sinkScriptTask{script: script}, put: connect.Offsets{}}
	err := guard("take", func() error {
		return task.take(phases{}, &fetched{
			partition: sinkScriptAt(0), session: sinkScriptEnded{}, messages: []*sarama.ConsumerMessage{{Offset: 7}},
		})
	})
	require.NoError(t, err)
	require.False(t, put)
	require.Empty(t, task.put, "nothing of it may be committed")
}
