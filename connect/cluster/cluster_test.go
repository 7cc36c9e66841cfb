package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/stores"
)

// assemble makes a cluster in virtual time and runs a test in it. Nothing of it is left at the end.
func assemble(t *testing.T, seed uint64, protocol assignment.Protocol, maxDelay time.Duration, test func(t *testing.T, c *crew)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &crew{
			t: t, random: rand.New(rand.NewPCG(seed, seed)), maxDelay: maxDelay, configs: new(stores.MemoryTopic),
			protocol: protocol, keyLife: time.Hour, beat: 3 * time.Second, nodes: map[string]*node{},
			offsets: "offsets", statuses: "statuses", asked: map[string]int{},
		}
		c.at = newCoordinator(c.roll)
		ctx, end := context.WithCancel(context.Background())
		go c.at.run(ctx)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the seed is %d", seed)
				for _, n := range c.all() {
					t.Logf("%s\n%s", n.url, n.log.String())
				}
			}
			c.mend()
			for _, n := range c.all() {
				c.stop(n)
			}
			end()
		})
		test(t, c)
	})
}

func (c *crew) all() []*node {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*node
	for _, url := range slices.Sorted(maps.Keys(c.nodes)) {
		all = append(all, c.nodes[url])
	}
	return all
}

// lead does something on the leader, whoever that is, until it works.
func (c *crew) lead(do func(ctx context.Context, h *herder.Herder) error) {
	began := time.Now()
	n := c.any()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := do(ctx, n.herder)
		cancel()
		var elsewhere *herder.NotLeaderError
		switch {
		case err == nil:
			return
		case errors.As(err, &elsewhere) && c.at1(elsewhere.URL) != nil:
			n = c.at1(elsewhere.URL)
		default:
			require.Less(c.t, time.Since(began), 10*time.Minute, "no leader: %v", err)
			c.pass(time.Second)
			if time.Since(began) > time.Minute { // a leader that is cut off from the configuration stays one until there is something to divide
				c.mend()
			}
			n = c.any()
		}
	}
}

func (c *crew) at1(url string) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[url]
}

// pass lets time go by, looking at the owners all the while.
func (c *crew) pass(d time.Duration) {
	for step := 50 * time.Millisecond; d > 0; d -= step {
		<-time.After(step)
		c.check()
	}
}

// check holds that nothing has two owners.
func (c *crew) check() {
	for id := range c.tasks() {
		if owners := c.owners(id); len(owners) > 1 {
			require.Failf(c.t, "two owners", "%s at %s: %v", id, time.Now().Format(time.TimeOnly), owners)
		}
	}
}

// tasks are all that anybody runs.
func (c *crew) tasks() map[stores.TaskID]bool {
	all := map[stores.TaskID]bool{}
	for _, n := range c.all() {
		n.mu.Lock()
		for id := range n.running {
			all[id] = true
		}
		for id, e := range n.ending {
			all[id] = all[id] || !e.cut
		}
		n.mu.Unlock()
	}
	return all
}

// settles waits until exactly the wanted tasks run, each once, spread within one of each other.
func (c *crew) settles(want map[string]int) {
	ids := map[stores.TaskID]bool{}
	for name, count := range want {
		for i := range count {
			ids[stores.TaskID{Connector: name, Task: i}] = true
		}
	}
	var why string
	for deadline := time.Now().Add(20 * time.Minute); time.Now().Before(deadline); {
		c.pass(time.Second)
		if why = c.differs(ids); why == "" {
			return
		}
	}
	require.Fail(c.t, "the cluster does not come to rest", why)
}

func (c *crew) differs(want map[stores.TaskID]bool) string {
	have := c.tasks()
	for id := range want {
		if !have[id] || len(c.owners(id)) != 1 {
			return fmt.Sprintf("%s runs at %v", id, c.owners(id))
		}
	}
	if len(have) != len(want) {
		return fmt.Sprintf("%d tasks run, not %d", len(have), len(want))
	}
	least, most := len(want), 0
	for _, n := range c.all() {
		runs := len(n.tasks())
		least, most = min(least, runs), max(most, runs)
	}
	if most > least+1 {
		return fmt.Sprintf("one worker runs %d tasks, another %d", least, most)
	}
	return ""
}

func (c *crew) put(name string, tasks int) {
	c.lead(func(ctx context.Context, h *herder.Herder) error {
		_, err := h.PutConfig(ctx, name, connect.Config{"name": name, "connector.class": "Counted", "tasks.max": strconv.Itoa(tasks)})
		return err
	})
}

func TestWorkIsSpreadAndSurvivesDeaths(t *testing.T) {
	for _, protocol := range []assignment.Protocol{assignment.Eager, assignment.Compatible, assignment.Sessioned} {
		t.Run(protocol.String(), func(t *testing.T) {
			assemble(t, 1, protocol, 0, func(t *testing.T, c *crew) {
				first := c.add()
				want := map[string]int{}
				for i := range 6 {
					name := fmt.Sprintf("c%d", i)
					want[name] = 1 + i%3
					c.put(name, want[name])
				}
				c.settles(want)
				c.add()
				third := c.add()
				c.settles(want)
				c.kill(third)
				c.settles(want)
				c.stop(first) // the leader
				c.settles(want)
			})
		})
	}
}

func TestAWorkerThatKnowsOnlyTheEagerProtocolBeginsWhatHasEndedElsewhere(t *testing.T) {
	for seed := range uint64(8) {
		assemble(t, 30+seed, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
			c.add()
			c.add()
			c.put("a", 8)
			c.settles(map[string]int{"a": 8})
			c.protocol = assignment.Eager
			eager := c.add()
			c.settles(map[string]int{"a": 8})
			c.told(eager, "rebalanced", "new=0")
			c.put("b", 3)
			c.settles(map[string]int{"a": 8, "b": 3})
			c.stop(eager)
			c.settles(map[string]int{"a": 8, "b": 3})
		})
	}
}

// It is new to the group, so it has not seen that others run work through their rounds.
func TestALeaderThatKnowsOnlyTheEagerProtocolHasWorkEndFirst(t *testing.T) {
	led := 0
	for seed := range uint64(16) {
		assemble(t, 60+seed, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
			first := c.add()
			c.add()
			c.add()
			c.put("a", 8)
			c.settles(map[string]int{"a": 8})
			c.protocol = assignment.Eager
			c.kill(first)
			if eager := c.add(); eager.membership.Standing().Leads {
				led++
			}
			c.settles(map[string]int{"a": 8})
		})
	}
	require.NotZero(t, led, "any member may lead after the leader's death")
}

// The leader cannot see who has missed the round in which all work ends, so whoever has must not bring any into the next.
func TestAWorkerThatMissesTheRoundInWhichWorkEndsEndsItBeforeTheNext(t *testing.T) {
	for _, unknown := range []bool{false, true} {
		t.Run(fmt.Sprintf("even its protocol: %t", unknown), func(t *testing.T) {
			assemble(t, 50, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
				c.add()
				missed := 0
				c.misses = func(r group.Round) (string, bool) {
					if missed > 0 || r.Protocol != assignment.Eager.Name() {
						return "", false
					}
					missed++
					if unknown {
						return "", true
					}
					return r.Protocol, true
				}
				c.add()
				c.misses = nil
				c.put("a", 8)
				c.settles(map[string]int{"a": 8})
				c.protocol = assignment.Eager
				c.add()
				c.settles(map[string]int{"a": 8})
				require.Equal(t, 1, missed)
			})
		})
	}
}

func TestAWorkerThatReturnsToAGroupThatIsEagerByNowWritesNothingOfWhatEnds(t *testing.T) {
	for seed := range uint64(8) {
		assemble(t, 40+seed, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
			first := c.add()
			c.put("a", 8)
			c.settles(map[string]int{"a": 8})
			first.link.cut()
			c.protocol = assignment.Eager
			c.add()
			c.pass(20 * time.Second)
			first.link.mend()
			c.pass(30 * time.Second)
			c.settles(map[string]int{"a": 8})
		})
	}
}

func TestAWorkerThatReturnsInTimeGetsItsWorkBack(t *testing.T) {
	assemble(t, 2, assignment.Sessioned, time.Minute, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		want := map[string]int{"a": 6}
		c.put("a", 6)
		c.settles(want)
		c.stop(second)
		c.pass(20 * time.Second)
		require.Len(t, c.tasks(), 3, "the work of the one that left waits")
		back := c.add()
		c.pass(30 * time.Second)
		require.Empty(t, back.tasks(), "until the delay is over")
		c.settles(want)
	})
}

func TestAWorkerWithoutItsGroupWritesNothingAfterItsLease(t *testing.T) {
	assemble(t, 3, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.put("a", 4)
		c.settles(map[string]int{"a": 4})
		second.link.cut()
		c.pass(9 * time.Second)
		require.Empty(t, second.hindered())
		c.pass(2 * time.Second)
		require.False(t, second.gate.Open(), "the lease has run out")
		require.Equal(t, []herder.Cause{herder.LostGroup}, second.hindered())
		require.NotEmpty(t, second.tasks(), "what it held stays")
		c.pass(10 * time.Second)
		require.Len(t, first.tasks(), 4, "the others have it all")
		second.link.mend()
		c.settles(map[string]int{"a": 4})
		require.Empty(t, second.hindered())
	})
}

// Its work waits for it meanwhile, and it says that it still has it all.
func TestAWorkerThatIsBackBeforeOthersHaveItsWorkGoesOnWithIt(t *testing.T) {
	assemble(t, 4, assignment.Sessioned, time.Minute, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		want := map[string]int{"a": 6}
		c.put("a", 6)
		c.settles(want)
		held := second.tasks()
		second.link.cut()
		c.pass(20 * time.Second)
		require.False(t, second.gate.Open())
		require.Equal(t, 1, c.at.size(), "the group has given it up")
		second.link.mend()
		c.pass(10 * time.Second)
		require.True(t, second.gate.Open())
		require.Equal(t, held, second.tasks(), "nothing has ended or begun")
		c.settles(want)
	})
}

// Its owner reads all that has happened at once, and sees a connector that is as it was, but for its tasks.
func TestAConnectorThatIsThereAgainHasItsTasksWhateverItsOwnerHasSeenOfThat(t *testing.T) {
	for what, fault := range map[string]func(ctx context.Context, h *herder.Herder, name string) error{
		"stopped and resumed": func(ctx context.Context, h *herder.Herder, name string) error {
			return errors.Join(h.Stop(ctx, name), h.Resume(ctx, name))
		},
		"deleted and created": func(ctx context.Context, h *herder.Herder, name string) error {
			err := h.Delete(ctx, name)
			_, again := h.PutConfig(ctx, name, connect.Config{"name": name, "connector.class": "Counted", "tasks.max": "4"})
			return errors.Join(err, again)
		},
	} {
		t.Run(what, func(t *testing.T) {
			assemble(t, 5, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
				leader := c.add()
				owner := c.add()
				want := map[string]int{"a": 4, "b": 4}
				c.put("a", 4)
				c.put("b", 4)
				c.settles(want)
				name := "a"
				if owner.divides("b") {
					name = "b"
				}
				require.True(t, owner.divides(name))
				owner.configs.cut()
				require.NoError(t, fault(t.Context(), leader.herder, name))
				owner.configs.mend()
				c.settles(want)
			})
		})
	}
}
