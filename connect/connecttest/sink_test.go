package connecttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// writer is a sink made of functions. put sees each batch, safe limits what PreCommit says.
type writer struct {
	rt     connect.SinkContext
	put    func(w *writer, records []connect.SinkRecord) error
	commit func(put connect.Offsets) (connect.Offsets, error)
	got    []string
	events []string
}

func (w *writer) Spec() connect.Spec { return connect.NewSpec("writer", "1") }

func (w *writer) Open(_ context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	w.rt = rt
	return w, nil
}

func (w *writer) Put(_ context.Context, records []connect.SinkRecord) error {
	if w.put != nil {
		if err := w.put(w, records); err != nil {
			return err
		}
	}
	for _, r := range records {
		w.got = append(w.got, r.Value.Str())
	}
	return nil
}

func (w *writer) PreCommit(_ context.Context, put connect.Offsets) (connect.Offsets, error) {
	w.events = append(w.events, "commit")
	if w.commit == nil {
		return put, nil
	}
	return w.commit(put)
}

func (w *writer) Assigned(context.Context, []connect.TopicPartition) error {
	w.events = append(w.events, "assigned")
	return nil
}

func (w *writer) Revoked(context.Context, []connect.TopicPartition) error {
	w.events = append(w.events, "revoked")
	return nil
}

func (w *writer) Close(context.Context) error { return nil }

func record(text string) (r connect.SinkRecord) {
	r.Topic = "t"
	r.SetString(text)
	return r
}

var t0 = connect.TopicPartition{Topic: "t"}

func TestASinkTakesWhatIsPutAndCommitsWhatItSays(t *testing.T) {
	w := &writer{commit: func(put connect.Offsets) (connect.Offsets, error) { return connect.Offsets{t0: put[t0] - 1}, nil }}
	sink := StartSink(t, w, nil)
	sink.Put(record("a"), record("b"))
	assert.Equal(t, connect.Offsets{t0: 1}, sink.Commit())
	sink.Kill()
	sink.AwaitTaken()
	assert.Equal(t, []string{"a", "b", "b"}, w.got, "what is not committed comes again")
}

func TestACommitThatFailsReadsAgainFromTheLastOne(t *testing.T) {
	away := errors.New("disk full")
	w := &writer{}
	sink := StartSink(t, w, nil)
	sink.Put(record("a"))
	sink.Commit()
	sink.Put(record("b"))
	w.commit = func(put connect.Offsets) (connect.Offsets, error) { w.commit = nil; return nil, away }
	_, err := sink.TryCommit()
	require.ErrorIs(t, err, away)
	sink.AwaitTaken()
	assert.Equal(t, []string{"a", "b", "b"}, w.got)
	assert.Equal(t, connect.Offsets{t0: 2}, sink.Commit())
}

func TestARetryPutsTheSameBatchAgain(t *testing.T) {
	tries := 0
	w := &writer{put: func(_ *writer, records []connect.SinkRecord) error {
		if tries++; tries < 3 {
			return connect.Retry(errors.New("away"), time.Millisecond)
		}
		return nil
	}}
	sink := StartSink(t, w, nil)
	sink.Put(record("a"), record("b"))
	assert.Equal(t, []string{"a", "b"}, w.got)
	assert.Equal(t, 3, tries)
	assert.NoError(t, sink.Waiting())
}

func TestRefusedRecordsFollowErrorsTolerance(t *testing.T) {
	cause := errors.New("too long")
	refuse := func(*writer, []connect.SinkRecord) error { return &connect.BatchError{Failed: map[int]error{1: cause}} }
	sink := StartSink(t, &writer{put: refuse}, connect.Config{"errors.tolerance": "all"})
	sink.Put(record("a"), record("b"))
	require.Len(t, sink.Reports(), 1)
	assert.Equal(t, "b", sink.Reports()[0].Record.Value.Str())

	sink = StartSink(t, &writer{put: refuse}, nil)
	sink.Send(record("a"), record("b"))
	require.ErrorIs(t, sink.AwaitFailed(), cause)
}

func TestATaskRewindsPausesAndAsksForACommit(t *testing.T) {
	w := &writer{}
	w.put = func(w *writer, _ []connect.SinkRecord) error {
		if len(w.got) == 0 {
			w.rt.Rewind(connect.Offsets{t0: 0})
			w.put = func(w *writer, _ []connect.SinkRecord) error {
				w.rt.Pause(t0)
				w.rt.RequestCommit()
				return nil
			}
		}
		return nil
	}
	sink := StartSink(t, w, nil)
	sink.Send(record("a"))
	sink.AwaitPaused(1)
	sink.AwaitCommitted(t0, 1)
	assert.Equal(t, []string{"a", "a"}, w.got)
	sink.Put(record("held back"))
	assert.Len(t, w.got, 2)
	w.rt.Resume(t0)
	sink.AwaitTaken()
	assert.Len(t, w.got, 3)
}

func TestPartitionsComeAndGoInOrder(t *testing.T) {
	w := &writer{}
	sink := StartSink(t, w, nil)
	sink.Put(record("a"))
	sink.Revoke(t0)
	assert.Equal(t, []string{"assigned", "commit", "revoked"}, w.events)
	sink.Send(record("b"))
	sink.Assign(t0)
	sink.AwaitTaken()
	assert.Equal(t, []string{"a", "b"}, w.got)
}

func TestABatchThatIsCommittedIsNotTheTasksAnyMore(t *testing.T) {
	var kept []connect.SinkRecord
	sink := StartSink(t, &writer{put: func(_ *writer, records []connect.SinkRecord) error { kept = records; return nil }}, nil)
	sink.Put(record("a"))
	assert.Equal(t, "a", kept[0].Value.Str())
	sink.Commit()
	assert.True(t, kept[0].Value.IsNull())
}

func TestAPanicInPutFailsTheTest(t *testing.T) {
	said := verdict(t, func(tb testing.TB) {
		StartSink(tb, &writer{put: func(*writer, []connect.SinkRecord) error { panic("nil map") }}, nil).Put(record("a"))
	})
	assert.Contains(t, said, "the task failed: panic in Put: nil map")
}
