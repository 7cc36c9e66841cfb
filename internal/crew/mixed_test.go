package crew

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// declared has Java's workers find their plugins by what the jars declare. To look for them in all classes, as they would, takes ten seconds, longer than
// the rest of their start.
const declared = "plugin.discovery=service_load"

func TestSluiceAndJavaWorkersMakeOneCluster(t *testing.T) {
	needsProcesses(t)
	for _, protocol := range []string{"compatible", "sessioned", "eager"} {
		for _, first := range []string{"Sluice", "Java"} {
			t.Run(protocol+", "+first+" first", func(t *testing.T) {
				t.Parallel() // they wait for sessions to run out, and for statuses
				kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
				c := &cluster{
					Crew: NewCrew(t, kafka, prefix, atOnce, sessionLine(), declared, "connect.protocol="+protocol),
					flow: NewFlow(t, kafka, prefix, 4, 1), tasks: map[string]int{},
				}
				if first == "Sluice" {
					c.Sluice()
					c.Java()
				} else {
					c.Java()
					c.Sluice()
				}
				c.createSources()
				printed := filepath.Join(t.TempDir(), "printed")
				c.Create(c.Workers[1], prefix+"printer", map[string]string{
					"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1",
					"file": printed, "topics": c.flow.Topic("s0"),
				})
				c.tasks[prefix+"printer"] = 1
				c.AwaitFlowing(60*time.Second, c.tasks)
				c.AwaitBalance(60*time.Second, c.tasks)
				for _, w := range c.Workers {
					c.exercise(w)
				}
				for _, victim := range c.Workers { // first the leader, then who has taken its place
					require.Equal(t, victim.URL+"/", c.leaderURL())
					c.flow.AwaitFlow(100, false)
					victim.Kill()
					c.Without(victim).AwaitFlowing(60*time.Second, c.tasks)
					c.flow.AwaitFlow(100, false)
					victim.Relaunch()
					victim.WaitReady()
					c.AwaitBalance(60*time.Second, c.tasks)
				}
				v := c.flow.Settle(false)
				t.Logf("%d lines, %d twice", v.Arrived, v.Duplicates)
				assert.LessOrEqual(t, v.Duplicates, c.repeated(2), "whoever took over went on from the stored offsets")
				c.flow.awaitPrinted("s0", printed)
			})
		}
	}
}

// exercise creates a connector through one worker, changes its life through it, and looks at what all workers tell.
func (c *cluster) exercise(w *ledger.Worker) {
	c.t.Helper()
	name := fmt.Sprintf("%sextra-%s", c.prefix, w.URL[len("http://127.0.0.1:"):])
	config := c.flow.Source("s0")
	config["topic"] = c.prefix + "extra"
	do := func(method, path string, body any, codes ...int) {
		c.t.Helper()
		c.Do(w, method, path, body, codes...)
	}
	do("POST", "/connectors", map[string]any{"name": name, "config": config, "initial_state": "PAUSED"}, 201)
	c.awaitState(name, "PAUSED", 0)
	do("PUT", "/connectors/"+name+"/resume", nil, 202)
	c.awaitState(name, "RUNNING", 1)
	do("PATCH", "/connectors/"+name+"/config", map[string]any{"batch.size": "50", "value.converter": nil}, 200)
	c.awaitState(name, "RUNNING", 1)
	do("PUT", "/connectors/"+name+"/topics/reset", nil, 202)
	config["batch.size"] = "100"
	do("PUT", "/connectors/"+name+"/config", config, 200)
	c.awaitState(name, "RUNNING", 1)
	do("PUT", "/connectors/"+name+"/pause", nil, 202)
	c.awaitState(name, "PAUSED", 1)
	do("PUT", "/connectors/"+name+"/resume", nil, 202)
	c.awaitState(name, "RUNNING", 1)
	do("POST", "/connectors/"+name+"/restart", nil, 200, 204)
	do("POST", "/connectors/"+name+"/restart?includeTasks=true&onlyFailed=false", nil, 202)
	c.awaitState(name, "RUNNING", 1)
	do("POST", "/connectors/"+name+"/tasks/0/restart", nil, 200, 204)
	c.awaitState(name, "RUNNING", 1)
	do("PUT", "/connectors/"+name+"/stop", nil, 204)
	c.awaitState(name, "STOPPED", 0)
	c.alter(w, name)
	do("PUT", "/connectors/"+name+"/resume", nil, 202)
	c.awaitState(name, "RUNNING", 1)
	do("DELETE", "/connectors/"+name, nil, 204)
	for _, other := range c.Workers {
		testbed.Await(c.t, 10*time.Second, name+" to be gone", func(ctx context.Context) error {
			a, err := other.Ask(ctx, "GET", "/connectors/"+name+"/status", nil)
			if err == nil && a.Code != 404 {
				err = fmt.Errorf("%s tells %d: %s", other.URL, a.Code, a.Body)
			}
			return err
		})
	}
}

// alter gives a stopped connector an offset, and deletes all that it has, through one worker; all workers have to tell that.
func (c *cluster) alter(w *ledger.Worker, name string) {
	c.t.Helper()
	type offset struct {
		Partition map[string]string `json:"partition"`
		Offset    map[string]int    `json:"offset"`
	}
	type offsets struct {
		Offsets []offset `json:"offsets"`
	}
	path := "/connectors/" + name + "/offsets"
	first := offsets{[]offset{{map[string]string{"filename": c.flow.files["s0"]}, map[string]int{"position": 7}}}}
	for _, change := range []struct {
		method string
		body   any
		want   offsets
	}{{"PATCH", first, first}, {"DELETE", nil, offsets{[]offset{}}}} {
		testbed.Await(c.t, 20*time.Second, change.method+" "+path+" at "+w.URL, func(ctx context.Context) error {
			a, err := w.Ask(ctx, change.method, path, change.body)
			if err == nil && a.Code != 200 { // the tasks may not have stopped completely, which Java tells by a 500
				err = fmt.Errorf("%d: %s", a.Code, a.Body)
			}
			return err
		})
		for _, other := range c.Workers {
			testbed.Await(c.t, 10*time.Second, "the offsets of "+name+" after a "+change.method, func(ctx context.Context) error {
				a, err := other.Ask(ctx, "GET", path, nil)
				if err != nil {
					return err
				}
				var have offsets
				if err := json.Unmarshal([]byte(a.Body), &have); err != nil {
					return err
				}
				if !assert.ObjectsAreEqual(change.want, have) {
					return fmt.Errorf("%s tells %s", other.URL, a.Body)
				}
				return nil
			})
		}
	}
}

// awaitState waits until all workers tell that a connector and its tasks, so many, are in a state.
func (c *cluster) awaitState(name, state string, tasks int) {
	c.t.Helper()
	testbed.Await(c.t, 20*time.Second, name+" to be "+state, func(ctx context.Context) error {
		for _, w := range c.Workers {
			s, err := w.Status(ctx, name)
			if err != nil {
				return err
			}
			if s.Connector.State != state || len(s.Tasks) != tasks {
				return fmt.Errorf("%s tells %+v", w.URL, s)
			}
			for _, task := range s.Tasks {
				if task.State != state {
					return fmt.Errorf("%s tells %+v", w.URL, s)
				}
			}
		}
		return nil
	})
}

// checkMigration has `sluice migrate check` look at the cluster, whose four connectors would run here.
func checkMigration(t *testing.T, path string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), testbed.SluiceBinary(t), "migrate", "check", "--worker", path).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "\n4 of 4 connectors would run here\n")
}

// runners start a worker on a properties file.
var runners = map[string]func(t testing.TB, port int, path string) *ledger.Worker{
	"Java": ledger.RunJavaWorker, "Sluice": ledger.RunWorker,
}

func TestOneTakesOverWhatTheOtherLeaves(t *testing.T) {
	needsProcesses(t)
	for _, order := range [][]string{{"Java", "Sluice", "Java"}, {"Sluice", "Java", "Sluice"}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
			flow := NewFlow(t, kafka, prefix, 3, 1)
			port := testbed.FreePort(t)
			path := ledger.File(t, "worker.properties",
				ledger.WorkerProperties(kafka, prefix, port, "value.converter=org.apache.kafka.connect.storage.StringConverter", declared))
			c := &cluster{Crew: NewCrew(t, kafka, prefix), flow: flow}
			running, paused, stopped := prefix+flow.streams[0], prefix+flow.streams[1], prefix+flow.streams[2]
			printer, printed := prefix+"printer", filepath.Join(t.TempDir(), "printed")
			for i, kind := range order {
				w := runners[kind](t, port, path)
				c.Workers = []*ledger.Worker{w}
				if i == 0 {
					for _, stream := range flow.streams {
						c.Create(w, prefix+stream, flow.Source(stream))
						c.awaitState(prefix+stream, "RUNNING", 1)
					}
					c.Create(w, printer, map[string]string{
						"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1",
						"file": printed, "topics": flow.Topic(flow.streams[0]),
					})
					flow.AwaitFlow(50, false)
					_, err := w.Ask(t.Context(), "PUT", "/connectors/"+paused+"/pause", nil)
					require.NoError(t, err)
					_, err = w.Ask(t.Context(), "PUT", "/connectors/"+stopped+"/stop", nil)
					require.NoError(t, err)
				}
				c.awaitState(running, "RUNNING", 1)
				c.awaitState(printer, "RUNNING", 1)
				c.awaitState(paused, "PAUSED", 1)
				c.awaitState(stopped, "STOPPED", 0)
				flow.awaitOne(flow.streams[0], 100)
				if kind == "Java" {
					checkMigration(t, path)
				}
				if i < len(order)-1 {
					w.Terminate()
					checkMigration(t, path)
				}
			}
			for _, name := range []string{paused, stopped} {
				a, err := c.Workers[0].Ask(t.Context(), "PUT", "/connectors/"+name+"/resume", nil)
				require.NoError(t, err)
				require.Equal(t, 202, a.Code, a.Body)
			}
			assert.Zero(t, flow.Settle(false).Duplicates)
			flow.awaitPrinted(flow.streams[0], printed)
			assert.Equal(t, lines(t, flow.files[flow.streams[0]]), lines(t, printed), "the sink went on from its group's offsets")
		})
	}
}

// lines are how many a file has.
func lines(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return bytes.Count(content, []byte("\n"))
}
