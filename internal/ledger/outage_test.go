package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

const (
	// outage is how long Kafka stays away.
	outage = 20 * time.Second
	// mostMemory is what a worker may have resident while it waits, in bytes.
	mostMemory = 100 << 20
)

// endings of a Kafka.
var endings = map[string]func(*testbed.Kafka){
	"stopped in order": func(k *testbed.Kafka) { k.Terminate() },
	"killed":           func(k *testbed.Kafka) { k.Kill() },
}

func TestNothingIsLostWhileKafkaIsAway(t *testing.T) {
	needsProcesses(t)
	for i, name := range slices.Sorted(maps.Keys(endings)) {
		end, version := endings[name], versions[i]
		t.Run(name+" under MQTT "+version, func(t *testing.T) {
			kafka := testbed.StartKafka(t)
			r := startRiver(t, kafka.Addr(), 1, func(_ *river, config map[string]string) { config["mqtt.protocol.version"] = version })
			published := r.publish(messages)
			r.awaitFlow(messages / 5)
			end(kafka)
			gone, sent := time.Now(), r.sent.Load()
			r.ahead.Store(mostAhead)
			said := r.awaitRetrying()
			t.Logf("said %v after the end of Kafka: %s", time.Since(gone).Round(time.Millisecond), said)
			r.sitOut(outage - time.Since(gone))
			assert.Greater(t, r.sent.Load()-sent, int64(mostAhead-ahead)/2, "messages that were published without Kafka")

			kafka.Relaunch()
			kafka.WaitReady()
			back := time.Now()
			published()
			r.worker.AwaitFlowing(r.connector)
			assert.Len(t, r.said(`msg="waiting for Kafka"`), 1, "one line for all stores")
			assert.LessOrEqual(t, len(r.said("msg=retrying ")), 2, "the connection that ended, and those that are refused")
			t.Logf("the status is clean %v after Kafka is back", time.Since(back).Round(time.Millisecond))
			peak := r.worker.Usage().Peak
			v := r.settle()
			assert.GreaterOrEqual(t, v.Promised, messages)
			assert.Less(t, peak, int64(mostMemory), "peak resident memory in bytes")
			t.Logf("%d messages, all %v after Kafka is back; %d duplicates; peak %d MiB resident", v.Arrived,
				time.Since(back).Round(time.Millisecond), v.Duplicates, peak>>20)
		})
	}
}

// awaitRetrying waits until the task says that it cannot go on, and returns what it says.
func (r *river) awaitRetrying() (trace string) {
	r.t.Helper()
	testbed.Await(r.t, 15*time.Second, "the task to say that it retries", func(ctx context.Context) error {
		var err error
		trace, err = r.retrying(ctx)
		return err
	})
	return trace
}

// retrying is what the task's status says; an error if it does not say that it is RUNNING and retries, with address and key.
func (r *river) retrying(ctx context.Context) (string, error) {
	s, err := r.worker.Status(ctx, r.connector)
	if err != nil {
		return "", err
	}
	if len(s.Tasks) != 1 {
		return "", fmt.Errorf("%d tasks", len(s.Tasks))
	}
	task := s.Tasks[0]
	if task.State != "RUNNING" || !strings.HasPrefix(task.Trace, "retrying: ") || !containsAll(task.Trace, []string{r.kafka, "bootstrap.servers"}) {
		return "", fmt.Errorf("task is %s with the trace %q", task.State, task.Trace)
	}
	return task.Trace, nil
}

// said are the lines of the worker's log with a message, each of which must have address and key.
func (r *river) said(message string) (lines []string) {
	r.t.Helper()
	lines = r.lines(message)
	for _, line := range lines {
		assert.True(r.t, containsAll(line, []string{r.kafka, "bootstrap.servers"}), line)
	}
	return lines
}

// lines are those of the worker's log with a message.
func (r *river) lines(message string) (lines []string) {
	for line := range strings.Lines(r.worker.Log()) {
		if strings.Contains(line, message) {
			lines = append(lines, line)
		}
	}
	return lines
}

// sitOut lets time pass and holds all the while that the worker lives within its memory and says that it retries.
func (r *river) sitOut(d time.Duration) {
	r.t.Helper()
	over := time.Now().Add(d)
	testbed.Await(r.t, d+10*time.Second, "the outage to end", func(ctx context.Context) error {
		require.True(r.t, r.worker.Running(), "the worker has ended")
		require.Less(r.t, r.worker.Usage().Resident, int64(mostMemory), "resident memory in bytes")
		_, err := r.retrying(ctx)
		require.NoError(r.t, err)
		if time.Now().Before(over) {
			return errors.New("not yet")
		}
		return nil
	})
}
