package crew

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

const exactly = "exactly.once.source.support=enabled"

// startExactly puts an exactly-once source of numbered lines through a worker. Java's stops before a file's end if its batch is smaller than its
// buffer.
func (c *Crew) startExactly(w *ledger.Worker, name string, lines, batch int) (file, topic string) {
	c.t.Helper()
	file, topic = ledger.File(c.t, name, ledger.Lines(lines)), name+"-lines"
	testbed.CreateTopic(c.t, c.kafka, topic, 1, nil)
	c.Create(w, name, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": file, "topic": topic,
		"batch.size": strconv.Itoa(batch),
	})
	return file, topic
}

// runner is the worker that a connector's task is on.
func (c *Crew) runner(name string) *ledger.Worker {
	c.t.Helper()
	s, err := c.Workers[0].Status(c.t.Context(), name)
	require.NoError(c.t, err)
	for _, w := range c.Workers {
		if len(s.Tasks) > 0 && strings.HasSuffix(w.URL, s.Tasks[0].WorkerID) {
			return w
		}
	}
	require.Fail(c.t, "the task is nowhere", "%+v", s)
	return nil
}

func TestNothingIsSeenOfWhatAFrozenWorkerHadNotCommitted(t *testing.T) {
	needsProcesses(t)
	const lines = 6000
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := NewCrew(t, kafka, prefix, atOnce, sessionLine(), exactly)
	c.Sluice()
	c.Sluice()
	name := prefix + "S"
	_, topic := c.startExactly(c.Workers[0], name, lines, 20)
	c.AwaitFlowing(60*time.Second, map[string]int{name: 1})
	victim, reader := c.runner(name), ledger.NewReader(kafka, topic)
	awaitRecords(t, reader, lines/10)
	victim.Freeze()
	rest := c.Without(victim)
	rest.AwaitFlowing(60*time.Second, map[string]int{name: 1})
	before, err := reader.Records()
	require.NoError(t, err)
	awaitRecords(t, reader, before+100)
	victim.Thaw()
	c.AwaitFlowing(60*time.Second, map[string]int{name: 1})
	ledger.EachOnce(t, ledger.Committed(t, kafka, topic, lines, 5*time.Minute), lines)
}

func awaitRecords(t *testing.T, r *ledger.Reader, records int64) {
	t.Helper()
	testbed.Await(t, 2*time.Minute, fmt.Sprintf("%d records", records), func(context.Context) error {
		n, err := r.Records()
		if err == nil && n < records {
			err = fmt.Errorf("there are %d", n)
		}
		return err
	})
}

func TestExactlyOnceSourcesOfAMixedClusterHaveZombiesFencedByAnyLeader(t *testing.T) {
	needsProcesses(t)
	for _, leader := range []string{"Sluice", "Java"} {
		t.Run(leader+" leads", func(t *testing.T) {
			t.Parallel()
			const lines = 500
			kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
			c := NewCrew(t, kafka, prefix, atOnce, sessionLine(), declared, exactly)
			if leader == "Sluice" {
				c.Sluice()
				c.Java()
			} else {
				c.Java()
				c.Sluice()
			}
			tasks, files, topics := map[string]int{}, map[string]string{}, map[string]string{}
			for i := range 4 {
				name := fmt.Sprintf("%sS%d", prefix, i)
				tasks[name] = 1
				files[name], topics[name] = c.startExactly(c.Workers[i%2], name, lines, 2000)
			}
			c.AwaitFlowing(60*time.Second, tasks)
			c.AwaitBalance(60*time.Second, tasks)
			for name := range tasks {
				ledger.EachOnce(t, ledger.Committed(t, kafka, topics[name], lines, time.Minute), lines)
				assert.Contains(t, c.configs(), "tasks-fencing-"+name+` {"task-count":1}`)
			}
			again := prefix + "S0"
			c.rewind(again, files[again])
			assert.Contains(t, c.configs(), "tasks-fencing-"+again+` {"task-count":0}`, "tasks that were stopped are fenced before their offsets are changed")
			twice := ledger.Committed(t, kafka, topics[again], 2*lines, time.Minute)
			ledger.EachOnce(t, twice[:lines], lines)
			ledger.EachOnce(t, twice[lines:], lines)

			first := c.Workers[0]
			first.Kill()
			c.Without(first).AwaitFlowing(60*time.Second, tasks)
			for name, file := range files {
				more, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
				require.NoError(t, err)
				_, err = fmt.Fprintln(more, "the last")
				require.NoError(t, err)
				require.NoError(t, more.Close())
				had := lines
				if name == again {
					had *= 2
				}
				all := ledger.Committed(t, kafka, topics[name], had+1, time.Minute)
				assert.Equal(t, "the last", all[had])
				assert.Len(t, all, had+1)
			}
		})
	}
}

// rewind stops a connector, forgets its offsets through each worker, and resumes it.
func (c *Crew) rewind(name, file string) {
	c.t.Helper()
	do := func(w *ledger.Worker, method, path string, body any, code int) {
		c.t.Helper()
		testbed.Await(c.t, 60*time.Second, method+" "+path+" at "+w.URL, func(ctx context.Context) error {
			a, err := w.Ask(ctx, method, "/connectors/"+name+path, body)
			if err == nil && a.Code != code { // the tasks may not have stopped completely
				err = fmt.Errorf("%d: %s", a.Code, a.Body)
			}
			return err
		})
	}
	do(c.Workers[0], "PUT", "/stop", nil, 204)
	for _, w := range c.Workers {
		do(w, "PATCH", "/offsets", map[string]any{"offsets": []any{map[string]any{
			"partition": map[string]string{"filename": file}, "offset": map[string]int{"position": 2},
		}}}, 200)
	}
	do(c.Workers[1], "DELETE", "/offsets", nil, 200)
	do(c.Workers[1], "PUT", "/resume", nil, 202)
}

// configs are the records of the config topic, each as key and value.
func (c *Crew) configs() (records []string) {
	c.t.Helper()
	for _, m := range ledger.CommittedRecords(c.t, c.kafka, c.prefix+"configs", 1, time.Minute) {
		records = append(records, string(m.Key)+" "+string(m.Value))
	}
	return records
}
