package crew

import (
	"context"
	"encoding/json"
	"fmt"
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
	for _, path := range []string{"/connectors", "/connectors/" + c.sink, "/connectors/" + c.sink + "/config", "/connectors/" + c.sink + "/tasks"} {
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
	}
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
	v = c.flow.Settle(true)
	t.Logf("%d lines by sinks, %d twice", v.Arrived, v.Duplicates)
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
	}
	assert.Zero(t, c.flow.Settle(false).Duplicates)
	assert.Zero(t, c.flow.Settle(true).Duplicates)
}

func TestAClusterBehindALogin(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t, testbed.WithSASL("connect", "secret"))
	for mechanism, module := range map[string]string{
		"PLAIN": "plain.PlainLoginModule", "SCRAM-SHA-256": "scram.ScramLoginModule", "SCRAM-SHA-512": "scram.ScramLoginModule",
	} {
		t.Run(mechanism, func(t *testing.T) {
			secured(t, kafka, kafka.SASLAddr(), "security.protocol=SASL_PLAINTEXT", "sasl.mechanism="+mechanism,
				`sasl.jaas.config=org.apache.kafka.common.security.`+module+` required username="connect" password="secret";`)
		})
	}
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
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.AwaitBalance(30*time.Second, c.tasks)
	assert.Zero(t, c.flow.Settle(false).Duplicates)
}

// overview is what a worker tells of its cluster.
type overview struct {
	Leader     string
	Generation int
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
	for i, w := range c.Workers {
		o, err := c.overview(w)
		require.NoError(c.t, err)
		if o.Leader == w.URL+"/" {
			return i
		}
	}
	require.Fail(c.t, "no worker is the leader")
	return 0
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
