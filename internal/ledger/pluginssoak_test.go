//go:build soak && linux

package ledger

import (
	"testing"
	"time"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestSoakNothingIsLostWhenPluginsAndTheirWorkerAreKilledAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	killPlugins(t, testbed.SharedKafka(t), 100_000, 20)
}

func TestSoakPluginsThatFailAgainAndAgainHarmNobodyElse(t *testing.T) {
	needsProcesses(t)
	beside(t, testbed.SharedKafka(t), 20_000, 5*time.Minute, again...)
}
