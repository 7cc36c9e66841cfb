//go:build soak && linux

package ledger

import (
	"testing"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestSoakNothingIsLostWhenPluginsAndTheirWorkerAreKilledAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	killPlugins(t, testbed.SharedKafka(t), 100_000, 20)
}
