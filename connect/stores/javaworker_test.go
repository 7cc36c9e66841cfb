package stores

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// startJavaWorker starts a worker of Kafka Connect on the topics whose names begin with prefix.
func startJavaWorker(t *testing.T, addr, prefix string) *testbed.Process {
	t.Helper()
	properties := fmt.Sprintf(`bootstrap.servers=%[1]s
group.id=%[2]sgroup
config.storage.topic=%[2]sconfigs
offset.storage.topic=%[2]soffsets
status.storage.topic=%[2]sstatuses
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.flush.interval.ms=500
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
listeners=http://127.0.0.1:%[3]d
plugin.discovery=service_load
`, addr, prefix, testbed.FreePort(t)) // the plugins are those of the class path
	path := filepath.Join(t.TempDir(), "worker.properties")
	require.NoError(t, os.WriteFile(path, []byte(properties), 0o600))
	return testbed.Start(t, testbed.JavaCommand(t, "org.apache.kafka.connect.cli.ConnectDistributed", path))
}

func TestAJavaWorkerGoesOnFromOurRecordsAndWeFromIts(t *testing.T) {
	addr, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	k := kafkaAt(addr)
	configs := startedConfigs(t, k, ConfigTopic(prefix+"configs", 1, nil), nil)
	offsets := NewOffsetStore(k, OffsetTopic(prefix+"offsets", 25, 1, nil))
	start(t, offsets)
	statuses := NewStatusStore(k, StatusTopic(prefix+"statuses", 5, 1, nil))
	start(t, statuses)

	// The connector has read its first line, so Java must begin with the second.
	input := filepath.Join(t.TempDir(), "in-ü.txt")
	require.NoError(t, os.WriteFile(input, []byte("one\ntwo\nthree\n"), 0o600))
	put(t, offsets, "lines", partition("filename", input), connect.At("position", 4))
	require.NoError(t, configs.PutConnector(inTime(t), "lines", connect.Config{
		"name": "lines", "connector.class": "FileStreamSource", "tasks.max": "1", "file": input, "topic": prefix + "out"}, nil))

	worker := startJavaWorker(t, addr, prefix)
	task := TaskInstance(TaskID{"lines", 0})
	awaitState := func(state State) {
		t.Helper()
		testbed.Await(t, patience, "the task to be "+string(state), func(ctx context.Context) error {
			if err := statuses.Refresh(ctx); err != nil {
				return err
			}
			if s, _ := statuses.Get(task); s.State != state {
				return fmt.Errorf("it is %+v", s)
			}
			return nil
		})
	}
	awaitState(StateRunning)
	var lines []string
	for _, m := range testbed.Consume(t, addr, prefix+"out", 2, patience) {
		lines = append(lines, string(m.Value))
	}
	assert.Equal(t, []string{"two", "three"}, lines)

	testbed.Await(t, patience, "Java to store its offset", func(ctx context.Context) error {
		found, err := offsets.Get(ctx, "lines", []*connect.Partition{partition("filename", input)})
		if err == nil && found[0].Int64() != 14 {
			err = fmt.Errorf("it is %s", found[0])
		}
		return err
	})
	require.NoError(t, configs.Refresh(inTime(t)))
	state := configs.Snapshot()
	require.Len(t, state.Tasks("lines"), 1)
	assert.Equal(t, "org.apache.kafka.connect.file.FileStreamSourceTask", state.Task(TaskID{"lines", 0})["task.class"])
	assert.NotNil(t, state.SessionKey())
	status, _ := statuses.Get(task)
	assert.NotEmpty(t, status.Version)
	assert.Equal(t, "lines", statuses.Topics("lines")[0].Connector)

	require.NoError(t, configs.PutTargetState(inTime(t), "lines", Paused))
	awaitState(StatePaused)
	worker.Terminate()
	awaitState(StateUnassigned)
}
