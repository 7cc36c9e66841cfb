package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

func TestTheLeaderLogsAndShowsWhoCameAndWentAndWhatMoved(t *testing.T) {
	assemble(t, 14, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.told(first, "rebalanced", `leader="this worker"`, "members=2", "joined=http://w2:8083/", `left=""`)
		c.put("a", 6)
		c.settles(map[string]int{"a": 6})
		c.told(first, "rebalanced", `reason="connector a has other tasks"`, "moved=6", "waiting=0")
		third := c.add()
		c.settles(map[string]int{"a": 6})
		c.told(first, "rebalanced", "members=3", "joined=http://w3:8083/", `left=""`, `reason="the group asked for it: a worker joined or left`)
		c.told(second, "rebalanced", "leader=http://w1:8083/")

		held := len(third.tasks())
		require.NotZero(t, held)
		c.kill(third)
		c.settles(map[string]int{"a": 6})
		line := c.told(first, "rebalanced", "members=2", `joined=""`, "left=http://w3:8083/", "took=")
		require.NotContains(t, line, "moved=0")
		require.Len(t, left(first, "http://w3:8083/"), 1, "it is said once")

		o, err := first.herder.Cluster(context.Background())
		require.NoError(t, err)
		require.Equal(t, "leader", o.Source)
		require.Equal(t, "http://w1:8083/", o.Leader)
		require.NotEmpty(t, o.Took)
		require.NotEmpty(t, o.Reason)
		require.Empty(t, o.Waiting)
		var tasks []string
		for _, m := range o.Members {
			tasks = append(tasks, m.Tasks...)
		}
		require.ElementsMatch(t, []string{"a-0", "a-1", "a-2", "a-3", "a-4", "a-5"}, tasks)
		var elsewhere *herder.NotLeaderError
		_, err = second.herder.Cluster(context.Background())
		require.ErrorAs(t, err, &elsewhere)
		require.Equal(t, "http://w1:8083/", elsewhere.URL)
	})
}

func left(n *node, url string) (lines []string) {
	for _, line := range n.said("rebalanced") {
		if strings.Contains(line, "left="+url) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatWaitsForALostWorkerIsShown(t *testing.T) {
	assemble(t, 15, assignment.Sessioned, time.Minute, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.put("a", 6)
		c.settles(map[string]int{"a": 6})
		held := len(second.tasks())
		c.kill(second)
		c.told(first, "rebalanced", "left=http://w2:8083/", "moved=0", "delay=1m0s")
		o, err := first.herder.Cluster(context.Background())
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(o.Waiting), held)
		require.NotNil(t, o.Scheduled)
		require.Equal(t, []string{"http://w2:8083/"}, o.Left)
		c.settles(map[string]int{"a": 6})
		c.told(first, "rebalanced", `reason="the delayed rebalance is due"`)
	})
}

func TestAWorkerThatLeftInARoundWithoutResultIsNamedInTheNext(t *testing.T) {
	assemble(t, 16, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.add()
		c.put("a", 6)
		c.settles(map[string]int{"a": 6})
		first.configs.cut() // for less than the group waits
		require.NoError(t, second.herder.Pause(context.Background(), "a"))
		c.pass(time.Second)
		c.kill(c.at1("http://w3:8083/"))
		for c.at.size() > 2 {
			c.pass(100 * time.Millisecond)
		}
		c.pass(time.Second)
		first.configs.mend()
		c.settles(map[string]int{"a": 6})
		c.told(first, "rebalanced", "members=2", "left=http://w3:8083/")
	})
}
