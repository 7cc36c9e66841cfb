package crew

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// startPair is two Sluice workers on the given brokers, with four file sources and a sink of two tasks.
func startPair(t *testing.T, brokers []string, replicas int, lines ...string) *cluster {
	t.Helper()
	kafka, prefix := strings.Join(brokers, ","), testbed.Prefix(t)
	c := &cluster{
		Crew: NewCrew(t, kafka, prefix, append([]string{atOnce, sessionLine()}, lines...)...),
		flow: NewFlow(t, brokers[0], prefix, 4, replicas), tasks: map[string]int{}, sink: prefix + "copies",
	}
	c.flow.kafka = kafka
	c.Sluice()
	c.Sluice()
	c.createSources()
	c.Create(c.Workers[0], c.sink, c.flow.Sink(2))
	c.tasks[c.sink] = 2
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.AwaitBalance(30*time.Second, c.tasks)
	c.flow.AwaitFlow(50, true)
	return c
}

// settleBoth ends a test of faults.
func (c *cluster) settleBoth() {
	c.t.Helper()
	c.AwaitFlowing(60*time.Second, c.tasks)
	v := c.flow.Settle(false)
	c.t.Logf("%d lines by sources, %d twice", v.Arrived, v.Duplicates)
	assert.LessOrEqual(c.t, v.Duplicates, c.repeated(2))
	v = c.flow.Settle(true)
	c.t.Logf("%d lines by sinks, %d twice", v.Arrived, v.Duplicates)
	assert.LessOrEqual(c.t, v.Duplicates, 2*c.repeated(2))
}

func TestNothingIsMissingWhenTheBrokerIsKilledOrFrozen(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t)
	c := startPair(t, []string{kafka.Addr()}, 1)
	kafka.Kill()
	kafka.Relaunch()
	kafka.WaitReady()
	c.AwaitFlowing(60*time.Second, c.tasks)
	c.flow.AwaitFlow(50, true)
	c.awaitStored() // else the second fault would fall into what is left of the first
	kafka.Freeze()
	frozen(20 * time.Second)
	kafka.Thaw()
	c.flow.AwaitFlow(50, true)
	c.settleBoth()
}

// awaitStored waits until the sources' offsets are stored again, which is at the next offset.flush.interval.ms.
func (c *cluster) awaitStored() {
	c.t.Helper()
	for _, stream := range c.flow.streams {
		path := "/connectors/" + c.prefix + stream + "/offsets"
		before := ""
		testbed.Await(c.t, 30*time.Second, "offsets of "+stream+" to be stored", func(ctx context.Context) error {
			a, err := c.Workers[0].Ask(ctx, "GET", path, nil)
			switch {
			case err != nil:
				return err
			case a.Code != 200:
				return fmt.Errorf("%d %s", a.Code, a.Body)
			case before == "":
				before = a.Body
			}
			if a.Body == before {
				return errors.New("they are what they were")
			}
			return nil
		})
	}
}

// frozen is how long something stays frozen: it is the fault itself, nothing is waited for meanwhile.
func frozen(d time.Duration) { <-time.After(d) }

func TestAThawedWorkerWritesNothingThatIsNotItsOwnAnyMore(t *testing.T) {
	c := startCluster(t, atOnce, sessionLine())
	for _, number := range []int{c.follower(), c.leader()} {
		victim := c.Workers[number]
		victim.Freeze()
		rest := c.Without(victim)
		rest.AwaitFlowing(30*time.Second, c.tasks)
		c.flow.AwaitFlow(100, true)
		before, copiedBefore := c.flow.twice(false), c.flow.twice(true)
		victim.Thaw()
		c.AwaitBalance(30*time.Second, c.tasks)
		c.AwaitFlowing(30*time.Second, c.tasks)
		after, copiedAfter := c.flow.twice(false), c.flow.twice(true)
		t.Logf("worker %d: %d lines twice before it thawed, %d more after; of the sinks %d and %d", number, before, after-before,
			copiedBefore, copiedAfter-copiedBefore)
		assert.LessOrEqual(t, after-before, 2*len(c.flow.streams), "lines that the thawed worker sent")
		assert.LessOrEqual(t, copiedAfter-copiedBefore, 4*len(c.flow.streams), "lines that the thawed worker's sinks sent")
	}
	c.settleBoth()
}

func TestTheClusterFollowsItsCoordinator(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafkaCluster(t, 3)
	c := startPair(t, kafka.Addrs(), 3, "config.storage.replication.factor=3", "offset.storage.replication.factor=3",
		"status.storage.replication.factor=3")
	before := c.generation()
	node := kafka.Nodes[c.coordinator(kafka.Addrs())-1]
	node.Kill()
	c.flow.kafka = other(kafka, node)
	c.flow.move(other(kafka, node))
	c.flow.AwaitFlow(100, true)
	c.AwaitFlowing(60*time.Second, c.tasks)
	t.Logf("generation %d before the coordinator was killed, %d after", before, c.generation())
	node.Relaunch()
	node.WaitReady()
	c.settleBoth()
}

// coordinator is the id of the broker that coordinates the group.
func (c *cluster) coordinator(brokers []string) int32 {
	c.t.Helper()
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	require.NoError(c.t, err)
	defer client.Close()
	broker, err := client.Coordinator(c.prefix + "group")
	require.NoError(c.t, err)
	return broker.ID()
}

// other is the address of a node that is not the given one.
func other(kafka *testbed.KafkaCluster, node *testbed.Kafka) string {
	for _, k := range kafka.Nodes {
		if k != node {
			return k.Addr()
		}
	}
	return ""
}

func TestAWorkerWithAnotherConfigTopicIsRefused(t *testing.T) {
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := &cluster{Crew: NewCrew(t, kafka, prefix, atOnce), flow: NewFlow(t, kafka, prefix, 1, 1), tasks: map[string]int{prefix + "s0": 1}}
	c.Create(c.Sluice(), prefix+"s0", c.flow.Source("s0"))
	c.AwaitFlowing(30*time.Second, c.tasks)

	log := ledger.File(t, "log", "")
	stray := testbed.Launch(t, testbed.Command{
		Path: testbed.SluiceBinary(t), Log: log,
		Args: []string{"worker", ledger.File(t, "worker.properties",
			ledger.WorkerProperties(kafka, prefix, testbed.FreePort(t), "config.storage.topic="+prefix+"other-configs"))},
	})
	assert.NotZero(t, stray.Wait(30*time.Second))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Contains(t, string(text), "config.storage.topic: the group's worker at "+c.Workers[0].URL+"/ has read its configurations to offset")
	assert.Contains(t, string(text), prefix+"other-configs")
	c.AwaitFlowing(10*time.Second, c.tasks)
	assert.Zero(t, c.flow.Settle(false).Duplicates)
}

func TestAKilledWorkerIsBackWithoutWaitingForItsFormerLife(t *testing.T) {
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := &cluster{Crew: NewCrew(t, kafka, prefix, "session.timeout.ms=60000"), flow: NewFlow(t, kafka, prefix, 1, 1),
		tasks: map[string]int{prefix + "s0": 1}}
	w := c.Sluice()
	c.Create(w, prefix+"s0", c.flow.Source("s0"))
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.flow.AwaitFlow(50, false)
	w.Kill()
	w.Relaunch()
	testbed.Await(t, 20*time.Second, "the worker to be back", func(ctx context.Context) error { return w.Ready(ctx) })
	c.AwaitFlowing(20*time.Second, c.tasks)
	c.flow.Settle(false)
}

// generation is that of the group, as its leader tells.
func (c *cluster) generation() int {
	c.t.Helper()
	o, err := c.overview(c.Workers[0])
	require.NoError(c.t, err)
	return o.Generation
}

// move lets the readers go on at another broker.
func (f *Flow) move(addr string) {
	for _, b := range []*bank{f.in, f.out} {
		for _, r := range b.readers {
			r.Move(addr)
		}
	}
}
