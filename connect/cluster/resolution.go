package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
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
		if err := c.stray(own); err != nil {
			c.quit(err)
			return
		}
		c.again("the leader has not read the configuration")
	case c.last.Error != assignment.NoError || own < c.last.ConfigOffset:
		c.catchUp()
	default:
		c.begin()
	}
}

// catchUp reads the configuration to its end, on a goroutine of its own. There is one reading at a time, whatever rounds begin meanwhile: a leader
// that cannot read must not get worker.sync.timeout.ms anew with every round that the others ask for.
func (c *Cluster) catchUp() {
	c.stand(func(s *herder.Standing) {
		if s.Behind.IsZero() {
			s.Behind = time.Now()
		}
	})
	if c.reading {
		return
	}
	c.reading = true
	generation := c.round.Generation
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(c.ended, c.Sync)
		defer cancel()
		err := c.mind.CatchUp(ctx)
		_ = c.mind.Do(c.ended, func() { // it fails only when the membership ends
			c.reading = false
			switch {
			case err == nil && c.round.Generation != generation:
				c.resolve()
			case err == nil && c.phase == assigned, err != nil && c.phase != working:
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
		c.quit(errSlow)
	case own < c.last.ConfigOffset:
		c.again("the config topic does not hold what the group has read")
		if c.behind == 1 {
			c.Log.Error("this worker's config topic ends before what the group has read: nothing is divided as long as not all workers have the same "+
				"bootstrap.servers and config.storage.topic", "key", "config.storage.topic", "topic", c.ConfigTopic, "read", own, "group", c.last.ConfigOffset,
				"worker", c.furthest())
		}
	case c.last.Error != assignment.NoError:
		c.rejoin("the configuration is read now")
	default:
		c.begin()
	}
}

// furthest is the worker that has read the most, as far as the leader knows.
func (c *Cluster) furthest() string {
	if c.division == nil {
		return "unknown: the leader knows"
	}
	var furthest assignment.Holder
	for _, h := range c.division.Holders {
		if furthest.URL == "" || h.ConfigOffset > furthest.ConfigOffset {
			furthest = h
		}
	}
	return furthest.URL
}

// stray finds out whether this worker has the wrong config topic: one that is longer than the group's. Then the leader never reads what this worker
// has read, and nobody's work is divided as long as this worker is there. A worker that has never had work gives way, after the leader has had time
// enough to read or to step out itself.
func (c *Cluster) stray(own int64) error {
	if c.begun {
		return nil
	}
	if c.ahead.IsZero() || c.lagging != c.last.Leader {
		c.ahead, c.lagging = time.Now(), c.last.Leader
	}
	if time.Since(c.ahead) < strayFactor*c.Sync {
		return nil
	}
	return &group.FatalError{Text: fmt.Sprintf("config.storage.topic: this worker has read topic %s to offset %d, which the group's leader at %s does not "+
		"have: workers of a group need the same config.storage.topic and bootstrap.servers, or else another group.id", c.ConfigTopic, own, c.last.LeaderURL)}
}

// strayFactor is how many times worker.sync.timeout.ms a leader gets to read what this worker has read: one that cannot leaves after the first.
const strayFactor = 2

// quit ends the membership. The group may give the work to others from now on: nothing is written here meanwhile.
func (c *Cluster) quit(cause error) {
	c.metrics.losses.Add(1)
	c.lease.revoke()
	c.leave(cause)
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
	c.phase, c.behind, c.begun, c.ahead = working, 0, true, time.Time{}
	c.stand(func(s *herder.Standing) { s.Behind = time.Time{} })
	ends := !c.last.Revoked.Empty() || !c.running.Minus(c.held).Empty() // an eager group does not say what it takes away
	c.running = c.held
	clear(c.tasksOf)
	state := c.mind.State()
	for _, id := range c.running.Tasks {
		c.tasksOf[id.Connector] = state.Generation(id.Connector)
	}
	c.mind.Apply()
	c.tell()
	c.reasons = nil
	select {
	case c.rounds <- struct{}{}:
	default:
	}
	switch {
	case c.clearing: // what others have had until now, too, has ended when they join again; nothing is put in force that could be theirs
		c.clearing = false
		c.rejoin("work has ended everywhere, for a worker that knows only the eager protocol")
	case ends:
		// What was taken away ends meanwhile: Prepare waits for it. Until then the lease is not renewed where it was lost, because what ends must
		// not be let out to write.
		c.last.Revoked = assignment.Work{}
		c.rejoin("revoked work has ended here")
	default:
		c.lease.grant()
	}
}
