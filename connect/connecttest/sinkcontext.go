package connecttest

import (
	"context"

	"github.com/sluice-connect/sluice/connect"
)

// sinkContext implements connect.SinkContext for one life of a task.
type sinkContext struct {
	taskContext
	life *sinkLife
}

func (c *sinkContext) Pause(partitions ...connect.TopicPartition) {
	c.update(func() {
		for _, tp := range partitions {
			if c.life.topics.assigned[tp] {
				c.life.topics.paused[tp] = true
			}
		}
	})
}

func (c *sinkContext) Resume(partitions ...connect.TopicPartition) {
	c.update(func() {
		for _, tp := range partitions {
			delete(c.life.topics.paused, tp)
		}
	})
}

func (c *sinkContext) Rewind(offsets connect.Offsets) {
	c.update(func() {
		for tp, at := range offsets {
			if c.life.topics.assigned[tp] {
				c.life.topics.rewound[tp] = at
			}
		}
	})
}

func (c *sinkContext) RequestCommit() { c.update(func() { c.life.requested = true }) }

func (c *sinkContext) Suspended() (resumed <-chan struct{}) {
	c.update(func() {
		if c.life.suspended != nil {
			c.life.heldBack = true
			resumed = c.life.suspended
		}
	})
	return resumed
}

func (c *sinkContext) Report(ctx context.Context, record *connect.SinkRecord, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.life.report(record, cause)
}
