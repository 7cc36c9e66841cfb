package crew

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
)

// There are more of them in the soak.
func TestNothingIsMissingWhateverHappensToWorkers(t *testing.T) { befall(t, 5) }

// befall kills, ends, freezes and restarts workers, and changes connectors, one after the other, without waiting for the cluster to come to rest in
// between.
func befall(t *testing.T, faults int) {
	t.Helper()
	random := ledger.Dice(t)
	c := startCluster(t, atOnce, sessionLine())
	for i := range faults {
		w := c.Workers[random.IntN(len(c.Workers))]
		lines := 1 + random.IntN(300)
		switch random.IntN(5) {
		case 0:
			t.Logf("%d: kill -9 %s", i, w.URL)
			w.Kill()
			w.Relaunch()
			w.WaitReady()
		case 1:
			t.Logf("%d: SIGTERM %s", i, w.URL)
			require.Zero(t, w.Terminate())
			c.Without(w).AwaitFlowing(time.Minute, c.tasks)
			w.Relaunch()
			w.WaitReady()
		case 2:
			t.Logf("%d: frozen for longer than its session %s", i, w.URL)
			w.Freeze()
			c.Without(w).AwaitFlowing(time.Minute, c.tasks)
			w.Thaw()
		case 3:
			t.Logf("%d: frozen for a moment %s", i, w.URL)
			w.Freeze()
			frozen(time.Duration(random.IntN(int(session))))
			w.Thaw()
		case 4:
			stream := c.flow.streams[random.IntN(len(c.flow.streams))]
			t.Logf("%d: configuration of %s changed through %s", i, stream, w.URL)
			config := c.flow.Source(stream)
			config["batch.size"] = strconv.Itoa(100 + random.IntN(1000))
			c.Create(w, c.prefix+stream, config)
		}
		c.flow.AwaitFlow(lines, false)
	}
	c.AwaitFlowing(time.Minute, c.tasks)
	c.AwaitBalance(time.Minute, c.tasks)
	c.settleBoth()
}
