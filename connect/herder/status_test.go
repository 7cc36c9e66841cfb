package herder

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThereIsNoTaskBelowZero(t *testing.T) {
	h := mindOf(t, nil)
	create(t, h, "a", "flow")
	shows(t, h, "a", inState("RUNNING"))
	_, err := h.TaskStatus(t.Context(), "a", -1)
	require.EqualError(t, err, "No status found for task a--1")
	require.EqualError(t, h.RestartTask(t.Context(), "a", -1), "Unknown task: a--1")
}
