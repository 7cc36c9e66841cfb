package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
)

// errSlow is why a worker left its group by itself.
var errSlow = errors.New("taking too long to read the log") // Java's words

// outings is how often a worker stays out of its group, each time longer, before it gives up what it held
// (DistributedHerder.backoff: a tenth of scheduled.rebalance.max.delay.ms, divided by 5, 4, 3, 2, 1).
const outings = 5

// leastOuting keeps a worker without a delay from trying without a pause.
const leastOuting = time.Second

// recover stays out of the group until the configuration can be read. It returns false when ctx ends first.
func (c *Cluster) recover(ctx context.Context) bool {
	for failures := 0; ; failures++ {
		if !c.stayOut(ctx, failures%(outings+1)) {
			return false
		}
		attempt, cancel := context.WithTimeout(ctx, c.Sync)
		err := c.mind.CatchUp(attempt)
		cancel()
		if err == nil {
			c.Log.Info("the configuration could be read, joining the group again")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.Log.Warn("the configuration still cannot be read to its end", "error", err)
	}
}

// stayOut waits, and gives up all work when it has waited often enough for others to have it by now. In an eager group no work is held, and the wait
// is always worker.unsync.backoff.ms.
func (c *Cluster) stayOut(ctx context.Context, failures int) bool {
	var pause time.Duration
	switch {
	case c.protocol == assignment.Eager:
		pause = c.Unsync
	case failures < outings:
		pause = max(c.MaxDelay/10/time.Duration(outings-failures), leastOuting)
	default:
		c.Log.Warn("giving up the work that was this worker's: the configuration could not be read for so long that others have it", "tries", failures+1)
		return c.mind.Do(ctx, func() {
			c.held, c.running = assignment.Work{}, assignment.Work{}
			c.mind.Apply()
		}) == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
