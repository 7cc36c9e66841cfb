package crew

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAnInternalTopicThatLosesRecordsIsRefusedByItsKey(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.SharedKafka(t)
	for _, key := range []string{"config.storage.topic", "offset.storage.topic", "status.storage.topic"} {
		for _, policy := range []string{"delete", "compact,delete"} {
			t.Run(key+" "+policy, func(t *testing.T) {
				prefix := testbed.Prefix(t)
				testbed.CreateTopic(t, kafka, prefix+"wrong", 1, map[string]string{"cleanup.policy": policy})
				log := ledger.File(t, "log", "")
				worker := testbed.Launch(t, testbed.Command{
					Path: testbed.SluiceBinary(t), Log: log,
					Args: []string{"worker", ledger.File(t, "worker.properties",
						ledger.WorkerProperties(kafka, prefix, testbed.FreePort(t), key+"="+prefix+"wrong"))},
				})
				assert.Equal(t, 2, worker.Wait(20*time.Second))
				text, err := os.ReadFile(log)
				require.NoError(t, err)
				for _, part := range []string{key, prefix + "wrong", "cleanup.policy"} {
					assert.Contains(t, string(text), part)
				}
			})
		}
	}
}

// told is what a worker has written on a topic, in order, with what differs between two runs taken out.
type told []string

var (
	numbers = regexp.MustCompile(`"(timestamp|discoverTimestamp|generation|creation-timestamp)":-?\d+`)
	secrets = regexp.MustCompile(`"key":"[^"]+"`)
)

// tell reads a topic. Members of an object are compared without regard to order: Java's come out of a hash map.
func tell(t *testing.T, kafka, topic string, same *strings.Replacer) (all told) {
	t.Helper()
	for _, m := range testbed.ConsumeAll(t, kafka, topic) {
		value := "deleted"
		if m.Value != nil {
			var parsed any
			require.NoError(t, json.Unmarshal(m.Value, &parsed), string(m.Value))
			sorted, err := json.Marshal(parsed)
			require.NoError(t, err)
			value = secrets.ReplaceAllString(numbers.ReplaceAllString(same.Replace(string(sorted)), `"$1":N`), `"key":"K"`)
		}
		all = append(all, same.Replace(string(m.Key))+" "+value)
	}
	return all
}

// of are the records under a key, without repetitions, and without UNASSIGNED and RESTARTING: of two statuses that follow one another at once a
// worker may write the second alone.
func (a told) of(key string) (some told) {
	for _, line := range a {
		if strings.HasPrefix(line, key+" ") && !strings.Contains(line, `"UNASSIGNED"`) && !strings.Contains(line, `"RESTARTING"`) {
			some = append(some, line)
		}
	}
	return slices.Compact(some)
}

// life puts a source and a sink through what users do to them.
func life(t *testing.T, kafka, prefix string, w *ledger.Worker, sources string) {
	t.Helper()
	c := &cluster{Crew: NewCrew(t, kafka, prefix), tasks: map[string]int{}}
	c.Workers = append(c.Workers, w)
	source := map[string]string{"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": sources, "topic": prefix + "lines"}
	do := func(method, path string, body any, code int) { c.Do(w, method, "/connectors"+path, body, code) }
	do("POST", "", map[string]any{"name": "S", "config": source}, 201)
	c.awaitState("S", "RUNNING", 1)
	source["batch.size"] = "7"
	do("PUT", "/S/config", source, 200)
	awaitBatchSize(t, w, true)
	do("PATCH", "/S/config", map[string]any{"batch.size": nil}, 200)
	awaitBatchSize(t, w, false)
	c.awaitState("S", "RUNNING", 1)
	do("PUT", "/S/pause", nil, 202)
	c.awaitState("S", "PAUSED", 1)
	do("PUT", "/S/resume", nil, 202)
	c.awaitState("S", "RUNNING", 1)
	awaitTopic(t, w, "S", prefix+"lines")
	do("POST", "/S/restart?includeTasks=true&onlyFailed=false", nil, 202)
	c.awaitState("S", "RUNNING", 1)
	do("PUT", "/S/stop", nil, 204)
	c.awaitState("S", "STOPPED", 0)
	do("PUT", "/S/resume", nil, 202)
	c.awaitState("S", "RUNNING", 1)
	do("POST", "", map[string]any{"name": "T", "initial_state": "STOPPED", "config": map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": sources + ".out", "topics": prefix + "lines", "tasks.max": "2",
	}}, 201)
	c.awaitState("T", "STOPPED", 0)
	do("PUT", "/T/resume", nil, 202)
	c.awaitState("T", "RUNNING", 2)
	awaitTopic(t, w, "T", prefix+"lines")
	for _, name := range []string{"S", "T"} {
		do("DELETE", "/"+name, nil, 204)
		testbed.Await(t, 30*time.Second, name+" to be gone", func(ctx context.Context) error {
			a, err := w.Ask(ctx, "GET", "/connectors/"+name+"/status", nil)
			if err == nil && a.Code != 404 {
				err = fmt.Errorf("%d: %s", a.Code, a.Body)
			}
			return err
		})
	}
	w.Terminate()
}

// awaitTopic waits until a connector is known to use a topic.
func awaitTopic(t *testing.T, w *ledger.Worker, connector, topic string) {
	t.Helper()
	testbed.Await(t, 30*time.Second, connector+" to be known to use its topic", func(ctx context.Context) error {
		a, err := w.Ask(ctx, "GET", "/connectors/"+connector+"/topics", nil)
		if err == nil && !strings.Contains(a.Body, topic) {
			err = fmt.Errorf("%d: %s", a.Code, a.Body)
		}
		return err
	})
}

// awaitBatchSize waits until the source's task has that key, or has it no more: Java writes configurations of tasks some time after it has answered.
func awaitBatchSize(t *testing.T, w *ledger.Worker, has bool) {
	t.Helper()
	testbed.Await(t, 30*time.Second, "the task's new configuration", func(ctx context.Context) error {
		a, err := w.Ask(ctx, "GET", "/connectors/S/tasks", nil)
		if err == nil && (a.Code != 200 || strings.Contains(a.Body, "batch.size") != has) {
			err = fmt.Errorf("%d: %s", a.Code, a.Body)
		}
		return err
	})
}

// TestTheTopicsTellWhatAJavaWorkersTell has the same life led on a Java and on a Sluice worker, and compares what is on the config and the status
// topic: keys, values, and on the config topic the order of all.
func TestTheTopicsTellWhatAJavaWorkersTell(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.SharedKafka(t)
	configs, statuses := map[string]told{}, map[string]told{}
	for kind, run := range runners {
		prefix, port := testbed.Prefix(t)+strings.ToLower(kind)+"-", testbed.FreePort(t)
		testbed.CreateTopic(t, kafka, prefix+"lines", 1, nil)
		lines := filepath.Join(t.TempDir(), "lines")
		require.NoError(t, os.WriteFile(lines, []byte("one\ntwo\n"), 0o600))
		w := run(t, port, ledger.File(t, "worker.properties",
			ledger.WorkerProperties(kafka, prefix, port, "value.converter=org.apache.kafka.connect.storage.StringConverter")))
		life(t, kafka, prefix, w, lines)
		same := strings.NewReplacer(prefix, "P-", strings.TrimPrefix(w.URL, "http://"), "HOST", lines, "FILE", "4.1.2", "V", "0.1.0", "V")
		configs[kind], statuses[kind] = tell(t, kafka, prefix+"configs", same), tell(t, kafka, prefix+"status", same)
	}
	assert.Equal(t, configs["Java"], configs["Sluice"])
	for _, key := range []string{"status-connector-S", "status-task-S-0", "status-connector-T", "status-task-T-0", "status-task-T-1",
		"status-topic-P-lines:connector-S", "status-topic-P-lines:connector-T"} {
		assert.Equal(t, statuses["Java"].of(key), statuses["Sluice"].of(key), key)
	}
}
