package herder

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// begins waits until a connector has been divided, or a task opened, so many times.
func begins(t *testing.T, h *Herder, what string, times int) {
	t.Helper()
	require.Eventually(t, func() bool { return begun(t, h).of(what) == times }, 10*time.Second, 5*time.Millisecond, "%s begins for the %d. time", what, times)
}

func begun(t *testing.T, h *Herder) *tally {
	t.Helper()
	class, err := h.Catalog.Connector("test.ScriptedConnector")
	require.NoError(t, err)
	return class.Plugin.(scripted).begun
}

func createTwo(t *testing.T, h *Herder, name, script string) {
	t.Helper()
	_, err := h.Create(t.Context(), NewConnector{Name: name, Config: connect.Config{
		"name": name, "connector.class": "test.ScriptedConnector", "script": script, "topic": name, "tasks.max": "2",
	}})
	require.NoError(t, err)
	for _, what := range []string{name, name + "-0", name + "-1"} {
		begins(t, h, what, 1)
	}
}

func TestARestartBeginsAgainWhatWasAskedForAndNothingElse(t *testing.T) {
	h := mindOf(t, nil)
	createTwo(t, h, "a", "flow")
	createTwo(t, h, "b", "flow")

	_, err := h.Restart(t.Context(), "a", true, false)
	require.NoError(t, err)
	for _, what := range []string{"a", "a-0", "a-1"} {
		begins(t, h, what, 2)
	}
	_, err = h.Restart(t.Context(), "a", false, false)
	require.NoError(t, err)
	begins(t, h, "a", 3)
	require.NoError(t, h.RestartTask(t.Context(), "a", 1))
	begins(t, h, "a-1", 3)
	shows(t, h, "a", inState("RUNNING"))
	require.Equal(t, 2, begun(t, h).of("a-0"), "neither the connector's restart nor that of its other task is this one's")
	require.Equal(t, 3, begun(t, h).of("a"))
	for _, what := range []string{"b", "b-0", "b-1"} {
		require.Equal(t, 1, begun(t, h).of(what))
	}
}

func TestARestartOfWhatHasFailedSparesTheHealthy(t *testing.T) {
	h := mindOf(t, nil)
	createTwo(t, h, "a", "half")
	failed := func() bool {
		s, err := h.TaskStatus(t.Context(), "a", 1)
		return err == nil && s.State == "FAILED"
	}
	require.Eventually(t, failed, 10*time.Second, 5*time.Millisecond)
	plan, err := h.Restart(t.Context(), "a", true, true)
	require.NoError(t, err)
	require.Equal(t, []string{"RUNNING", "RUNNING", "RESTARTING"}, []string{plan.Connector.State, plan.Tasks[0].State, plan.Tasks[1].State})
	begins(t, h, "a-1", 2)
	require.Eventually(t, failed, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, 1, begun(t, h).of("a-0"))
	require.Equal(t, 1, begun(t, h).of("a"))

	_, err = h.Restart(t.Context(), "a", false, true)
	require.NoError(t, err, "the connector itself has not failed")
	require.Equal(t, 2, begun(t, h).of("a-1"))
	require.Equal(t, 1, begun(t, h).of("a"))
}

func TestWhatIsRestartedIsShownAsRestarting(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		_, err := d.Restart(t.Context(), "a", true, false)
		require.NoError(t, err)
		synctest.Wait()
		require.ElementsMatch(t, []string{"connector a", "task a-0", "task a-1"}, d.hand.notes())
		for _, i := range []stores.Instance{stores.ConnectorInstance("a"), {Connector: "a", Task: 0}, {Connector: "a", Task: 1}} {
			require.Equal(t, stores.Status{State: stores.StateRestarting, WorkerID: "w:1", Generation: 5}, d.state(i))
		}
	})
}

func TestOfSeveralRestartsThatWaitTheOneOfHighestImpactStandsForAll(t *testing.T) {
	ask := func(tasks, failed bool) stores.RestartRequest {
		return stores.RestartRequest{Connector: "a", IncludeTasks: tasks, OnlyFailed: failed}
	}
	const connector, first, second = "connector a", "task a-0", "task a-1"
	for name, c := range map[string]struct {
		requests []stores.RestartRequest
		want     []string
	}{
		"all there is":                {[]stores.RestartRequest{ask(false, false), ask(true, false), ask(true, true)}, []string{connector, first, second}},
		"the connector, not failures": {[]stores.RestartRequest{ask(true, true), ask(false, false), ask(false, true)}, []string{connector}},
		"failures, tasks among them":  {[]stores.RestartRequest{ask(false, true), ask(true, true)}, []string{second}},
		"of equals once":              {[]stores.RestartRequest{ask(false, false), ask(false, false)}, []string{connector}},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
				d.statuses.Put(stores.Instance{Connector: "a", Task: 1}, stores.Status{State: stores.StateFailed, WorkerID: "w:1", Generation: 5})
				synctest.Wait()
				require.NoError(t, d.mind.Do(t.Context(), func() { // which is busy meanwhile
					for _, r := range c.requests {
						assert.NoError(t, d.configs.PutRestartRequest(t.Context(), r))
					}
				}))
				synctest.Wait()
				require.ElementsMatch(t, c.want, d.hand.notes())
			})
		})
	}
}

func TestRestartsThatWaitForDifferentConnectorsAreAllDone(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		d.Statuses.Put(stores.ConnectorInstance("s"), stores.Status{State: stores.StateStopped, WorkerID: "w:1", Generation: 5})
		synctest.Wait()
		require.NoError(t, d.mind.Do(t.Context(), func() {
			assert.NoError(t, d.configs.PutRestartRequest(t.Context(), stores.RestartRequest{Connector: "a"}))
			assert.NoError(t, d.configs.PutRestartRequest(t.Context(), stores.RestartRequest{Connector: "s"}))
		}))
		synctest.Wait()
		require.Equal(t, []string{"connector a", "connector s"}, d.hand.notes())
	})
}
