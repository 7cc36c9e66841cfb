package crew

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// session is session.timeout.ms of the workers whose death is waited for.
const session = 6 * time.Second

// atOnce has the work of lost workers given away without delay.
const atOnce = "scheduled.rebalance.max.delay.ms=0"

func sessionLine() string { return fmt.Sprintf("session.timeout.ms=%d", session.Milliseconds()) }

// cluster is three Sluice workers that carry six files to topics and copy these.
type cluster struct {
	*Crew
	flow  *Flow
	tasks map[string]int
	sink  string
}

func startCluster(t *testing.T, lines ...string) *cluster {
	t.Helper()
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := &cluster{Crew: NewCrew(t, kafka, prefix, lines...), flow: NewFlow(t, kafka, prefix, 6, 1), tasks: map[string]int{}, sink: prefix + "copies"}
	for range 3 {
		c.Sluice()
	}
	c.createSources()
	c.Create(c.Workers[1], c.sink, c.flow.Sink(4))
	c.tasks[c.sink] = 4
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.AwaitBalance(30*time.Second, c.tasks)
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.flow.AwaitFlow(50, true)
	return c
}

// createSources creates a source for each stream, through one worker after the other.
func (c *cluster) createSources() {
	c.t.Helper()
	for i, stream := range c.flow.streams {
		name := c.prefix + stream
		c.Create(c.Workers[i%len(c.Workers)], name, c.flow.Source(stream))
		c.tasks[name] = 1
	}
}

func TestWorkIsSpreadAndEveryWorkerTellsTheSame(t *testing.T) {
	c := startCluster(t, atOnce)
	for _, path := range []string{"/connectors", "/connectors/" + c.sink, "/connectors/" + c.sink + "/config", "/connectors/" + c.sink + "/tasks",
		"/connectors/" + c.sink + "/status", "/connectors/" + c.sink + "/topics"} {
		first, err := c.Workers[0].Ask(t.Context(), "GET", path, nil)
		require.NoError(t, err)
		for _, w := range c.Workers[1:] {
			other, err := w.Ask(t.Context(), "GET", path, nil)
			require.NoError(t, err)
			assert.Equal(t, first, other, path)
		}
	}
	v := c.flow.Settle(true)
	assert.Zero(t, v.Duplicates)
}

func TestEveryMutatingRequestWorksAtEveryWorker(t *testing.T) {
	c := startCluster(t, atOnce)
	for _, w := range c.Workers {
		c.exercise(w)
		c.alterSink(w)
	}
	t.Logf("refused by 409 for %v at most", c.Refused)
	assert.Less(t, c.Refused, time.Second)
}

// alterSink stops the sink, and moves and deletes its offsets through one worker, which all have to tell; then it resumes.
func (c *cluster) alterSink(w *ledger.Worker) {
	c.t.Helper()
	path := "/connectors/" + c.sink
	c.Do(w, "PUT", path+"/stop", nil, 204)
	c.awaitState(c.sink, "STOPPED", 0)
	topic := c.flow.Topic("s0")
	c.Do(w, "PATCH", path+"/offsets", json.RawMessage(`{"offsets":[{"partition":{"kafka_topic":"`+topic+`","kafka_partition":0},"offset":{"kafka_offset":3}}]}`), 200)
	for _, other := range c.Workers {
		a := c.Do(other, "GET", path+"/offsets", nil, 200)
		assert.Contains(c.t, a.Body, `{"partition":{"kafka_partition":0,"kafka_topic":"`+topic+`"},"offset":{"kafka_offset":3}}`, other.URL)
	}
	c.Do(w, "DELETE", path+"/offsets", nil, 200)
	for _, other := range c.Workers {
		assert.JSONEq(c.t, `{"offsets":[]}`, c.Do(other, "GET", path+"/offsets", nil, 200).Body, other.URL)
	}
	c.Do(w, "PUT", path+"/resume", nil, 202)
	c.awaitState(c.sink, "RUNNING", 4)
}

func TestNothingIsMissingWhenAWorkerIsKilled(t *testing.T) {
	c := startCluster(t, atOnce, sessionLine())
	for _, victim := range []int{c.leader(), c.follower()} {
		c.flow.Quiet()
		c.Workers[victim].Kill()
		killed := c.Workers[victim]
		c.Without(killed).AwaitFlowing(30*time.Second, c.tasks)
		c.flow.AwaitFlow(50, true)
		sources, copies := c.flow.Silences(false), c.flow.Silences(true)
		t.Logf("silence after kill -9 of worker %d: sources %v, sinks %v", victim, sources, copies)
		assert.Less(t, sources, session+time.Second)
		assert.Less(t, copies, session+time.Second)
		killed.Relaunch()
		killed.WaitReady()
		c.AwaitBalance(30*time.Second, c.tasks)
		c.AwaitFlowing(30*time.Second, c.tasks)
	}
	v := c.flow.Settle(false)
	t.Logf("%d lines by sources, %d twice", v.Arrived, v.Duplicates)
	assert.LessOrEqual(t, v.Duplicates, c.repeated(2))
	v = c.flow.Settle(true)
	t.Logf("%d lines by sinks, %d twice", v.Arrived, v.Duplicates)
	assert.LessOrEqual(t, v.Duplicates, 2*c.repeated(2), "what the sources repeat, and what the sinks do")
}

// repeated is how many lines may come twice after so many kills, where work goes on from stored offsets: those of an offset.flush.interval.ms, one
// second, and of three more for a machine that is busy. Files read from their beginning would repeat many times that.
func (c *cluster) repeated(kills int) int {
	return kills * len(c.flow.streams) * int(4*time.Second/penPace)
}

func TestNothingIsMissingOrDoubledWhenAWorkerEndsInOrder(t *testing.T) {
	c := startCluster(t, atOnce)
	for _, victim := range []int{c.leader(), c.follower()} {
		c.flow.Quiet()
		leaving := c.Workers[victim]
		require.Zero(t, leaving.Terminate())
		c.Without(leaving).AwaitFlowing(30*time.Second, c.tasks)
		c.flow.AwaitFlow(50, true)
		sources, copies := c.flow.Silences(false), c.flow.Silences(true)
		t.Logf("silence after SIGTERM of worker %d: sources %v, sinks %v", victim, sources, copies)
		assert.Less(t, sources, 3*time.Second)
		assert.Less(t, copies, 3*time.Second)
		leaving.Relaunch()
		leaving.WaitReady()
		c.AwaitBalance(30*time.Second, c.tasks)
		c.AwaitFlowing(30*time.Second, c.tasks)
	}
	assert.Zero(t, c.flow.Settle(false).Duplicates)
	assert.Zero(t, c.flow.Settle(true).Duplicates)
}

func TestRollingRestartDisturbsNobodyElse(t *testing.T) {
	c := startCluster(t, "scheduled.rebalance.max.delay.ms=5000")
	for i, w := range c.Workers {
		before, led := c.places(), c.leader() == i
		said := c.said()
		require.Zero(t, w.Terminate())
		w.Relaunch()
		w.WaitReady()
		c.AwaitFlowing(30*time.Second, c.tasks)
		if led { // what was a leader's is nobody's to its successor, which gives it away at once, as in Java
			c.AwaitBalance(30*time.Second, c.tasks)
			c.AwaitFlowing(30*time.Second, c.tasks)
			continue
		}
		testbed.Await(t, 30*time.Second, "everything to be where it was", func(context.Context) error {
			if now := c.places(); !assert.ObjectsAreEqual(before, now) {
				return fmt.Errorf("it was %v and is %v", before, now)
			}
			return nil
		})
		for key, count := range c.said() {
			name := strings.TrimPrefix(strings.TrimPrefix(key, "status-connector-"), "status-task-")
			if where, is := before[name]; is && !strings.HasSuffix(w.URL, where) {
				assert.Equal(t, said[key], count, "%s was on a worker that stayed, and has been started or stopped", name)
			}
		}
	}
	assert.Zero(t, c.flow.Settle(false).Duplicates)
	assert.Zero(t, c.flow.Settle(true).Duplicates)
}

// said tells how many statuses have been written under each key of the status topic.
func (c *cluster) said() map[string]int {
	c.t.Helper()
	counts := map[string]int{}
	for _, m := range testbed.ConsumeAll(c.t, c.kafka, c.prefix+"status") {
		counts[string(m.Key)]++
	}
	return counts
}

func TestAClusterBehindALogin(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t, testbed.WithSASL("connect", "secret"))
	const password = ` required username="connect" password="secret";`
	for mechanism, jaas := range map[string]string{
		"PLAIN": "plain.PlainLoginModule" + password, "SCRAM-SHA-256": "scram.ScramLoginModule" + password,
		"SCRAM-SHA-512": "scram.ScramLoginModule" + password,
		"OAUTHBEARER":   `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="connect";`,
	} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel() // they wait for the ends of logins
			secured(t, kafka, kafka.SASLAddr(), "security.protocol=SASL_PLAINTEXT", "sasl.mechanism="+mechanism,
				`sasl.jaas.config=org.apache.kafka.common.security.`+jaas)
		})
	}
}

func TestAClusterBehindKerberos(t *testing.T) {
	needsProcesses(t)
	kdc := testbed.StartKerberos(t)
	kafka := testbed.StartKafka(t, testbed.WithSASL("connect", "secret"), testbed.WithKerberos(kdc))
	t.Setenv("KRB5_CONFIG", kdc.Conf())
	login := func(keytab string) []string {
		return []string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=GSSAPI", "sasl.kerberos.service.name=kafka",
			fmt.Sprintf(`sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="%s" principal="%s";`,
				keytab, kdc.Principal("connect"))}
	}
	stale := kdc.Keytab("connect")
	present := kdc.Keytab("connect")
	secured(t, kafka, kafka.SASLAddr(), login(present)...)

	log := ledger.File(t, "log", "")
	refused := testbed.Launch(t, testbed.Command{
		Path: testbed.SluiceBinary(t), Log: log,
		Args: []string{"worker", ledger.File(t, "worker.properties", ledger.WorkerProperties(kafka.SASLAddr(), testbed.Prefix(t), testbed.FreePort(t), login(stale)...))},
	})
	assert.NotZero(t, refused.Wait(30*time.Second))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Contains(t, string(text), "refused the key of "+kdc.Principal("connect"))
	assert.Contains(t, string(text), "keyTab of sasl.jaas.config ("+stale+")")
}

func TestAClusterBehindTLS(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t, testbed.WithTLS())
	secured(t, kafka, kafka.Proxy().Addr(), "security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.location="+kafka.Certificate())
}

// secured has two workers that reach Kafka only with the given properties.
func secured(t *testing.T, kafka *testbed.Kafka, addr string, properties ...string) {
	t.Helper()
	prefix, lines := testbed.Prefix(t), []string{atOnce}
	for _, of := range []string{"", "producer.", "consumer.", "admin."} {
		for _, line := range properties {
			lines = append(lines, of+line)
		}
	}
	c := &cluster{Crew: NewCrew(t, addr, prefix, lines...), flow: NewFlow(t, kafka.Addr(), prefix, 2, 1), tasks: map[string]int{}}
	c.Sluice()
	c.Sluice()
	c.createSources()
	c.sink = prefix + "copies"
	c.Create(c.Workers[0], c.sink, c.flow.Sink(2))
	c.tasks[c.sink] = 2
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.AwaitBalance(30*time.Second, c.tasks)
	c.flow.AwaitFlow(4*int(testbed.LoginLife/penPace), true) // connections have logged in again several times
	assert.Zero(t, c.flow.Settle(false).Duplicates)
	assert.Zero(t, c.flow.Settle(true).Duplicates)
}

// overview is what a worker tells of its cluster.
type overview struct {
	Leader     string
	Generation int
	Members    []json.RawMessage
}

func (c *cluster) overview(w *ledger.Worker) (o overview, err error) {
	a, err := w.Ask(c.t.Context(), "GET", "/sluice/v1/cluster", nil)
	if err == nil {
		err = json.Unmarshal([]byte(a.Body), &o)
	}
	return o, err
}

// leader is the number of the worker that leads.
func (c *cluster) leader() int {
	c.t.Helper()
	url := c.leaderURL()
	for i, w := range c.Workers {
		if url == w.URL+"/" {
			return i
		}
	}
	require.Fail(c.t, "no worker is the leader")
	return 0
}

// leaderURL is who leads, as the first Sluice worker tells.
func (c *cluster) leaderURL() string {
	c.t.Helper()
	for _, w := range c.Workers {
		if o, err := c.overview(w); err == nil && o.Leader != "" {
			return o.Leader
		}
	}
	require.Fail(c.t, "no worker knows a leader")
	return ""
}

func (c *cluster) follower() int { return (c.leader() + 1) % len(c.Workers) }

// places tells who has each connector and task, how often tasks of the sink apart: which of them are where.
func (c *cluster) places() map[string]string {
	c.t.Helper()
	places := map[string]string{}
	for name := range c.tasks {
		s, err := c.Workers[0].Status(c.t.Context(), name)
		require.NoError(c.t, err)
		places[name] = s.Connector.WorkerID
		for i, task := range s.Tasks {
			places[fmt.Sprintf("%s-%d", name, i)] = task.WorkerID
		}
	}
	return places
}
