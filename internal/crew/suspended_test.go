package crew

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// The sink's queue is full when its worker loses the cluster, and its way to the target is open again only after that.
func TestASinkWritesNothingFromItsQueueAfterItsWorkerHasLostTheCluster(t *testing.T) {
	needsProcesses(t)
	kafka, target, prefix := testbed.StartKafka(t), testbed.StartKafka(t, testbed.WithProxy()), testbed.Prefix(t)
	c := &cluster{
		Crew: NewCrew(t, kafka.Addr(), prefix, atOnce, sessionLine()), flow: NewFlow(t, kafka.Addr(), prefix, 2, 1),
		tasks: map[string]int{}, sink: prefix + "copies",
	}
	for i, stream := range c.flow.streams {
		testbed.CreateTopic(t, target.Addr(), c.flow.Copy(stream), 1, nil)
		c.flow.out.readers[i].Move(target.Addr())
	}
	copied := func() (records int64) {
		t.Helper()
		for _, r := range c.flow.out.readers {
			n, err := r.Records()
			require.NoError(t, err)
			records += n
		}
		return records
	}
	w := c.Sluice()
	c.createSources()
	sink := c.flow.Sink(1)
	sink["target.bootstrap.servers"] = target.Proxy().Addr()
	c.Create(w, c.sink, sink)
	c.tasks[c.sink] = 1
	c.AwaitFlowing(30*time.Second, c.tasks)
	c.flow.AwaitFlow(50, true)

	const held = 300
	target.Proxy().Stall()
	c.flow.AwaitFlow(held, false)
	kafka.Freeze()
	awaitReadiness(t, w, 503, `"cause":"lost-group"`)
	before := copied()
	target.Proxy().Flow()
	frozen(3 * time.Second)
	late := copied() - before
	t.Logf("%d lines after the lease, which were on the way, of at least %d", late, held*len(c.flow.streams))
	assert.LessOrEqual(t, late, int64(held/10))
	kafka.Thaw()
	c.AwaitFlowing(60*time.Second, c.tasks)
	v := c.flow.Settle(true)
	t.Logf("%d lines by the sink, %d twice", v.Arrived, v.Duplicates)
}
