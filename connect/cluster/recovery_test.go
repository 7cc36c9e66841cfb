package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

// stall lets the group have a change that a node cannot read, and waits until that node has left the group.
func (c *crew) stall(n *node) (left time.Time) {
	n.configs.cut()
	c.put("more", 1)
	line := c.told(n, "leaving the group", "key=worker.sync.timeout.ms", "timeout=3s")
	require.Less(c.t, c.at.size(), len(c.all()))
	return when(line)
}

// when is the time of a line of a log.
func when(line string) time.Time {
	text, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
	at, _ := time.Parse(time.RFC3339Nano, text)
	return at
}

// hindered are the causes for which a node is not ready.
func (n *node) hindered() (causes []herder.Cause) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, h := range n.herder.Readiness(ctx).Hindrances {
		causes = append(causes, h.Cause)
	}
	return causes
}

func TestAWorkerThatCannotReadTheConfigurationLeavesAndReturnsWhenItCan(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			assemble(t, 4, protocol, 0, func(t *testing.T, c *crew) {
				c.add()
				second := c.add()
				c.put("a", 5)
				c.settles(map[string]int{"a": 5})
				c.stall(second)
				require.False(t, second.gate.Open(), "the others have its work by now")
				require.Subset(t, second.hindered(), []herder.Cause{herder.LostGroup, herder.CatchingUp})
				c.pass(20 * time.Second)
				require.Equal(t, 1, c.at.size())
				require.Subset(t, second.hindered(), []herder.Cause{herder.LostGroup, herder.CatchingUp})
				second.configs.mend()
				c.settles(map[string]int{"a": 5, "more": 1})
				c.told(second, "the configuration could be read, joining the group again")
				c.pass(time.Minute) // an eager group may have its work again before the second is in it
				require.Empty(t, second.hindered())
			})
		})
	}
}

func TestALeaderThatCannotReadTheConfigurationMakesWayForAnother(t *testing.T) {
	assemble(t, 5, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.put("a", 5)
		c.settles(map[string]int{"a": 5})
		first.configs.cut()
		require.NoError(t, second.herder.Pause(t.Context(), "a"), "any worker may write this")
		c.pass(time.Second)
		m := second.herder.Membership.(*Cluster)
		require.NoError(t, m.mind.Do(t.Context(), func() { m.rejoin("it has read more than the leader") }))
		c.told(first, "leaving the group")
		c.pass(10 * time.Second)
		require.True(t, second.herder.Membership.Standing().Leads)
		c.put("b", 2)
		c.pass(30 * time.Second)
		require.Len(t, second.tasks(), 7, "all of it")
		first.configs.mend()
		c.settles(map[string]int{"a": 5, "b": 2})
	})
}

func TestAWorkerStaysOutLongerEachTimeAndGivesUpItsWorkAtTheSixth(t *testing.T) {
	const maxDelay = 300 * time.Second // a tenth of which is divided by 5, 4, 3, 2, 1
	assemble(t, 6, assignment.Sessioned, maxDelay, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		c.put("a", 6)
		c.settles(map[string]int{"a": 6})
		left := c.stall(second)
		held := second.tasks()
		require.NotEmpty(t, held)
		for len(second.said("giving up the work")) == 0 {
			require.Equal(t, held, second.tasks())
			c.pass(time.Second)
		}
		require.Empty(t, second.tasks())
		require.Less(t, time.Since(left), maxDelay, "in time for the others, for whom it waits")
		c.pass(20 * time.Second)
		second.configs.mend()
		require.Equal(t, seconds(6, 7.5, 10, 15, 30, 0, 6), second.outings(left))
		c.settles(map[string]int{"a": 6, "more": 1})
	})
}

// outings are how long a node has stayed out before each try to read the configuration that failed.
func (n *node) outings(left time.Time) (all []time.Duration) {
	for _, line := range n.said("the configuration still cannot be read") {
		all = append(all, when(line).Sub(left)-syncTime)
		left = when(line)
	}
	return all
}

func seconds(numbers ...float64) (all []time.Duration) {
	for _, n := range numbers {
		all = append(all, time.Duration(n*float64(time.Second)))
	}
	return all
}

func TestAWorkerThatIsBackBeforeItGivesUpGoesOnWithItsWork(t *testing.T) {
	assemble(t, 7, assignment.Sessioned, 300*time.Second, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		c.put("a", 6)
		c.settles(map[string]int{"a": 6})
		held := second.tasks()
		c.stall(second)
		c.pass(30 * time.Second)
		require.Equal(t, held, second.tasks(), "it is not stopped")
		require.False(t, second.gate.Open(), "it does not write")
		second.configs.mend()
		c.pass(30 * time.Second)
		require.Equal(t, held, second.tasks(), "with the revisions it had: it was never begun again")
		require.True(t, second.gate.Open())
	})
}

func TestAWorkerOfAnEagerGroupStaysOutForItsOwnTime(t *testing.T) {
	assemble(t, 8, assignment.Eager, 0, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		c.put("a", 4)
		c.settles(map[string]int{"a": 4})
		left := c.stall(second)
		c.pass(time.Minute)
		require.Equal(t, seconds(7, 7, 7, 7, 7, 7), second.outings(left)[:6])
		require.Empty(t, second.said("giving up"))
		second.configs.mend()
		c.settles(map[string]int{"a": 4, "more": 1})
	})
}

func TestAWorkerThatIsClosedWhileItStaysOutEndsAtOnce(t *testing.T) {
	assemble(t, 9, assignment.Sessioned, time.Hour, func(t *testing.T, c *crew) {
		c.add()
		second := c.add()
		c.put("a", 2)
		c.settles(map[string]int{"a": 2})
		c.stall(second)
		began := time.Now()
		c.stop(second)
		require.Less(t, time.Since(began), 15*time.Second)
	})
}

// Who is told "not found" takes a connector for gone, and it would run on.
func TestALeaderThatHasNotReadAConnectorDoesNotSayThatThereIsNone(t *testing.T) {
	assemble(t, 14, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		second.configs.cut()
		_, err := first.herder.PutConfig(t.Context(), "a", connect.Config{"name": "a", "connector.class": "Counted", "tasks.max": "4"})
		require.NoError(t, err)
		c.kill(first)
		for deadline := time.Now().Add(time.Minute); !second.membership.Standing().Leads; c.pass(time.Second) {
			require.True(t, time.Now().Before(deadline))
		}
		h := second.herder
		for what, request := range map[string]func(context.Context) error{
			"pause":   func(ctx context.Context) error { return h.Pause(ctx, "a") },
			"stop":    func(ctx context.Context) error { return h.Stop(ctx, "a") },
			"resume":  func(ctx context.Context) error { return h.Resume(ctx, "a") },
			"restart": func(ctx context.Context) error { _, err := h.Restart(ctx, "a", true, false); return err },
			"patch":   func(ctx context.Context) error { _, err := h.PatchConfig(ctx, "a", nil); return err },
			"delete":  func(ctx context.Context) error { return h.Delete(ctx, "a") },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := request(ctx)
			cancel()
			require.ErrorAs(t, err, new(*herder.StageError), what)
		}
		second.configs.mend()
		c.settles(map[string]int{"a": 4})
		require.NoError(t, h.Delete(t.Context(), "a"))
		c.settles(nil)
		require.ErrorAs(t, h.Delete(t.Context(), "a"), new(*herder.NotFoundError))
	})
}
