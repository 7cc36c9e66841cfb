package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// messages of a run that takes seconds.
const messages = 100_000

func TestNothingIsLostWhenAWorkerIsKilledTwice(t *testing.T) {
	needsProcesses(t)
	for qos := byte(1); qos <= 2; qos++ {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			r := startRiver(t, testbed.SharedKafka(t), qos)
			start := time.Now()
			published := r.publish(messages)
			for range 2 {
				r.awaitFlow(messages / 4)
				r.killWorker(messages)
			}
			published()
			v := r.settle()
			assert.GreaterOrEqual(t, v.Promised, messages)
			t.Logf("%d messages in %v, %d duplicates", v.Arrived, time.Since(start).Round(time.Millisecond), v.Duplicates)
		})
	}
}

// killWorker kills the worker, which must be in the middle of so many messages, and starts it again.
func (r *river) killWorker(all int) {
	r.t.Helper()
	r.worker.Kill()
	require.NoError(r.t, r.readKafka(r.t.Context()))
	arrived := r.fleet.Ledger.Arrived()
	assert.Less(r.t, arrived, all, "the worker was killed after the end of the stream")
	start := time.Now()
	r.worker.Relaunch()
	r.worker.WaitReady()
	r.t.Logf("killed with %d messages in Kafka, back after %v", arrived, time.Since(start).Round(time.Millisecond))
}
