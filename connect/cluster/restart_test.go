package cluster

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/stores"
)

// shares is a crew of three with the connectors a (6 tasks) and b (3), and the statuses of them known to everybody.
func (c *crew) shares() {
	for range 3 {
		c.add()
	}
	c.put("a", 6)
	c.put("b", 3)
	c.settles(map[string]int{"a": 6, "b": 3})
	c.pass(time.Second)
}

// share is what of a connector a node runs, each counted once.
func (n *node) share(connector string, withTasks bool) map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	share := map[string]int{}
	if _, here := n.heads[connector]; here {
		share[connector] = 1
	}
	for id := range n.running {
		if id.Connector == connector && withTasks {
			share[id.String()] = 1
		}
	}
	return share
}

func (c *crew) restart(connector string, tasks, failed bool) (plan *herder.ConnectorStateInfo) {
	c.lead(func(ctx context.Context, h *herder.Herder) (err error) {
		plan, err = h.Restart(ctx, connector, tasks, failed)
		return err
	})
	c.pass(time.Second)
	return plan
}

func TestEachWorkerRestartsItsOwnShare(t *testing.T) {
	assemble(t, 17, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.shares()
		plan := c.restart("a", true, false)
		require.Equal(t, "RESTARTING", plan.Connector.State)
		require.Len(t, plan.Tasks, 6)
		for _, n := range c.all() {
			require.NotEmpty(t, n.share("a", true))
			require.Equal(t, n.share("a", true), n.restarts(), n.url)
			for _, witness := range c.all() {
				s, err := witness.herder.Status(context.Background(), "a")
				require.NoError(t, err)
				for _, task := range s.Tasks {
					require.Equal(t, "RESTARTING", task.State)
					if n.has(stores.TaskID{Connector: "a", Task: task.ID}) {
						require.Equal(t, n.url, task.WorkerID)
					}
				}
				require.Equal(t, "RESTARTING", s.Connector.State)
			}
		}
	})
}

func TestOnlyWhatHasFailedIsRestartedWhereThatWasAskedFor(t *testing.T) {
	assemble(t, 18, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.shares()
		sick := stores.TaskID{Connector: "a", Task: 3}
		owner := c.at1(c.owners(sick)[0])
		owner.status.TaskStatus(sick, stores.StateFailed, "it is ill", "")
		c.pass(time.Second)
		plan := c.restart("a", true, true)
		require.Equal(t, "RUNNING", plan.Connector.State)
		for _, task := range plan.Tasks {
			want := "RUNNING"
			if task.ID == sick.Task {
				want = "RESTARTING"
			}
			require.Equal(t, want, task.State)
		}
		for _, n := range c.all() {
			want := map[string]int{}
			if n == owner {
				want["a-3"] = 1
			}
			require.Equal(t, want, n.restarts(), n.url)
		}
		s, err := c.any().herder.TaskStatus(context.Background(), "a", 3)
		require.NoError(t, err)
		require.Equal(t, herder.TaskState{ID: 3, State: "RESTARTING", WorkerID: owner.url}, *s)
	})
}

func TestARestartFindsTheOwnerWhereverItIs(t *testing.T) {
	assemble(t, 19, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.shares()
		for task := range 6 {
			id := stores.TaskID{Connector: "a", Task: task}
			owner := c.at1(c.owners(id)[0])
			asked := owner.restarts()[id.String()]
			hops := 0
			n := c.any()
			for {
				err := n.herder.RestartTask(context.Background(), "a", task)
				if err == nil {
					break
				}
				var elsewhere *herder.NotLeaderError
				require.ErrorAs(t, err, &elsewhere)
				n = c.at1(elsewhere.URL)
				hops++
			}
			require.LessOrEqual(t, hops, 2, "to the leader, and on to the owner")
			require.Same(t, owner, n)
			require.Equal(t, asked+1, owner.restarts()[id.String()])
		}
		c.restart("b", false, false)
		for _, n := range c.all() {
			for what, times := range n.restarts() {
				if what != "b" {
					continue
				}
				require.Equal(t, 1, times)
				require.Contains(t, n.share("b", false), "b")
			}
		}
	})
}
