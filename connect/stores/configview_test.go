package stores

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// replayed is a store that has started with these keys and values, in turn; the value "" is a tombstone.
func replayed(t *testing.T, listen func(ConfigEvent), records ...string) *ConfigStore {
	t.Helper()
	s := NewMemoryConfigStore(nil, listen)
	tell(s, 0, records...)
	require.NoError(t, s.Start(t.Context()))
	return s
}

func tell(s *ConfigStore, from int64, records ...string) {
	for i := 0; i < len(records); i += 2 {
		e := Entry{Record: Record{Key: []byte(records[i])}, Offset: from + int64(i/2)}
		if records[i+1] != "" {
			e.Value = []byte(records[i+1])
		}
		s.replay(e)
	}
}

const (
	someConfig = `{"properties":{"name":"x","connector.class":"C"}}`
	someTask   = `{"properties":{"task.class":"T"}}`
)

func TestRecordsOfAConnectorMakeItsState(t *testing.T) {
	s := replayed(t, nil,
		"connector-x-y", `{"properties":{"name":"x-y","nothing":null}}`,
		"task-x-y-0", `{"properties":{"n":"0"}}`,
		"task-x-y-1", `{"properties":{"n":"1"}}`,
		"commit-x-y", `{"tasks":2}`,
		"tasks-fencing-x-y", `{"task-count":2}`,
		"session-key", `{"key":"AAAA","algorithm":"HmacSHA256","creation-timestamp":1700000000000}`,
	).Snapshot()

	assert.Equal(t, []string{"x-y"}, s.Connectors())
	assert.Equal(t, connect.Config{"name": "x-y"}, s.Connector("x-y"))
	target, ok := s.Target("x-y")
	assert.True(t, ok)
	assert.Equal(t, Started, target)
	assert.Equal(t, []TaskID{{"x-y", 0}, {"x-y", 1}}, s.Tasks("x-y"))
	assert.Equal(t, []connect.Config{{"n": "0"}, {"n": "1"}}, s.TaskConfigs("x-y"))
	assert.Equal(t, connect.Config{"name": "x-y"}, s.Applied("x-y"))
	assert.Equal(t, 0, s.Generation("x-y"))
	count, ok := s.TaskCountRecord("x-y")
	assert.True(t, ok)
	assert.Equal(t, 2, count)
	assert.False(t, s.PendingFencing("x-y"))
	assert.Equal(t, []byte{0, 0, 0}, s.SessionKey().Key)
	assert.Equal(t, time.UnixMilli(1700000000000), s.SessionKey().Created)
	assert.Equal(t, int64(6), s.Offset())
}

func TestTaskConfigsTakeEffectOnlyByTheirCommit(t *testing.T) {
	s := replayed(t, nil, "connector-x", someConfig, "task-x-0", someTask, "commit-x", `{"tasks":1}`,
		"task-x-0", `{"properties":{"changed":"yes"}}`)
	assert.Equal(t, connect.Config{"task.class": "T"}, s.Snapshot().Task(TaskID{"x", 0}))
	tell(s, 4, "commit-x", `{"tasks":1}`)
	assert.Equal(t, connect.Config{"changed": "yes"}, s.Snapshot().Task(TaskID{"x", 0}))
	assert.Equal(t, 1, s.Snapshot().Generation("x"))
}

func TestAnIncompleteSetOfTasksIsInconsistentUntilAWholeOneComes(t *testing.T) {
	s := replayed(t, nil, "connector-x", someConfig, "task-x-0", someTask, "task-x-2", someTask, "commit-x", `{"tasks":3}`)
	state := s.Snapshot()
	assert.True(t, state.Inconsistent("x"))
	assert.Empty(t, state.Tasks("x"))
	assert.Equal(t, 3, state.TaskCount("x"))
	assert.True(t, state.TasksChanged("x", []connect.Config{{}, {}, {}}))

	tell(s, 4, "task-x-0", someTask, "commit-x", `{"tasks":1}`)
	assert.False(t, s.Snapshot().Inconsistent("x"))
	assert.Len(t, s.Snapshot().Tasks("x"), 1)
	assert.True(t, state.Inconsistent("x"), "a snapshot never changes")
}

func TestACommitBeforeItsConnectorIsForgotten(t *testing.T) {
	s := replayed(t, nil, "task-x-0", someTask, "commit-x", `{"tasks":1}`, "connector-x", someConfig).Snapshot()
	assert.Equal(t, []string{"x"}, s.Connectors())
	assert.Empty(t, s.Tasks("x"))
	assert.True(t, s.TasksChanged("x", []connect.Config{{"task.class": "T"}}))
}

func TestADeletedConnectorLeavesOnlyWhatFencingNeeds(t *testing.T) {
	s := replayed(t, nil, "connector-x", someConfig, "task-x-0", someTask, "commit-x", `{"tasks":1}`,
		"tasks-fencing-x", `{"task-count":1}`, "target-state-x", `{"state":"PAUSED","state.v2":"STOPPED"}`,
		"connector-x", "", "target-state-x", "").Snapshot()
	assert.Empty(t, s.Connectors())
	_, ok := s.Target("x")
	assert.False(t, ok)
	assert.Empty(t, s.Tasks("x"))
	count, _ := s.TaskCountRecord("x")
	assert.Equal(t, 1, count)
}

func TestTargetStatesAreReadInBothForms(t *testing.T) {
	for value, want := range map[string]TargetState{
		`{"state":"PAUSED","state.v2":"STOPPED"}`: Stopped,
		`{"state":"PAUSED"}`:                      Paused,
		`{"state":"PAUSED","state.v2":5}`:         Paused,
		`{"state":"GONE"}`:                        Started,
		`{"state.v2":"paused","state":"PAUSED"}`:  Started,
		`[]`:                                      Started,
		``:                                        Started,
	} {
		s := replayed(t, nil, "connector-x", someConfig, "target-state-x", value).Snapshot()
		got, _ := s.Target("x")
		assert.Equal(t, want, got, value)
	}
}

func TestWrittenRecordsAreJavas(t *testing.T) {
	assert.Equal(t, `{"state":"PAUSED","state.v2":"STOPPED"}`, string(Stopped.record()))
	assert.Equal(t, `{"state":"STARTED","state.v2":"STARTED"}`, string(Started.record()))
	assert.Equal(t, `{"include-tasks":true,"only-failed":false}`, string(RestartRequest{"foo", true, false}.record()))
	assert.Equal(t, `{"key":"AAAA","algorithm":"HmacSHA256","creation-timestamp":1700000000000}`,
		string(SessionKey{[]byte{0, 0, 0}, "HmacSHA256", time.UnixMilli(1700000000000)}.record()))
	assert.Equal(t, `{"tasks":1}`, string(numberRecord("tasks", 1)))
	assert.Equal(t, `{"level":"DEBUG"}`, string(loggerRecord("DEBUG")))
	assert.Equal(t, `{"properties":{"file":"test.txt","name":"a<b>\u0001"}}`,
		string(propertiesRecord(connect.Config{"name": "a<b>\x01", "file": "test.txt"})))
}

func TestTheOffsetCountsEveryRecordButThoseThatAreNoJSON(t *testing.T) {
	s := NewMemoryConfigStore(nil, nil)
	assert.Equal(t, int64(-1), s.Snapshot().Offset())
	tell(s, 5, "connector-x", "{no json")
	assert.Equal(t, int64(-1), s.Snapshot().Offset())
	tell(s, 6, "connector-x", someConfig)
	assert.Equal(t, int64(7), s.Snapshot().Offset())
	tell(s, 9, "stranger", `{}`)
	assert.Equal(t, int64(10), s.Snapshot().Offset())
	tell(s, 10, "task-x-one", someTask, "commit-x", `{"tasks":1.0}`, "session-key", `{}`, "task-x", "")
	assert.Equal(t, int64(14), s.Snapshot().Offset())
	tell(s, 14, "connector-x", "{no json")
	assert.Equal(t, int64(14), s.Snapshot().Offset())
	assert.Equal(t, []string{"x"}, s.Snapshot().Connectors())
}

func TestListenersHearOfChangesAfterTheStartOnly(t *testing.T) {
	var heard []ConfigEvent
	s := replayed(t, func(e ConfigEvent) { heard = append(heard, e) },
		"connector-x", someConfig, "restart-connector-x", `{"include-tasks":true,"only-failed":false}`)
	assert.Empty(t, heard)

	paused := Paused
	ctx := t.Context()
	require.NoError(t, s.PutConnector(ctx, "y", connect.Config{"name": "y"}, &paused))
	require.NoError(t, s.PutTargetState(ctx, "y", Paused))
	require.NoError(t, s.PutTargetState(ctx, "y", Started))
	require.NoError(t, s.PutTaskConfigs(ctx, "y", []connect.Config{{}, {}}))
	require.NoError(t, s.PutTaskConfigs(ctx, "y", nil))
	require.NoError(t, s.PutRestartRequest(ctx, RestartRequest{Connector: "y", OnlyFailed: true}))
	require.NoError(t, s.PutLoggerLevel(ctx, "org.apache", "DEBUG"))
	require.NoError(t, s.RemoveConnector(ctx, "y"))
	assert.Equal(t, []ConfigEvent{
		ConnectorChanged{"y"}, TargetStateChanged{"y"},
		TasksChanged{"y", []TaskID{{"y", 0}, {"y", 1}}}, TasksChanged{"y", []TaskID{}},
		RestartRequested{RestartRequest{"y", false, true}}, LoggerLevelChanged{"org.apache", "DEBUG"}, ConnectorRemoved{"y"},
	}, heard)
}

func TestTasksChangeWithTheirNumberTheirConfigsOrTheConnector(t *testing.T) {
	s := replayed(t, nil, "connector-x", someConfig, "task-x-0", someTask, "commit-x", `{"tasks":1}`)
	same := []connect.Config{{"task.class": "T"}}
	assert.False(t, s.Snapshot().TasksChanged("x", same))
	assert.True(t, s.Snapshot().TasksChanged("x", nil))
	assert.True(t, s.Snapshot().TasksChanged("x", []connect.Config{{"task.class": "U"}}))
	tell(s, 3, "connector-x", `{"properties":{"name":"x","connector.class":"D"}}`)
	assert.True(t, s.Snapshot().TasksChanged("x", same))
}
