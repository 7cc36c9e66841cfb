package herder

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/stores"
)

func TestTheStatusesTellWhichWorkerRunsWhat(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		d.post.move(Standing{Generation: 7, LeaderURL: "http://java:8083/"})
		d.statuses.Put(stores.Instance{Connector: "a", Task: 1}, stores.Status{State: stores.StateFailed, WorkerID: "java:8083", Generation: 7})
		d.statuses.Put(stores.ConnectorInstance("s"), stores.Status{State: stores.StateUnassigned, WorkerID: "java:8083", Generation: 7})
		synctest.Wait()
		elsewhere := new(NotLeaderError)
		_, err := d.Cluster(t.Context())
		require.ErrorAs(t, err, &elsewhere, "the leader is asked first")
		require.Equal(t, "http://java:8083/", elsewhere.URL)

		o, err := d.ClusterByStatuses(t.Context())
		require.NoError(t, err)
		require.Equal(t, "statuses", o.Source)
		require.Equal(t, "http://java:8083/", o.Leader)
		require.Equal(t, 7, o.Generation)
		require.Equal(t, []ClusterMember{
			{URL: "java:8083", Connectors: []string{}, Tasks: []string{"a-1"}},
			{URL: "w:1", Connectors: []string{"a"}, Tasks: []string{"a-0"}},
		}, o.Members)
		require.Equal(t, []string{"s"}, o.Waiting)
	})
}
