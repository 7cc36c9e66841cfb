package validation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestAQueueForDeadLettersThatWouldLoseThemIsRefused(t *testing.T) {
	cfg := connect.Config{"errors.deadletterqueue.topic.name": "dead", "errors.tolerance": "all"}
	require.Contains(t, losesRecords(cfg), "records would be lost")
	cfg["errors.tolerance"] = "none"
	require.Empty(t, losesRecords(cfg))
	require.Equal(t, []string{"errors.deadletterqueue.topic.name: " + notYet["errors.deadletterqueue.topic.name"]}, WithoutEffect(cfg))
}
