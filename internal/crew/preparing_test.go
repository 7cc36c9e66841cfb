package crew

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// rollout is a cluster of a Sluice and a Java worker on its way from one exactly.once.source.support to the next, worker by worker, while numbered
// lines flow.
type rollout struct {
	*Crew
	paths   []string // of the workers' properties
	ports   []int
	files   map[string]string // by connector
	tasks   map[string]int
	written int // lines in each file
}

func startRollout(t *testing.T, level string) *rollout {
	t.Helper()
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	r := &rollout{Crew: NewCrew(t, kafka, prefix, atOnce, sessionLine()), files: map[string]string{}, tasks: map[string]int{}}
	for i, run := range []func(testing.TB, int, string) *ledger.Worker{ledger.RunWorker, ledger.RunJavaWorker} {
		r.ports = append(r.ports, testbed.FreePort(t))
		r.paths = append(r.paths, ledger.File(t, "worker.properties", ""))
		r.set(i, level)
		r.Workers = append(r.Workers, run(t, r.ports[i], r.paths[i]))
	}
	for i, w := range r.Workers {
		name := fmt.Sprintf("%sS%d", prefix, i)
		r.tasks[name], r.files[name] = 1, ledger.File(t, name, "")
		testbed.CreateTopic(t, kafka, r.topic(name), 1, nil)
		r.create(w, name, "100000")
	}
	return r
}

// create puts a connector through a worker. Java's task stops before a file's end if its batch is smaller than what is there.
func (r *rollout) create(w *ledger.Worker, name, batch string) {
	r.t.Helper()
	r.Create(w, name, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": r.files[name], "topic": r.topic(name),
		"batch.size": batch,
	})
}

func (r *rollout) topic(name string) string { return name + "-lines" }

// set writes a worker's properties.
func (r *rollout) set(i int, level string) {
	r.t.Helper()
	text := ledger.WorkerProperties(r.kafka, r.prefix, r.ports[i], append(slices.Clone(r.lines), "exactly.once.source.support="+level)...)
	require.NoError(r.t, os.WriteFile(r.paths[i], []byte(text), 0o600))
}

// flows has all sources carry some more lines, and requires that readers of committed data see each line once.
func (r *rollout) flows() {
	r.t.Helper()
	r.AwaitFlowing(90*time.Second, r.tasks)
	r.write(100)
	for name := range r.files {
		ledger.EachOnce(r.t, ledger.Committed(r.t, r.kafka, r.topic(name), r.written, time.Minute), r.written)
	}
}

// write appends lines to all files.
func (r *rollout) write(lines int) {
	r.t.Helper()
	var text strings.Builder
	for range lines {
		r.written++
		fmt.Fprintln(&text, r.written)
	}
	for _, path := range r.files {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(r.t, err)
		_, err = f.WriteString(text.String())
		require.NoError(r.t, err)
		require.NoError(r.t, f.Close())
	}
}

// restart ends a worker in order, has lines written meanwhile, and starts it at another level.
func (r *rollout) restart(i int, level string) {
	r.t.Helper()
	r.Workers[i].Terminate()
	r.write(50)
	r.set(i, level)
	r.Workers[i].Relaunch()
	r.Workers[i].WaitReady()
	r.flows()
}

// transactions tells whether anything in a topic was written in a transaction: its markers count, and no reader sees them.
func (r *rollout) transactions(topic string) bool {
	r.t.Helper()
	seen := len(ledger.CommittedRecords(r.t, r.kafka, topic, 1, time.Minute))
	all, err := ledger.NewReader(r.kafka, topic).Records()
	require.NoError(r.t, err)
	return all > int64(seen)
}

// requires tells how a worker answers who insists on exactly-once.
func (r *rollout) requires(w *ledger.Worker) ledger.Answer {
	r.t.Helper()
	a, err := w.Ask(r.t.Context(), "PUT", "/connector-plugins/FileStreamSource/config/validate", map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "name": "x", "file": "x", "topic": "x", "exactly.once.support": "required",
	})
	require.NoError(r.t, err)
	return a
}

// fenced tells whether the zombies of a source were fenced before its task began.
func (r *rollout) fenced(name string) bool {
	return strings.Contains(strings.Join(r.configs(), "\n"), "tasks-fencing-"+name+` {"task-count":1}`)
}

// The way that Kafka Connect's documentation prescribes, with Sluice and Java in one cluster: workers that are disabled and preparing, then preparing and
// enabled, side by side. What prepares fences leaders, and zombies for those who ask, but its own sources write without transactions.
func TestAClusterBecomesExactlyOnceByWayOfPreparing(t *testing.T) {
	needsProcesses(t)
	const refusal = "This worker does not have exactly-once source support enabled."
	r := startRollout(t, "disabled")
	sluice, java := 0, 1
	r.flows()
	assert.False(t, r.transactions(r.prefix+"configs"), "a disabled leader writes without transactions")

	r.restart(sluice, "preparing")
	r.restart(java, "preparing") // Sluice leads now
	for _, w := range r.Workers {
		assert.Contains(t, r.requires(w).Body, refusal, w.URL)
	}
	for name := range r.tasks {
		r.create(r.Workers[java], name, "90000") // which the leader writes
	}
	r.flows()
	assert.True(t, r.transactions(r.prefix+"configs"), "a preparing leader writes in transactions")
	for name := range r.tasks {
		assert.False(t, r.transactions(r.topic(name)), "sources of preparing workers write without transactions")
		assert.False(t, r.fenced(name), "nobody has asked for zombies to be fenced")
	}

	r.restart(sluice, "enabled") // Java, preparing, leads, and fences what Sluice's source asks for
	assert.NotContains(t, r.requires(r.Workers[sluice]).Body, refusal)
	assert.Contains(t, r.requires(r.Workers[java]).Body, refusal)
	exactly := 0
	for name := range r.tasks {
		if r.runner(name) == r.Workers[sluice] {
			exactly++
			assert.True(t, r.transactions(r.topic(name)))
			assert.True(t, r.fenced(name))
		}
	}
	assert.Equal(t, 1, exactly, "each worker has a task")

	r.restart(java, "enabled")
	for name := range r.tasks {
		assert.True(t, r.transactions(r.topic(name)))
		assert.True(t, r.fenced(name))
	}
	r.write(5000)
	r.Workers[sluice].Kill()
	r.Crew = r.Without(r.Workers[sluice])
	r.flows()
}
