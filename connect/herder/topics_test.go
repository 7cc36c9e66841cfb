package herder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

func uses(t *testing.T, h *Herder, name string, topics ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		active, err := h.ActiveTopics(t.Context(), name)
		return err == nil && len(active.Topics) == len(topics) && (len(topics) == 0 || active.Topics[0] == topics[0])
	}, 10*time.Second, 5*time.Millisecond)
}

func TestTheTopicsThatAConnectorUsesAreRecordedUntilItIsDeleted(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "a", "flow")
	uses(t, h, "a", "a")
	_, err := h.Create(t.Context(), NewConnector{Name: "to", Config: connect.Config{"name": "to", "connector.class": "test.SwallowSink", "topics": "a"}})
	require.NoError(t, err)
	uses(t, h, "to", "a")
	first := h.Statuses.Topics("a")[0]

	require.NoError(t, h.ResetTopics(t.Context(), "a"))
	require.Eventually(t, func() bool {
		again := h.Statuses.Topics("a")
		return len(again) == 1 && again[0] != first
	}, 10*time.Second, 5*time.Millisecond, "what is used still is found again")

	require.NoError(t, h.Stop(t.Context(), "a"))
	require.Eventually(t, func() bool {
		failed := h.ResetTopics(t.Context(), "a")
		active, err := h.ActiveTopics(t.Context(), "a")
		return failed == nil && err == nil && len(active.Topics) == 0
	}, 10*time.Second, 5*time.Millisecond)

	require.NoError(t, h.Delete(t.Context(), "to"))
	uses(t, h, "to")
	reporter{h}.TopicUsed(stores.TaskID{Connector: "to"}, "late")
	require.Empty(t, h.Statuses.Topics("to"), "a task that ends after its connector was deleted leaves nothing behind")
}

func TestTopicsAreForgottenOfConnectorsThatAreGone(t *testing.T) {
	h := mindOf(t, nil)
	h.Statuses.PutTopic(stores.TopicStatus{Topic: "t", Connector: "gone", Discovered: time.Now()})
	uses(t, h, "gone", "t")
	h.sweep(h.configs.Snapshot())
	uses(t, h, "gone")
}

func TestTopicsMayBeNobodysBusiness(t *testing.T) {
	h := mindOf(t, nil)
	h.Topics = TopicPolicy{Tracked: true}
	require.EqualError(t, h.ResetTopics(t.Context(), "a"), "Topic tracking reset is disabled.")
	h.Topics = TopicPolicy{Resettable: true}
	require.EqualError(t, h.ResetTopics(t.Context(), "a"), "Topic tracking is disabled.")
	var disabled *DisabledError
	_, err := h.ActiveTopics(t.Context(), "a")
	require.ErrorAs(t, err, &disabled)
	create(t, h, "a", "flow")
	shows(t, h, "a", inState("RUNNING"))
	reporter{h}.TopicUsed(stores.TaskID{Connector: "a"}, "t")
	require.Empty(t, h.Statuses.Topics("a"))
}
