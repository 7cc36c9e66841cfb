package crew

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// TestOldAndNewWorkersMakeOneCluster has a worker of the last release, or of the present revision while there is none, beside a new one.
func TestOldAndNewWorkersMakeOneCluster(t *testing.T) {
	needsProcesses(t)
	revision := testbed.LastRelease(t)
	if revision == "" {
		revision = "HEAD"
	}
	t.Logf("the old worker is of %s", revision)
	old := testbed.SluiceAt(t, revision)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := &cluster{Crew: NewCrew(t, kafka, prefix, atOnce), flow: NewFlow(t, kafka, prefix, 4, 1), tasks: map[string]int{}}
	port := testbed.FreePort(t)
	c.Workers = append(c.Workers,
		ledger.RunProgram(t, old, port, ledger.File(t, "worker.properties", ledger.WorkerProperties(kafka, prefix, port, c.lines...))))
	c.Sluice()
	c.createSources()
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.AwaitBalance(30*time.Second, c.tasks)
	for _, w := range c.Workers {
		c.exercise(w)
	}
	for _, w := range c.Workers { // each leads once and leaves once
		require.Zero(t, w.Terminate())
		c.Without(w).AwaitFlowing(30*time.Second, c.tasks)
		w.Relaunch()
		w.WaitReady()
		c.AwaitBalance(30*time.Second, c.tasks)
		c.AwaitFlowing(30*time.Second, c.tasks)
	}
	assert.Zero(t, c.flow.Settle(false).Duplicates)
}
