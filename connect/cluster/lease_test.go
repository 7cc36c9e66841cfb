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
		l.grant()
		require.Zero(t, l.lost())
	})
}
