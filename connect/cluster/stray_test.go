package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/stores"
)

// astray starts a node on another config topic than the others', with so many records in it, and returns why it cannot stay.
func (c *crew) astray(records int) (*node, <-chan error) {
	good, wrong := c.configs, new(stores.MemoryTopic)
	filling := wrong.ConfigStore(nil, nil, nil)
	require.NoError(c.t, filling.Start(context.Background()))
	for range records {
		require.NoError(c.t, filling.PutLoggerLevel(context.Background(), "root", "INFO"))
	}
	require.NoError(c.t, filling.Close(context.Background()))
	c.configs = wrong
	n := c.enrol()
	c.configs = good
	return n, n.start()
}

// start starts a node, and tells why it has ended by itself.
func (n *node) start() <-chan error {
	failed := make(chan error, 1)
	go func() {
		if err := n.herder.Start(n.life); err != nil {
			failed <- err
			return
		}
		select { // the worker has begun before the membership is refused
		case err := <-n.herder.Failed():
			failed <- err
		case <-n.life.Done():
		}
	}()
	return failed
}

func TestAWorkerWhoseConfigTopicIsLongerThanTheGroupsGivesWay(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			assemble(t, 11, protocol, time.Minute, func(t *testing.T, c *crew) {
				first := c.add()
				second := c.add()
				c.put("a", 4)
				c.settles(map[string]int{"a": 4})
				before, rounds := first.tasks(), c.at.rounds()
				stray, failed := c.astray(200)
				for len(failed) == 0 {
					c.pass(100 * time.Millisecond)
					if protocol != assignment.Eager { // an eager group stops everything at each round
						require.Equal(t, before, first.tasks(), "what runs goes on")
						require.True(t, first.gate.Open() && second.gate.Open())
					}
				}
				require.EqualError(t, <-failed, "config.storage.topic: this worker has read topic configs to offset 200, which the group's leader at "+
					"http://w1:8083/ does not have: workers of a group need the same config.storage.topic and bootstrap.servers, or else another group.id")
				require.Less(t, c.at.rounds()-rounds, 15, "Java asks for hundreds of rounds a second")
				c.told(first, "this worker's config topic ends before", "key=config.storage.topic", "topic=configs", "group=200", "worker=http://w3:8083/")
				c.stop(stray)
				c.put("b", 2)
				c.settles(map[string]int{"a": 4, "b": 2})
			})
		})
	}
}

func TestAWorkerWhoseConfigTopicIsShorterThanTheGroupsIsNotLetIn(t *testing.T) {
	assemble(t, 12, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		c.put("a", 4)
		c.settles(map[string]int{"a": 4})
		c.add() // in which round all say how far they have read
		c.settles(map[string]int{"a": 4})
		rounds := c.at.rounds()
		stray, failed := c.astray(2)
		c.pass(10 * time.Second)
		require.ErrorContains(t, <-failed, ", but topic configs ends at 2 here")
		require.Equal(t, rounds, c.at.rounds(), "nobody is disturbed")
		require.Empty(t, first.said("this worker's config topic"))
		c.stop(stray)
		c.settles(map[string]int{"a": 4})
	})
}

func TestALeaderThatIsSlowToReadIsNotTakenForAStray(t *testing.T) {
	assemble(t, 13, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.beat = 500 * time.Millisecond
		first := c.add()
		c.put("a", 4)
		c.settles(map[string]int{"a": 4})
		first.configs.cut()
		news := c.configs.ConfigStore(nil, nil, nil)
		require.NoError(t, news.Start(context.Background()))
		require.NoError(t, news.PutTargetState(context.Background(), "a", stores.Paused)) // read by whoever can
		require.NoError(t, news.Close(context.Background()))
		began := time.Now()
		c.add()
		line := c.told(first, "leaving the group")
		require.Less(t, when(line).Sub(began), syncTime+time.Second, "once worker.sync.timeout.ms, whatever rounds there are meanwhile")
		first.configs.mend()
		c.settles(map[string]int{"a": 4})
		for _, n := range c.all() {
			require.False(t, strings.Contains(n.log.String(), "workers of a group need"), n.log.String())
		}
	})
}
