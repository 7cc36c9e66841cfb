package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

var tp0 = connect.TopicPartition{Topic: "t", Partition: 0}

// openSink opens a task of the scripted sink; notes says what it has done.
func openSink(t testing.TB, how string) (r *running, rt *taskRuntime, task connect.SinkTask, notes func() string) {
	t.Helper()
	leavesNothing(t)
	r = run(t)
	path := filepath.Join(t.TempDir(), "notes")
	rt = newRuntime(t, connect.Config{"how": how, "notes": path})
	task, err := r.sink("test.ScriptedSink").Open(rt.stopped, rt)
	require.NoError(t, err)
	return r, rt, task, func() string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(text)
	}
}

// records makes those at offsets from to beyond.
func records(from, beyond int64) (records []connect.SinkRecord) {
	for at := from; at < beyond; at++ {
		r := connect.SinkRecord{Consumed: tp0, Offset: at}
		r.Topic = "t"
		r.SetString(fmt.Sprint("record ", at))
		records = append(records, r)
	}
	return records
}

// putAll puts records in batches of 10, as patiently as the worker.
func putAll(t testing.TB, rt *taskRuntime, task connect.SinkTask, from, beyond int64) {
	t.Helper()
	for ; from < beyond; from += 10 {
		require.NoError(t, putPatiently(t, rt, task, records(from, from+10)))
	}
}

func putPatiently(t testing.TB, rt *taskRuntime, task connect.SinkTask, batch []connect.SinkRecord) error {
	t.Helper()
	for {
		err := within(t, patience, func() error { return task.Put(rt.stopped, batch) })
		again := new(connect.RetryError)
		if !errors.As(err, &again) {
			return err
		}
		<-time.After(again.After)
	}
}

func commit(t testing.TB, task connect.SinkTask, put int64) (int64, error) {
	t.Helper()
	var safe connect.Offsets
	err := within(t, patience, func() (err error) {
		safe, err = task.(connect.PreCommitter).PreCommit(ended(5*time.Second), connect.Offsets{tp0: put})
		return err
	})
	return safe[tp0], err
}

// noted is what the sink notes of a range of records.
func noted(from, beyond int64) string {
	var b strings.Builder
	for _, r := range records(from, beyond) {
		fmt.Fprintf(&b, "%d %s\n", r.Offset, r.Value.Str())
	}
	return b.String()
}

func TestPutsAreTakenInOrderAndCommittedWhenDone(t *testing.T) {
	_, rt, task, notes := openSink(t, "")
	require.NoError(t, task.(connect.Assigner).Assigned(rt.stopped, []connect.TopicPartition{tp0}))
	putAll(t, rt, task, 0, 5000)
	safe, err := commit(t, task, 5000)
	require.NoError(t, err)
	assert.Equal(t, int64(5000), safe)
	require.NoError(t, task.(connect.Assigner).Revoked(rt.stopped, []connect.TopicPartition{tp0}))
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, "assigned [{t 0}]\n"+noted(0, 5000)+"revoked [{t 0}]\n", notes())
}

func TestATaskWithoutAbilities(t *testing.T) {
	_, rt, task, notes := openSink(t, "plain")
	require.NoError(t, task.(connect.Assigner).Assigned(rt.stopped, []connect.TopicPartition{tp0}))
	putAll(t, rt, task, 0, 100)
	safe, err := commit(t, task, 100)
	require.NoError(t, err)
	assert.Equal(t, int64(100), safe)
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, noted(0, 100), notes())
}

func TestWhatATaskCommitsIsItsOwnToSay(t *testing.T) {
	_, rt, task, _ := openSink(t, "commit-half")
	putAll(t, rt, task, 0, 100)
	safe, err := commit(t, task, 100)
	require.NoError(t, err)
	assert.Equal(t, int64(50), safe)
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))

	_, rt, task, _ = openSink(t, "commit-fails")
	putAll(t, rt, task, 0, 100)
	_, err = commit(t, task, 100)
	require.EqualError(t, err, "the log is torn")
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}

func TestAPutThatAsksForAnotherGetsItInOrder(t *testing.T) {
	_, rt, task, notes := openSink(t, "retries")
	putAll(t, rt, task, 0, 1000)
	safe, err := commit(t, task, 1000)
	require.NoError(t, err)
	for safe < 1000 { // what was refused is not committed
		<-time.After(5 * time.Millisecond)
		safe, err = commit(t, task, 1000)
		require.NoError(t, err)
	}
	rt.await(t, "it is well again", func() bool { return rt.waiting == nil })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, noted(0, 1000), notes())
	assert.NoError(t, rt.failure)
}

func TestAnOutageHoldsThePutsBackAndCommitsNothingOfThem(t *testing.T) {
	_, rt, task, notes := openSink(t, "away")
	putAll(t, rt, task, 0, 50)
	safe, err := commit(t, task, 50)
	require.NoError(t, err)
	require.Equal(t, int64(50), safe)
	away := rt.config["notes"] + ".away"
	require.NoError(t, os.WriteFile(away, nil, 0o600))
	require.NoError(t, task.Put(rt.stopped, records(50, 60)))
	rt.await(t, "it says that it waits", func() bool { return rt.waiting != nil })
	require.EqualError(t, rt.waiting, "the system is away")
	again := new(connect.RetryError)
	require.ErrorAs(t, task.Put(rt.stopped, records(60, 70)), &again)
	assert.EqualError(t, again, "the system is away")
	safe, err = commit(t, task, 60)
	require.NoError(t, err)
	assert.Equal(t, int64(50), safe)
	require.NoError(t, os.Remove(away))
	putAll(t, rt, task, 60, 100)
	safe, err = commit(t, task, 100)
	require.NoError(t, err)
	assert.Equal(t, int64(100), safe)
	rt.await(t, "it is well again", func() bool { return rt.waiting == nil })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, noted(0, 100), notes())
}

func TestPartitionsThatAreLostTakeWhatWasRefusedWithThem(t *testing.T) {
	_, rt, task, notes := openSink(t, "away")
	away := rt.config["notes"] + ".away"
	require.NoError(t, os.WriteFile(away, nil, 0o600))
	batch := records(0, 10)
	for i := range 5 {
		batch[2*i].Consumed.Partition = 1
	}
	require.NoError(t, task.Put(rt.stopped, batch))
	rt.await(t, "it says that it waits", func() bool { return rt.waiting != nil })
	require.NoError(t, task.(connect.Assigner).Revoked(rt.stopped, []connect.TopicPartition{tp0}))
	require.NoError(t, os.Remove(away))
	rt.await(t, "it is well again", func() bool { return rt.waiting == nil })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, "revoked [{t 0}]\n0 record 0\n2 record 2\n4 record 4\n6 record 6\n8 record 8\n", notes())
}

func TestAStopAmongPutsCommitsWhatWasTaken(t *testing.T) {
	_, rt, task, notes := openSink(t, "put-waits")
	for at := int64(0); at < 50; at += 10 {
		require.NoError(t, task.Put(rt.stopped, records(at, at+10)))
	}
	rt.stop()
	safe, err := commit(t, task, 50)
	require.NoError(t, err)
	assert.Zero(t, safe)
	require.NoError(t, task.Close(ended(patience)))
	assert.Empty(t, notes())
	assert.NoError(t, rt.failure)
}

func TestAPutThatFailsEndsTheTaskAndCommitsWhatWasBefore(t *testing.T) {
	_, rt, task, notes := openSink(t, "put-fails")
	for at := int64(0); at < 50; at += 10 {
		if err := task.Put(rt.stopped, records(at, at+10)); err != nil {
			require.EqualError(t, err, "the disk is full")
		}
	}
	require.EqualError(t, rt.failed(t), "the disk is full")
	safe, err := commit(t, task, 50)
	require.NoError(t, err)
	assert.Equal(t, int64(20), safe)
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, noted(0, 20), notes())
}

func TestAPutThatPanicsEndsTheTask(t *testing.T) {
	_, rt, task, _ := openSink(t, "put-panics")
	require.NoError(t, task.Put(rt.stopped, records(0, 10)))
	require.ErrorContains(t, rt.failed(t), "panic in Put: in Put\n")
	require.NoError(t, task.Close(ended(patience)))
}

func TestRefusedRecordsGoToTheErrorHandling(t *testing.T) {
	_, rt, task, _ := openSink(t, "refuses")
	putAll(t, rt, task, 0, 30)
	safe, err := commit(t, task, 30)
	require.NoError(t, err)
	assert.Equal(t, int64(30), safe)
	assert.Equal(t, []string{"3 record 3: data error: a three", "13 record 13: data error: a three", "23 record 23: data error: a three"}, rt.reports)
	rt.set(func() { rt.refuse = errors.New("tolerance exceeded") })
	require.NoError(t, task.Put(rt.stopped, records(30, 40)))
	require.EqualError(t, rt.failed(t), "tolerance exceeded")
	safe, err = commit(t, task, 40)
	require.NoError(t, err)
	assert.Equal(t, int64(30), safe, "the Put whose record is nowhere safe is not committed")
	require.NoError(t, task.Close(ended(patience)))
}

func TestReportedRecordsAreTheRuntimesOwnOrCopies(t *testing.T) {
	_, rt, task, notes := openSink(t, "reports")
	putAll(t, rt, task, 0, 20)
	_, err := commit(t, task, 20)
	require.NoError(t, err)
	assert.Equal(t, []string{"9 record 9: the last one", "0 record 0: too late", "19 record 19: the last one"}, rt.reports)
	rt.set(func() { rt.refuse = errors.New("tolerance exceeded") })
	require.NoError(t, task.Put(rt.stopped, records(20, 30)))
	require.EqualError(t, rt.failed(t), "tolerance exceeded", "the author returns what Report gave")
	require.NoError(t, task.Close(ended(patience)))
	assert.Equal(t, noted(0, 20), notes())
}

func TestWhatASinkAsksOfTheRuntime(t *testing.T) {
	_, rt, task, _ := openSink(t, "controls")
	putAll(t, rt, task, 0, 10)
	rt.await(t, "it has asked", func() bool { return len(rt.paused) == 1 && rt.commits == 1 })
	assert.Equal(t, int32(1), rt.paused[0].Partition)
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))

	_, rt, task, _ = openSink(t, "rewinds")
	require.NoError(t, task.(connect.Assigner).Assigned(rt.stopped, []connect.TopicPartition{tp0}))
	rt.set(func() { assert.Equal(t, connect.Offsets{tp0: 42}, rt.rewound, "before Assigned returns") })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))

	_, rt, task, _ = openSink(t, "revoke-fails")
	require.EqualError(t, task.(connect.Assigner).Revoked(rt.stopped, []connect.TopicPartition{tp0}), "I keep it")
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}

func TestAPutThatHangsHoldsBackNoMoreThanTheCredit(t *testing.T) {
	r, rt, task, _ := openSink(t, "put-hangs")
	full, cancel := context.WithTimeout(rt.stopped, 300*time.Millisecond)
	defer cancel()
	var put int64
	for {
		if err := within(t, patience, func() error { return task.Put(full, records(put, put+10)) }); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			break
		}
		put += 10
	}
	assert.Equal(t, int64(2000), put)
	rt.stop()
	err := within(t, patience, func() error {
		_, err := task.(connect.PreCommitter).PreCommit(ended(100*time.Millisecond), connect.Offsets{tp0: put})
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	err = within(t, patience, func() error { return task.Close(ended(200 * time.Millisecond)) })
	require.ErrorContains(t, err, "did not end within its deadline")
	<-r.now.Done()
}

func TestASinkWhoseProcessDies(t *testing.T) {
	_, rt, task, _ := openSink(t, "exits")
	require.NoError(t, task.Put(rt.stopped, records(0, 10)))
	err := rt.failed(t)
	require.ErrorContains(t, err, "my last words")
	require.Equal(t, err, task.Put(context.Background(), records(10, 20)))
	_, precommit := commit(t, task, 20)
	require.Equal(t, err, precommit)
	require.NoError(t, task.Close(ended(patience)))
}
