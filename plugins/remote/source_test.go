package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/process"
)

// openSource opens a task of the scripted source.
func openSource(t testing.TB, how string) (*running, *taskRuntime, connect.SourceTask) {
	t.Helper()
	leavesNothing(t)
	r := run(t)
	rt := newRuntime(t, connect.Config{"how": how})
	task, err := r.source("test.ScriptedSource").Open(rt.stopped, rt)
	require.NoError(t, err)
	return r, rt, task
}

// pollUntilFailed polls until Poll says why not.
func pollUntilFailed(t testing.TB, rt *taskRuntime, task connect.SourceTask) (records []connect.SourceRecord, err error) {
	t.Helper()
	for {
		b := connect.NewBatch(100, 1<<20)
		err := within(t, patience, func() error { return task.Poll(rt.stopped, b) })
		records = append(records, b.Records()...)
		if err != nil {
			return records, err
		}
	}
}

func TestReceiptsArriveInOrderAndTheOffsetIsWhereItGoesOn(t *testing.T) {
	leavesNothing(t)
	r := run(t)
	rt := newRuntime(t, nil)
	rt.stored["{stream=one}"] = connect.At("n", 1000)
	task, err := r.source("test.ScriptedSource").Open(rt.stopped, rt)
	require.NoError(t, err)
	acked := int64(1000)
	for range 50 {
		records := poll(t, rt, task, 100)
		var done []connect.Receipt
		for i, r := range records {
			acked++
			require.Equal(t, fmt.Sprint("record ", acked), r.Value.Str())
			done = append(done, connect.Receipt{
				Source: r.Source, Offset: r.Offset, Tag: r.Tag, Topic: "topic", KafkaPartition: int32(i / 40), KafkaOffset: int64(i),
			})
		}
		done[7].Outcome, done[7].Topic, done[7].KafkaPartition, done[7].KafkaOffset = connect.Filtered, "", -1, -1
		require.NoError(t, task.(connect.Acker).Ack(context.Background(), done))
	}
	rt.await(t, "all is acknowledged", func() bool { return rt.metrics.Gauge("acked", "").Value() == float64(acked) })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	assert.NoError(t, rt.failure)
}

func TestWhatIsReadAheadIsBounded(t *testing.T) {
	_, rt, task := openSource(t, "")
	b := connect.NewBatch(100, 1<<20)
	require.NoError(t, task.Poll(rt.stopped, b))
	// The plugin now fills what is left of the window, and no more.
	s := task.(acknowledgedTask).sourceTask
	waiting := func() (records int) {
		s.arrived.mu.Lock()
		defer s.arrived.mu.Unlock()
		for _, one := range s.arrived.batches {
			records += one.records
		}
		return records
	}
	rt.await(t, "the rest of the window is full", func() bool { return waiting()+b.Len() == 200 })
	<-time.After(50 * time.Millisecond) // nothing more comes, or the next line finds it
	assert.Equal(t, 200, waiting()+b.Len())
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}

func TestAPollThatAsksForAnotherGetsIt(t *testing.T) {
	_, rt, task := openSource(t, "retries")
	var seen, retries int
	for seen < 20 {
		b := connect.NewBatch(5, 1<<20)
		err := within(t, patience, func() error { return task.Poll(rt.stopped, b) })
		if again := new(connect.RetryError); errors.As(err, &again) {
			assert.Equal(t, time.Millisecond, again.After)
			assert.Contains(t, again.Error(), "is early")
			retries++
		} else {
			require.NoError(t, err)
		}
		for _, r := range b.Records() {
			seen++
			require.Equal(t, fmt.Sprint("record ", seen), r.Value.Str())
		}
	}
	assert.GreaterOrEqual(t, retries, 4)
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}

func TestAPollThatFailsBringsWhatItHasAndTheCause(t *testing.T) {
	_, rt, task := openSource(t, "poll-fails")
	records, err := pollUntilFailed(t, rt, task)
	assert.Len(t, records, 2)
	require.EqualError(t, err, "the cable is cut")
	require.NoError(t, task.Close(ended(patience)))
}

func TestAnOpenThatFails(t *testing.T) {
	leavesNothing(t)
	r := run(t)
	c := r.source("test.ScriptedSource")
	open := func(how string) error {
		rt := newRuntime(t, connect.Config{"how": how})
		return within(t, patience, func() error {
			task, err := c.Open(rt.stopped, rt)
			if err == nil {
				err = task.Close(ended(patience))
			}
			return err
		})
	}
	config := new(connect.ConfigError)
	require.ErrorAs(t, open("open-fails"), &config)
	assert.Equal(t, "notes", config.Key)
	again := new(connect.RetryError)
	require.ErrorAs(t, open("open-retry"), &again)
	assert.Equal(t, 2*time.Second, again.After)
	err := open("open-panic")
	require.ErrorContains(t, err, "panic in Open: in Open\n")
	assert.ErrorContains(t, err, "scripted_test.go", "the stack is the author's")
	require.NoError(t, open("slow"), "the process is well")
}

func TestAPanicEndsItsTaskAlone(t *testing.T) {
	r, rt, task := openSource(t, "poll-panics")
	other := newRuntime(t, nil)
	well, err := r.source("test.ScriptedSource").Open(other.stopped, other)
	require.NoError(t, err)
	_, err = pollUntilFailed(t, rt, task)
	require.ErrorContains(t, err, "panic in Poll: in Poll\n")
	require.NoError(t, task.Close(ended(patience)))
	poll(t, other, well, 500)
	other.stop()
	require.NoError(t, well.Close(ended(patience)))
}

func TestAnAcknowledgementThatFailsEndsTheTask(t *testing.T) {
	for how, want := range map[string]string{"ack-fails": "acknowledging to the source: the broker is deaf", "ack-panics": "panic in Ack: in Ack\n"} {
		t.Run(how, func(t *testing.T) {
			_, rt, task := openSource(t, how)
			r := poll(t, rt, task, 1)[0]
			require.NoError(t, task.(connect.Acker).Ack(context.Background(), []connect.Receipt{{Source: r.Source, Offset: r.Offset, Tag: r.Tag, Topic: "topic"}}))
			require.ErrorContains(t, rt.failed(t), want)
			require.NoError(t, task.Close(ended(patience)))
		})
	}
}

func TestAFailureElsewhereEndsTheTask(t *testing.T) {
	_, rt, task := openSource(t, "fails-elsewhere")
	require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, connect.NewBatch(100, 1<<20)) }))
	require.EqualError(t, rt.failed(t), "the session is lost")
	require.NoError(t, task.Close(ended(patience)))
}

func TestTheStatusLogAndMetricsCross(t *testing.T) {
	_, rt, task := openSource(t, "waits")
	b := connect.NewBatch(100, 1<<20)
	require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, b) }))
	rt.await(t, "it was said to wait and to be well", func() bool { return rt.waiting == nil })
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))

	_, rt, task = openSource(t, "talks")
	require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, b) }))
	assert.Contains(t, rt.logged(t, "it is hot"), "level=WARN msg=\"it is hot\" sensor=s1 at.degrees=41")
	rt.await(t, "metrics are shown", func() bool {
		return rt.metrics.Counter("seen", "").Value() >= 5 && rt.metrics.Gauge("heat", "").Value() == 41.5
	})
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
	seen := rt.metrics.Counter("seen", "").Value()
	assert.Zero(t, seen%5)
}

func TestAFloodOfLinesIsCutAndCounted(t *testing.T) {
	_, rt, task := openSource(t, "floods-log")
	b := connect.NewBatch(100, 1<<20)
	require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, b) }))
	text := rt.logged(t, "lines of log were dropped")
	assert.Less(t, strings.Count(text, "\n"), 2000)
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}

func TestAProcessThatDiesFailsItsTasksWithItsLastWords(t *testing.T) {
	for how, want := range map[string]string{"dies": "nobody catches this", "exits": "my last words"} {
		t.Run(how, func(t *testing.T) {
			r, rt, task := openSource(t, how)
			_, err := pollUntilFailed(t, rt, task)
			require.ErrorContains(t, err, want)
			died := new(process.Ended)
			require.ErrorAs(t, err, &died)
			require.Equal(t, err, rt.failed(t))
			require.NoError(t, task.Close(ended(patience)))
			rt = newRuntime(t, nil)
			task, err = r.source("test.ScriptedSource").Open(rt.stopped, rt)
			require.NoError(t, err, "the next task has the next process")
			poll(t, rt, task, 100)
			rt.stop()
			require.NoError(t, task.Close(ended(patience)))
		})
	}
}

func TestAKillInMidStream(t *testing.T) {
	r, rt, task := openSource(t, "")
	poll(t, rt, task, 1000)
	r.now.Kill(errors.New("the test says so"))
	_, err := pollUntilFailed(t, rt, task)
	require.ErrorContains(t, err, "the test says so")
	require.NoError(t, task.Close(ended(patience)))
}

func TestATaskThatDoesNotEndIsKilledWithItsProcess(t *testing.T) {
	for _, how := range []string{"poll-hangs", "close-hangs", "ack-hangs"} {
		t.Run(how, func(t *testing.T) {
			r, rt, task := openSource(t, how)
			if how == "ack-hangs" {
				rec := poll(t, rt, task, 1)[0]
				require.NoError(t, task.(connect.Acker).Ack(context.Background(), []connect.Receipt{{Source: rec.Source, Offset: rec.Offset, Tag: rec.Tag}}))
			}
			if how == "poll-hangs" {
				polling, cancel := context.WithTimeout(rt.stopped, 100*time.Millisecond)
				require.NoError(t, within(t, patience, func() error { return task.Poll(polling, connect.NewBatch(100, 1<<20)) }))
				cancel()
			}
			rt.stop()
			err := within(t, patience, func() error { return task.Close(ended(200 * time.Millisecond)) })
			require.ErrorContains(t, err, "task 3 of connector tested did not end within its deadline")
			<-r.now.Done()
			require.ErrorContains(t, r.now.Err(), "did not end within its deadline")
		})
	}
}

func TestAnOpenThatHangsEndsWithTheTask(t *testing.T) {
	leavesNothing(t)
	r := run(t)
	rt := newRuntime(t, connect.Config{"how": "open-hangs"})
	time.AfterFunc(200*time.Millisecond, rt.stop)
	c := r.source("test.ScriptedSource")
	err := within(t, patience, func() error {
		_, err := c.Open(rt.stopped, rt)
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
	<-r.now.Done()
}

func TestACloseThatFailsIsTold(t *testing.T) {
	for how, want := range map[string]string{"close-fails": "the door jams", "close-panics": "panic in Close: in Close"} {
		_, rt, task := openSource(t, how)
		rt.stop()
		require.ErrorContains(t, task.Close(ended(patience)), want)
	}
}

func TestAnIdleSourceSaysSo(t *testing.T) {
	_, rt, task := openSource(t, "empty")
	for range 3 {
		b := connect.NewBatch(100, 1<<20)
		require.NoError(t, within(t, patience, func() error { return task.Poll(rt.stopped, b) }))
		require.Zero(t, b.Len())
	}
	rt.stop()
	require.NoError(t, task.Close(ended(patience)))
}
