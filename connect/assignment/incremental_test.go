package assignment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/javahash"
	"github.com/sluice-connect/sluice/connect/stores"
)

// cluster plays a group whose members do what they are told. The first member leads.
type cluster struct {
	t          testing.TB
	now        time.Time
	assignor   *Incremental
	configured Work
	members    []Member
	generation int32
	last       Plan
}

func newCluster(t testing.TB, maxDelay time.Duration, configured Work, members ...string) *cluster {
	c := &cluster{t: t, now: time.UnixMilli(1), configured: configured, generation: -1}
	c.assignor = NewIncremental(maxDelay, func() time.Time { return c.now })
	for _, id := range members {
		c.join(id)
	}
	return c
}

func (c *cluster) join(id string) { c.members = append(c.members, Member{ID: id}) }

func (c *cluster) leave(id string) {
	for i, m := range c.members {
		if m.ID == id {
			c.members = append(c.members[:i:i], c.members[i+1:]...)
			return
		}
	}
}

// round is one rebalance; it returns the number of items that move or begin.
func (c *cluster) round() int {
	c.t.Helper()
	c.last = c.assignor.Assign(Round{Configured: c.configured, Members: c.members, LastCompleted: c.generation, Current: c.generation + 1})
	c.generation++
	moved := 0
	for i, m := range c.members {
		share, answered := c.last.Shares[m.ID]
		require.True(c.t, answered, "member %s has no answer", m.ID)
		c.members[i].Held = m.Held.Minus(share.Revoked).Plus(share.New)
		assert.Equal(c.t, c.members[i].Held.Sorted(), share.Keeps.Sorted(), "what the plan says that %s keeps", m.ID)
		moved += share.New.Size() + share.Revoked.Size()
	}
	return moved
}

// settle runs rounds until nothing moves any more.
func (c *cluster) settle() {
	c.t.Helper()
	for range 20 {
		moved := c.round()
		if c.last.Delay > 0 {
			c.now = c.now.Add(c.last.Delay)
		} else if moved == 0 {
			return
		}
	}
	require.Fail(c.t, "the group does not come to rest")
}

// balanced checks that everything runs once and that shares differ by no more than one.
func (c *cluster) balanced() {
	c.t.Helper()
	var all Work
	least, most := Work{c.configured.Connectors, c.configured.Tasks}, Work{}
	for _, m := range c.members {
		all.Connectors = append(all.Connectors, m.Held.Connectors...)
		all.Tasks = append(all.Tasks, m.Held.Tasks...)
		if len(m.Held.Connectors) < len(least.Connectors) {
			least.Connectors = m.Held.Connectors
		}
		if len(m.Held.Tasks) < len(least.Tasks) {
			least.Tasks = m.Held.Tasks
		}
		if len(m.Held.Connectors) > len(most.Connectors) {
			most.Connectors = m.Held.Connectors
		}
		if len(m.Held.Tasks) > len(most.Tasks) {
			most.Tasks = m.Held.Tasks
		}
	}
	assert.ElementsMatch(c.t, c.configured.Connectors, all.Connectors)
	assert.ElementsMatch(c.t, c.configured.Tasks, all.Tasks)
	assert.LessOrEqual(c.t, len(most.Connectors)-len(least.Connectors), 1)
	assert.LessOrEqual(c.t, len(most.Tasks)-len(least.Tasks), 1)
}

func (c *cluster) held(id string) Work {
	for _, m := range c.members {
		if m.ID == id {
			return m.Held
		}
	}
	return Work{}
}

// numbered is so many connectors with so many tasks each.
func numbered(connectorCount, taskCount int) Work {
	var w Work
	for n := range connectorCount {
		c := connectorOf(fmt.Sprintf("c%05d", n), taskCount)
		w.Connectors = append(w.Connectors, c.Connectors...)
		w.Tasks = append(w.Tasks, c.Tasks...)
	}
	return w
}

func TestANewWorkerGetsItsShareInTwoRounds(t *testing.T) {
	c := newCluster(t, time.Minute, numbered(4, 3), "a", "b")
	c.settle()
	c.balanced()
	before := c.held("a")
	c.join("n")
	c.round()
	assert.Zero(t, c.last.Delay)
	assert.Empty(t, c.last.Shares["n"].New.Tasks, "what must move is stopped first")
	assert.Len(t, c.last.Shares["a"].Revoked.Tasks, 2)
	c.round()
	c.balanced()
	assert.Empty(t, c.held("a").Minus(before), "what stays, stays where it is")
	assert.Zero(t, c.round())
}

func TestLostWorkWaitsForItsWorkerAndGoesBackToIt(t *testing.T) {
	c := newCluster(t, 5*time.Minute, numbered(3, 2), "a", "b", "n")
	c.settle()
	lost := c.held("n").Sorted()
	c.leave("n")
	assert.Zero(t, c.round())
	assert.Equal(t, 5*time.Minute, c.last.Delay)
	due := c.assignor.Scheduled()
	assert.Equal(t, c.now.Add(5*time.Minute), due)

	c.now = c.now.Add(2 * time.Minute)
	c.join("n")
	assert.Zero(t, c.round(), "there is no early end")
	assert.Equal(t, 3*time.Minute, c.last.Delay)
	assert.Equal(t, due, c.assignor.Scheduled())

	c.now = due
	c.round()
	assert.Zero(t, c.last.Delay)
	assert.Zero(t, c.assignor.Scheduled())
	assert.Equal(t, lost, c.held("n").Sorted())
	c.balanced()
}

func TestLostWorkIsSharedOutWhenItsWorkerStaysAway(t *testing.T) {
	c := newCluster(t, time.Minute, numbered(3, 2), "a", "b", "n")
	c.settle()
	c.leave("n")
	c.round()
	c.now = c.now.Add(time.Minute)
	c.round()
	c.balanced()
}

func TestNewWorkIsAssignedDuringTheDelay(t *testing.T) {
	c := newCluster(t, time.Minute, numbered(3, 2), "a", "b")
	c.settle()
	c.leave("b")
	c.round()
	c.configured = c.configured.Plus(connectorOf("new", 1))
	assert.Equal(t, 2, c.round())
	assert.Positive(t, c.last.Delay)
	assert.Contains(t, c.held("a").Connectors, "new")
}

func TestWithoutADelayLostWorkIsReassignedAtOnce(t *testing.T) {
	c := newCluster(t, 0, numbered(3, 2), "a", "b")
	c.settle()
	c.leave("b")
	c.round()
	assert.Zero(t, c.last.Delay)
	c.balanced()
}

func TestANewLeaderReassignsAtOnceWhatNobodyHolds(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(3, 2), "a", "b")
	c.settle()
	c.leave("b")
	c.assignor = NewIncremental(time.Hour, func() time.Time { return c.now })
	c.round()
	assert.Zero(t, c.last.Delay)
	c.balanced()
}

func TestAnAssignmentThatNobodyReceivedIsGivenAgain(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(3, 2), "a", "b")
	c.round()
	c.members[1].Held = Work{} // its SyncGroup response was lost
	c.round()
	assert.Zero(t, c.last.Delay)
	c.balanced()
}

func TestWorkHeldTwiceIsTakenFromAllAndGivenToOne(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(2, 2), "a", "b")
	c.settle()
	c.members[1].Held = c.members[1].Held.Plus(c.members[0].Held) // a thawed zombie
	c.round()
	assert.Empty(t, c.held("a"))
	c.settle()
	c.balanced()
}

func TestDeletedWorkIsRevoked(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(3, 2), "a", "b")
	c.settle()
	c.configured = numbered(2, 2)
	c.round()
	c.settle()
	c.balanced()
}

func TestRoundsThatWouldRevokeAgainWaitLongerEachTime(t *testing.T) {
	for _, tc := range []struct {
		limit time.Duration
		want  []int64 // ms
	}{
		{5 * time.Minute, []int64{40, 1600, 64000, 300000, 300000}},
		{time.Minute, []int64{40, 1600, 60000, 60000}},
		{50 * time.Millisecond, []int64{40, 49, 49}},
		{time.Millisecond, []int64{1, 1}},
		{0, []int64{0, 0}},
	} {
		for i, want := range tc.want {
			assert.Equal(t, want, revocationBackoff(i+1, tc.limit).Milliseconds(), "attempt %d, limit %s", i+1, tc.limit)
		}
	}
}

func TestASecondRevocationInARowWaits(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(6, 2), "a", "b")
	c.settle()
	c.join("n")
	c.round()
	assert.NotEmpty(t, c.last.Shares["a"].Revoked)
	c.join("o")
	c.round()
	assert.Equal(t, 40*time.Millisecond, c.last.Delay)
	for id, share := range c.last.Shares {
		assert.Empty(t, share.Revoked, id)
	}
	assert.Equal(t, c.now.Add(40*time.Millisecond), c.assignor.Scheduled())
	c.settle()
	c.balanced()
}

func TestACalmRoundForgetsTheWaits(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(20, 2), "a", "b")
	c.settle()
	for _, pair := range [][2]string{{"m", "n"}, {"o", "p"}} {
		c.join(pair[0])
		c.round()
		c.join(pair[1])
		c.round()
		assert.Equal(t, 40*time.Millisecond, c.last.Delay)
		c.settle()
	}
	c.balanced()
}

func TestAWaitThatADelayHasBrokenIsStillCountedOn(t *testing.T) {
	c := newCluster(t, time.Hour, numbered(20, 2), "a", "b")
	c.settle()
	c.join("m")
	c.round()
	c.join("n")
	c.round()
	assert.Equal(t, 40*time.Millisecond, c.last.Delay)
	c.leave("b")
	c.round() // what b ran waits with the rest
	assert.Equal(t, 40*time.Millisecond, c.last.Delay)
	c.now = c.now.Add(c.last.Delay)
	c.round() // n is given it, and nothing is revoked
	c.join("o")
	c.round()
	c.join("p")
	c.round()
	assert.Equal(t, 1600*time.Millisecond, c.last.Delay)
	c.settle()
	c.balanced()
}

func TestAClockTurnedBackDoesNotProlongTheDelay(t *testing.T) {
	c := newCluster(t, time.Minute, numbered(3, 2), "a", "b")
	c.settle()
	c.leave("b")
	c.round()
	c.now = c.now.Add(-time.Hour)
	c.round()
	assert.Equal(t, time.Minute, c.last.Delay)
	assert.Equal(t, c.now.Add(time.Minute), c.assignor.Scheduled())
}

func TestAReturnedWorkerGetsLostWorkAlsoIfItWasGivenNewWorkMeanwhile(t *testing.T) {
	c := newCluster(t, time.Minute, numbered(4, 1), "a", "b")
	c.settle()
	lost := c.held("b")
	c.leave("b")
	c.round()
	c.join("b")
	c.configured = c.configured.Plus(connectorOf("x", 1))
	c.round()
	assert.Equal(t, connectorOf("x", 1), c.held("b"))
	c.round() // now it is no longer without work
	assert.Equal(t, []string{"b"}, c.assignor.candidates)
	c.now = c.assignor.Scheduled()
	c.round()
	assert.Empty(t, lost.Minus(c.last.Shares["b"].New.Plus(c.last.Shares["b"].Revoked)))
	c.settle()
	c.balanced()
}

// The table of two names is smaller than that of thirteen, and orders them the other way round.
func TestCandidatesHaveTheOrderOfJavasTable(t *testing.T) {
	c := newCluster(t, time.Minute, connectorOf("x", 12))
	for _, id := range "CDEFGHIJKLMN" {
		c.join(string(id))
	}
	c.settle()
	lost := c.held("N")
	require.Len(t, lost.Tasks, 1)
	c.leave("N")
	c.join("B")
	c.join("Q")
	c.round()
	assert.Equal(t, []string{"Q", "B"}, c.assignor.candidates)
	c.now = c.assignor.Scheduled()
	c.round()
	assert.Equal(t, lost.Tasks, c.held("Q").Tasks)
}

// As a HashMap filled in this order lists them on Java 17.
func TestNamesHaveTheOrderOfJavasTable(t *testing.T) {
	names := strings.Fields(`
		connect-10.0.0.0:8083-00000000 connect-10.0.0.1:8083-9e3779b1 connect-10.0.0.2:8083-3c6ef362
		connect-10.0.0.3:8083-daa66d13 connect-10.0.0.4:8083-78dde6c4 connect-10.0.0.5:8083-17156075
		connect-10.0.0.6:8083-b54cda26 connect-10.0.0.7:8083-538453d7 connect-10.0.0.8:8083-f1bbcd88
		wörker 数据 😀
		a Q B`)
	javahash.Sort(names, func(name string) string { return name })
	assert.Equal(t, strings.Fields(`
		a B connect-10.0.0.4:8083-78dde6c4
		connect-10.0.0.8:8083-f1bbcd88 connect-10.0.0.3:8083-daa66d13 connect-10.0.0.5:8083-17156075
		connect-10.0.0.1:8083-9e3779b1 connect-10.0.0.7:8083-538453d7 Q
		数据 wörker connect-10.0.0.0:8083-00000000
		😀 connect-10.0.0.6:8083-b54cda26 connect-10.0.0.2:8083-3c6ef362`), names)
}

func TestWithoutADelaySuccessiveRevocationsDoNotWait(t *testing.T) {
	c := newCluster(t, 0, numbered(6, 2), "a", "b")
	c.settle()
	for _, id := range []string{"n", "o"} {
		c.join(id)
		c.round()
		assert.Zero(t, c.last.Delay)
		assert.NotEmpty(t, c.last.Shares["a"].Revoked)
	}
}

func TestARoundWithoutMembersOrWorkDecidesNothing(t *testing.T) {
	c := newCluster(t, time.Hour, Work{})
	assert.Zero(t, c.round())
	c.join("a")
	assert.Zero(t, c.round())
	assert.Equal(t, Plan{Shares: map[string]Share{"a": {}}}, c.last)
}

func TestWhateverHappensTheGroupComesToRestBalanced(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			c := newCluster(t, time.Duration(random.IntN(3))*time.Minute, numbered(random.IntN(8), random.IntN(4)), "leader")
			for step := range 30 {
				disturb(c, random, step)
				c.round()
				c.now = c.now.Add(time.Duration(random.IntN(90)) * time.Second)
			}
			c.settle()
			c.balanced()
		})
	}
}

// disturb does to the cluster one of the things that happen to clusters.
func disturb(c *cluster, random *rand.Rand, step int) {
	victim := random.IntN(len(c.members))
	switch random.IntN(7) {
	case 0:
		c.join(fmt.Sprintf("connect-10.0.0.%d:8083", step))
	case 1:
		if victim > 0 {
			c.leave(c.members[victim].ID)
		}
	case 2:
		c.configured = numbered(random.IntN(8), random.IntN(4))
	case 3:
		c.members[victim].Held = Work{} // restarted
	case 4:
		c.members[victim].Held = c.members[victim].Held.Plus(c.members[random.IntN(len(c.members))].Held) // thawed
	case 5:
		c.assignor = NewIncremental(c.assignor.maxDelay, c.assignor.now) // another leads
	}
}

func TestRoundRobinGivesOneEachInTurn(t *testing.T) {
	shares := RoundRobin(Work{Connectors: []string{"y", "x"}, Tasks: connectorOf("y", 3).Tasks}, []string{"n", "a"})
	task := func(n int) stores.TaskID { return stores.TaskID{Connector: "y", Task: n} }
	assert.Equal(t, map[string]Work{
		"a": {Connectors: []string{"x"}, Tasks: []stores.TaskID{task(0), task(2)}},
		"n": {Connectors: []string{"y"}, Tasks: []stores.TaskID{task(1)}},
	}, shares)
	// Tasks go on where connectors ended.
	shares = RoundRobin(connectorOf("y", 1), []string{"a", "n", "o"})
	assert.Equal(t, map[string]Work{"a": {Connectors: []string{"y"}}, "n": {Tasks: []stores.TaskID{task(0)}}, "o": {}}, shares)
	assert.Empty(t, RoundRobin(connectorOf("y", 1), nil))
}

func BenchmarkIncremental(b *testing.B) {
	for _, size := range []int{500, 5000} {
		b.Run(fmt.Sprintf("connectors=%d/settled", size), func(b *testing.B) {
			c := newCluster(b, time.Minute, numbered(size, 1), "a", "b", "n")
			c.settle()
			round := Round{Configured: c.configured, Members: c.members}
			b.ReportAllocs()
			for b.Loop() {
				round.LastCompleted, round.Current = c.assignor.generation, c.assignor.generation+1
				c.assignor.Assign(round)
			}
		})
		b.Run(fmt.Sprintf("connectors=%d/first", size), func(b *testing.B) {
			round := Round{Configured: numbered(size, 1), Members: []Member{{ID: "a"}, {ID: "b"}, {ID: "n"}}, LastCompleted: -1}
			b.ReportAllocs()
			for b.Loop() {
				NewIncremental(time.Minute, time.Now).Assign(round)
			}
		})
	}
}
