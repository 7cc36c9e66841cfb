package cluster

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
)

// resolve begins what was assigned as soon as this worker has read the configuration that was divided (DistributedHerder.handleRebalanceCompleted).
// One that has read more begins too: each change that matters asks for another round by itself.
func (c *Cluster) resolve() {
	if c.phase != assigned {
		return
	}
	own := c.mind.State().Offset()
	leads := c.last.Leader == c.round.MemberID
	switch {
	case c.last.Error != assignment.NoError && !leads && own >= c.last.ConfigOffset:
		c.again("the leader has not read the configuration")
	case c.last.Error != assignment.NoError || own < c.last.ConfigOffset:
		c.catchUp()
	default:
		c.begin()
	}
}

// catchUp reads the configuration to its end, on a goroutine of its own.
func (c *Cluster) catchUp() {
	generation := c.round.Generation
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(c.ended, c.Sync)
		defer cancel()
		err := c.mind.CatchUp(ctx)
		_ = c.mind.Do(c.ended, func() { // it fails only when the membership ends
			if c.phase == assigned && c.round.Generation == generation {
				c.caughtUp(err)
			}
		})
	})
}

func (c *Cluster) caughtUp(err error) {
	own := c.mind.State().Offset()
	switch {
	case err != nil:
		c.Log.Error("leaving the group: the configuration could not be read to its end in time, so what was assigned cannot be begun",
			"key", "worker.sync.timeout.ms", "timeout", c.Sync.String(), "error", err)
		c.leave(errSlow)
	case own < c.last.ConfigOffset:
		c.again("the config topic does not hold what the group has read")
		if c.behind == 1 {
			c.Log.Error("this worker's config topic ends before what the group has read: do all workers have the same bootstrap.servers and "+
				"config.storage.topic?", "read", own, "group", c.last.ConfigOffset)
		}
	case c.last.Error != assignment.NoError:
		c.rejoin("the configuration is read now")
	default:
		c.begin()
	}
}

const (
	againFirst  = 250 * time.Millisecond
	againAtMost = 10 * time.Second
)

// again asks for another round after one without result. The pause grows from one to the next: Java asks at once, hundreds of times a second.
func (c *Cluster) again(reason string) {
	c.after(min(againFirst<<min(c.behind, 10), againAtMost), reason)
	c.behind++
}

// begin puts the assignment in force.
func (c *Cluster) begin() {
	c.phase, c.behind = working, 0
	c.running = c.held
	clear(c.tasksOf)
	state := c.mind.State()
	for _, id := range c.running.Tasks {
		c.tasksOf[id.Connector] = state.Generation(id.Connector)
	}
	c.mind.Apply()
	c.tell()
	c.reasons = nil
	if c.last.Revoked.Empty() {
		c.lease.grant()
		return
	}
	// What was revoked ends meanwhile: Prepare waits for it. Until then the lease is not renewed where it was lost, because what ends must not be
	// let out to write.
	c.last.Revoked = assignment.Work{}
	c.rejoin("revoked work has ended here")
}
