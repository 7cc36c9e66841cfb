package worker

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
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
