package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

// key is what a node signs with, as seen from outside: the signature of nothing.
func (n *node) key(t *testing.T) string {
	t.Helper()
	key := n.herder.Membership.(*Cluster).mind.State().SessionKey()
	require.NotNil(t, key)
	s, err := herder.Sign(key.Key, "HmacSHA256", nil)
	require.NoError(t, err)
	return s.Encoded()
}

func TestWhatIsSignedWithTheKeyOfBeforeIsRefusedAndSentAgainWithTheNewOne(t *testing.T) {
	assemble(t, 20, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.keyLife = time.Minute
		leader := c.add()
		second := c.add()
		c.put("a", 2)
		c.put("b", 2)
		c.settles(map[string]int{"a": 2, "b": 2})
		old := leader.key(t)
		require.Equal(t, old, second.key(t))
		var name string
		for name = range second.heads {
			break
		}
		second.configs.cut()
		for leader.key(t) == old {
			c.pass(100 * time.Millisecond)
		}
		require.Equal(t, old, second.key(t), "it has not read the new one")
		require.Zero(t, c.refusals(), "up to now all was signed well")

		written := make(chan struct{})
		go func() {
			second.plan(second.life, name, []connect.Config{{"task": "0"}, {"task": "1"}, {"task": "2"}})
			close(written)
		}()
		c.pass(2 * time.Second)
		require.Greater(t, c.refusals(), 2)
		state := leader.herder.Membership.(*Cluster).mind.State()
		require.Equal(t, 2, state.TaskCount(name))
		second.configs.mend()
		<-written
		require.Equal(t, leader.key(t), second.key(t))
		require.Equal(t, 3, leader.herder.Membership.(*Cluster).mind.State().TaskCount(name))
		require.Empty(t, second.said("task configurations could not be written"), "that is no news for a minute")
	})
}

func TestAClusterSignsThroughManyChangesOfItsKey(t *testing.T) {
	assemble(t, 21, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.keyLife = 5 * time.Second
		for range 3 {
			c.add()
		}
		keys := map[string]bool{}
		want := map[string]int{}
		for n := range 60 {
			name := string(rune('a' + n%5))
			want[name] = 1 + n%4
			c.put(name, want[name])
			c.pass(time.Second)
			keys[c.any().key(t)] = true
			if n == 30 {
				c.kill(c.at1("http://w1:8083/")) // the leader: another one goes on with the keys
			}
		}
		c.settles(want)
		require.Greater(t, len(keys), 10)
	})
}

func (c *crew) refusals() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}
