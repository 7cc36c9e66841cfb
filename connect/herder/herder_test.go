package herder

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/worker"
)

func TestAConnectorLivesThroughItsStates(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "a", "flow")
	shows(t, h, "a", inState("RUNNING"))

	var exists *ExistsError
	_, err := h.Create(t.Context(), NewConnector{Name: "a", Config: connect.Config{"name": "a", "connector.class": "Scripted"}})
	require.ErrorAs(t, err, &exists)

	require.NoError(t, h.Pause(t.Context(), "a"))
	shows(t, h, "a", inState("PAUSED"))
	require.NoError(t, h.Resume(t.Context(), "a"))
	shows(t, h, "a", inState("RUNNING"))

	require.NoError(t, h.Stop(t.Context(), "a"))
	require.Eventually(t, func() bool {
		s, err := h.Status(t.Context(), "a")
		return err == nil && s.Connector.State == "STOPPED" && len(s.Tasks) == 0
	}, 5*time.Second, 5*time.Millisecond)
	info, err := h.Connector(t.Context(), "a")
	require.NoError(t, err)
	require.Empty(t, info.Tasks, "a stopped connector has no tasks")

	require.NoError(t, h.Resume(t.Context(), "a"))
	shows(t, h, "a", inState("RUNNING"))

	require.NoError(t, h.Delete(t.Context(), "a"))
	require.Eventually(t, func() bool {
		_, err := h.Status(t.Context(), "a")
		return err != nil
	}, 5*time.Second, 5*time.Millisecond, "a deleted connector leaves no status behind")
	var gone *NotFoundError
	require.ErrorAs(t, h.Delete(t.Context(), "a"), &gone)
}

func TestAPluginThatHangsHurtsOnlyItself(t *testing.T) {
	h := mindOf(t, nil)
	for _, script := range []string{"hang-open", "hang-poll", "hang-split"} {
		create(t, h, script, script)
	}
	create(t, h, "well", "flow")
	shows(t, h, "well", inState("RUNNING"))
	before, _ := h.worker.(*worker.Worker).Metrics().Totals()
	require.Eventually(t, func() bool {
		now, _ := h.worker.(*worker.Worker).Metrics().Totals()
		return now > before+100
	}, 10*time.Second, 5*time.Millisecond, "the others flow")

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, script := range []string{"hang-open", "hang-poll", "hang-split"} {
		require.NoError(t, h.Delete(ctx, script), "REST answers")
	}
	names, err := h.Connectors(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"well"}, names)
}

// It is abandoned, and says nothing any more: nor may it be said of it that it runs.
func TestATaskThatDoesNotEndLeavesNoStatusBehind(t *testing.T) {
	h := mindOf(t, nil)
	config := connect.Config{"name": "a", "connector.class": "test.ScriptedConnector", "script": "hang-poll", "topic": "a", "tasks.max": "2"}
	_, err := h.PutConfig(t.Context(), "a", config)
	require.NoError(t, err)
	has := func(tasks int) {
		t.Helper()
		require.Eventually(t, func() bool {
			s, err := h.Status(t.Context(), "a")
			return err == nil && len(s.Tasks) == tasks && !slices.ContainsFunc(s.Tasks, func(s TaskState) bool { return s.State != "RUNNING" })
		}, 10*time.Second, 5*time.Millisecond)
	}
	has(2)
	config["tasks.max"] = "1"
	_, err = h.PutConfig(t.Context(), "a", config)
	require.NoError(t, err)
	has(1)
	require.NoError(t, h.Stop(t.Context(), "a"))
	has(0)
}

func TestAFailureIsAStateWithItsReason(t *testing.T) {
	h := mindOf(t, nil)
	for script, reason := range map[string]string{"fail": "the dog ate it", "panic": "boom"} {
		create(t, h, script, script)
		shows(t, h, script, func(s TaskState) bool { return s.State == "FAILED" && strings.Contains(s.Trace, reason) })
	}
	create(t, h, "well", "flow")
	shows(t, h, "well", inState("RUNNING"))
	require.NoError(t, h.RestartTask(t.Context(), "fail", 0))
	shows(t, h, "fail", func(s TaskState) bool { return s.State == "FAILED" })
}

func TestATaskThatCannotReachItsSystemSaysSo(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "alone", "retry")
	shows(t, h, "alone", func(s TaskState) bool {
		return s.State == "RUNNING" && strings.HasPrefix(s.Trace, "retrying: nobody home (since ")
	})
}

func TestAStoredConnectorWhoseClassIsNotHereIsFailedAndSaysWhatThereIs(t *testing.T) {
	h := mindOf(t, func(s *stores.ConfigStore) {
		require.NoError(t, s.PutConnector(t.Context(), "foreign", connect.Config{"name": "foreign", "connector.class": "com.example.Gone"}, nil))
	})
	require.Eventually(t, func() bool {
		s, err := h.Status(t.Context(), "foreign")
		return err == nil && s.Connector.State == "FAILED" && strings.Contains(s.Connector.Trace, "com.example.Gone") &&
			strings.Contains(s.Connector.Trace, "test.ScriptedConnector")
	}, 5*time.Second, 5*time.Millisecond)
	info, err := h.Connector(t.Context(), "foreign")
	require.NoError(t, err)
	require.Equal(t, "unknown", info.Type, "it is kept, for a worker that has the class")
}

func TestTasksAreShownWithoutTheirSecrets(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "a", "flow")
	shows(t, h, "a", inState("RUNNING"))
	tasks, err := h.Tasks(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "[hidden]", tasks[0].Config["secret"])
	config, err := h.Config(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "s3cret", config["secret"], "the configuration comes back as it was sent")
}

func TestAWrongConfigurationIsRefusedWithAllItsErrors(t *testing.T) {
	h := mindOf(t, nil)
	var invalid *InvalidError
	_, err := h.PutConfig(t.Context(), "a", connect.Config{"name": "a", "connector.class": "Scripted", "tasks.max": "0", "errors.tolerance": "some"})
	require.ErrorAs(t, err, &invalid)
	require.ErrorContains(t, err, "contains the following 2 error(s)")
	_, err = h.PutConfig(t.Context(), "a", connect.Config{"name": "a", "connector.class": "Nope"})
	require.ErrorAs(t, err, &invalid)
	created, err := h.PutConfig(t.Context(), "a", connect.Config{"name": "a", "connector.class": "Scripted", "tipo": "x"})
	require.NoError(t, err)
	require.True(t, created.New)
	require.Len(t, created.Warnings, 1)
}

func TestRestartingWithTasksSaysWhatItWillRestart(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "a", "flow")
	shows(t, h, "a", inState("RUNNING"))
	plan, err := h.Restart(t.Context(), "a", true, false)
	require.NoError(t, err)
	require.Equal(t, "RESTARTING", plan.Connector.State)
	require.Equal(t, "RESTARTING", plan.Tasks[0].State)
	shows(t, h, "a", inState("RUNNING"))

	create(t, h, "b", "flow")
	shows(t, h, "b", inState("RUNNING"))
	plan, err = h.Restart(t.Context(), "b", true, true)
	require.NoError(t, err)
	require.Equal(t, "RUNNING", plan.Tasks[0].State, "nothing has failed")
	var gone *NotFoundError
	_, err = h.Restart(t.Context(), "nobody", false, false)
	require.ErrorAs(t, err, &gone)
}
