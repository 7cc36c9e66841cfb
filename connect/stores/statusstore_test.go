package stores

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func statusesOf(records ...string) *statusView {
	v := &statusView{}
	for i := 0; i < len(records); i += 2 {
		e := Entry{Record: Record{Key: []byte(records[i])}}
		if records[i+1] != "" {
			e.Value = []byte(records[i+1])
		}
		_ = v.apply(e) // ignored records are part of what is tested
	}
	return v
}

func statusText(state string, generation string) string {
	return `{"state":"` + state + `","trace":null,"worker_id":"w","generation":` + generation + `}`
}

func TestStatusRecordsAreJavas(t *testing.T) {
	failed := Status{State: StateFailed, Trace: "x\n\tat A", WorkerID: "10.0.0.1:8083", Generation: 5, Version: "4.1.2"}
	assert.Equal(t, `{"state":"FAILED","trace":"x\n\tat A","worker_id":"10.0.0.1:8083","generation":5,"version":"4.1.2"}`,
		string(failed.record()))
	assert.Equal(t, `{"state":"RUNNING","trace":null,"worker_id":"w","generation":0,"version":null}`,
		string(Status{State: StateRunning, WorkerID: "w"}.record()))
	assert.Equal(t, "status-connector-foo", ConnectorInstance("foo").key())
	assert.Equal(t, "status-task-foo-0", TaskInstance(TaskID{"foo", 0}).key())
	assert.Equal(t, "status-topic-t1:connector-foo", topicStatusKey("foo", "t1"))
	assert.Equal(t, `{"topic":{"name":"t1","connector":"foo","task":0,"discoverTimestamp":1700000000000}}`,
		string(TopicStatus{"t1", "foo", 0, time.UnixMilli(1700000000000)}.record()))
}

func TestAStatusThatCannotBeReadLeavesTheOldOne(t *testing.T) {
	for _, bad := range []string{`{`, `{"state":"DESTROYED","trace":null,"worker_id":"w","generation":1}`, `{"state":"RUNNING"}`,
		`{"state":"RUNNING","worker_id":"w","generation":1.0}`} {
		s, ok := statusesOf("status-connector-x", statusText("PAUSED", "1"), "status-connector-x", bad).get(ConnectorInstance("x"))
		assert.True(t, ok)
		assert.Equal(t, StatePaused, s.State, bad)
	}
}

func TestATaskRunningInALaterGenerationIsNotUnassignedByAnEarlierOne(t *testing.T) {
	task := TaskInstance(TaskID{"a-b", 1})
	v := statusesOf("status-task-a-b-1", statusText("RUNNING", "2"), "status-task-a-b-1", statusText("UNASSIGNED", "2"))
	s, _ := v.get(task)
	assert.Equal(t, StateRunning, s.State)
	require.NoError(t, v.apply(Entry{Record: record("status-task-a-b-1", []byte(statusText("UNASSIGNED", "3")))}))
	s, _ = v.get(task)
	assert.Equal(t, StateUnassigned, s.State)
}

func TestADeletedConnectorTakesItsTasksAlong(t *testing.T) {
	v := statusesOf("status-connector-x", statusText("RUNNING", "1"), "status-task-x-0", statusText("RUNNING", "1"),
		"status-task-y-0", statusText("RUNNING", "1"), "status-connector-x", "")
	assert.Equal(t, []Instance{{"y", 0}}, v.all())
}

func TestTopicsAreReadFromTheirKeys(t *testing.T) {
	v := statusesOf("status-topic-t:connector-a:connector-b",
		`{"topic":{"name":"t","connector":"a:connector-b","task":3,"discoverTimestamp":5}}`,
		"status-topic-broken", `{"topic":{}}`, "status-topic-t:other", `{}`)
	assert.Equal(t, []TopicStatus{{"t", "a:connector-b", 3, time.UnixMilli(5)}}, v.topicsOf("a:connector-b"))
	assert.True(t, v.hasTopic("a:connector-b", "t"))
	assert.False(t, v.hasTopic("b", "t"))
}

func TestStatusesComeBackThroughTheTopicToEveryWorker(t *testing.T) {
	k, topic := kafkaAt(testbed.Embedded(t)), StatusTopic("statuses", 5, 1, nil)
	here, there := NewStatusStore(k, topic), NewStatusStore(k, topic)
	start(t, here)
	start(t, there)
	running := Status{State: StateRunning, WorkerID: "here", Generation: 3, Version: "1"}
	task := TaskInstance(TaskID{"x", 0})
	here.Put(task, running)
	here.Put(ConnectorInstance("x"), running)
	here.PutTopic(TopicStatus{"t", "x", 0, time.UnixMilli(1)})
	require.NoError(t, here.Flush(inTime(t)))
	require.NoError(t, there.Refresh(inTime(t)))
	s, ok := there.Get(task)
	assert.True(t, ok)
	assert.Equal(t, running, s)
	assert.Equal(t, map[int]Status{0: running}, there.Tasks("x"))
	assert.Len(t, there.Topics("x"), 1)

	there.PutSafe(task, Status{State: StateUnassigned, WorkerID: "there", Generation: 2})
	require.NoError(t, there.Flush(inTime(t)))
	require.NoError(t, there.Refresh(inTime(t)))
	s, _ = there.Get(task)
	assert.Equal(t, StateRunning, s.State, "another worker wrote in a later generation")

	there.Delete(ConnectorInstance("x"))
	there.DeleteTopic("x", "t")
	require.NoError(t, there.Flush(inTime(t)))
	require.NoError(t, here.Refresh(inTime(t)))
	assert.Empty(t, here.Instances())
	assert.Empty(t, here.Topics("x"))
}

func TestAStatusWaitsForTheBrokerAndTheNewestOfAKeyIsWritten(t *testing.T) {
	s, journal := refusingStatuses()
	start(t, s)
	i := ConnectorInstance("x")
	s.Put(i, Status{State: StateRunning, WorkerID: "w", Generation: 1})
	<-journal.asked
	s.PutSafe(i, Status{State: StateFailed, WorkerID: "w", Generation: 1, Trace: "why"})
	close(journal.release)
	require.NoError(t, s.Flush(inTime(t)))
	got, _ := s.Get(i)
	assert.Equal(t, StateFailed, got.State)
}

func TestAStatusOfAnEarlierGenerationIsNotTriedAgain(t *testing.T) {
	s, journal := refusingStatuses()
	start(t, s)
	s.Put(ConnectorInstance("x"), Status{State: StateRunning, WorkerID: "w", Generation: 1})
	<-journal.asked
	s.Put(ConnectorInstance("y"), Status{State: StateRunning, WorkerID: "w", Generation: 2})
	close(journal.release)
	require.NoError(t, s.Flush(inTime(t)))
	assert.Equal(t, []Instance{ConnectorInstance("y")}, s.Instances())
}
