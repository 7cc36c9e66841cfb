package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

func TestALeaseTellsSinceWhenItIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lease{gate: new(kafkaclient.Gate), session: 10 * time.Second}
		require.Zero(t, l.lost(), "there was none yet")
		began := time.Now()
		l.beat(began)
		l.grant()
		require.Zero(t, l.lost())
		time.Sleep(11 * time.Second)
		require.True(t, l.lost().Equal(began.Add(10*time.Second)), "it ran out")
		l.beat(time.Now())
		require.Zero(t, l.lost())
		at := time.Now()
		l.revoke()
		time.Sleep(time.Second)
		l.revoke()
		require.True(t, l.lost().Equal(at), "since the first time")
		l.assigned()
		require.True(t, l.lost().Equal(at), "what was assigned is not in force yet")
		l.grant()
		require.Zero(t, l.lost())
	})
}

// An assignment is begun only after the configuration is read, and the membership may be lost meanwhile.
func TestAnAssignmentOfALostMembershipIsNotPutInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lease{gate: new(kafkaclient.Gate), session: 10 * time.Second}
		l.assigned()
		l.beat(time.Now())
		l.revoke()
		l.grant()
		require.False(t, l.gate.Open(), "it came with the membership that is lost")
		l.beat(time.Now())
		require.False(t, l.gate.Open(), "a member again, whose work may be another's")
		l.assigned()
		require.False(t, l.gate.Open())
		l.grant()
		require.True(t, l.gate.Open())
	})
}
