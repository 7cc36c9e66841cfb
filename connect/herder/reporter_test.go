package herder

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/stores"
)

func TestWhatEndsIsNotWrittenOverANewerOwnersWordAndWhatBeginsIs(t *testing.T) {
	id := stores.TaskID{Connector: "a", Task: 0}
	newer := stores.Status{State: stores.StateRunning, WorkerID: "other:1", Generation: 9}
	for state, over := range map[stores.State]bool{
		stores.StateFailed: false, stores.StateUnassigned: false,
		stores.StateRunning: true, stores.StatePaused: true, stores.StateStopped: true, stores.StateRestarting: true,
	} {
		t.Run(string(state), func(t *testing.T) {
			atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
				for _, i := range []stores.Instance{stores.TaskInstance(id), stores.ConnectorInstance("a")} {
					d.statuses.Put(i, newer)
					require.Equal(t, newer, d.state(i))
				}
				reporter{d.Herder}.TaskStatus(id, state, "why", "7")
				reporter{d.Herder}.ConnectorStatus("a", state, "why", "7")
				want := newer
				if over {
					want = stores.Status{State: state, Trace: "why", WorkerID: "w:1", Generation: 5, Version: "7"}
				}
				require.Equal(t, want, d.state(stores.TaskInstance(id)))
				require.Equal(t, want, d.state(stores.ConnectorInstance("a")))
			})
		})
	}
}

func TestAStatusHasTheGenerationThatTheGroupHasThen(t *testing.T) {
	id := stores.TaskID{Connector: "a", Task: 1}
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		for _, generation := range []int{5, 6, 11} {
			d.post.move(Standing{Generation: generation})
			reporter{d.Herder}.TaskStatus(id, stores.StateFailed, "why", "7")
			require.Equal(t, stores.Status{State: stores.StateFailed, Trace: "why", WorkerID: "w:1", Generation: generation, Version: "7"},
				d.state(stores.TaskInstance(id)))
		}
	})
}

func TestWhatBelongsToNothingLeavesNoStatus(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		for _, i := range []stores.Instance{stores.ConnectorInstance("gone"), {Connector: "gone", Task: 0}, {Connector: "a", Task: 2}} {
			d.statuses.Put(i, stores.Status{State: stores.StateRunning, WorkerID: "w:1", Generation: 4})
			require.NotZero(t, d.state(i))
		}
		reporter{d.Herder}.ConnectorStatus("gone", stores.StateUnassigned, "", "7")
		reporter{d.Herder}.TaskStatus(stores.TaskID{Connector: "gone"}, stores.StateUnassigned, "", "7")
		reporter{d.Herder}.TaskStatus(stores.TaskID{Connector: "a", Task: 2}, stores.StateRunning, "", "7")
		synctest.Wait()
		for _, i := range []stores.Instance{stores.ConnectorInstance("gone"), {Connector: "gone", Task: 0}, {Connector: "a", Task: 2}} {
			require.Zero(t, d.state(i))
		}
	})
}
