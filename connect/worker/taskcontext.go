package worker

import (
	"context"
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// sourceContext is what a source task sees of the runtime.
type sourceContext struct {
	*taskRun
	partitions connect.Partitions
	store      stores.OffsetStore
	// transactional: the task is an exactly-once one.
	transactional bool
}

// Partition implements connect.SourceContext.
func (c *sourceContext) Partition(kv ...string) *connect.Partition {
	return c.partitions.Intern(connect.Strings(kv...)...)
}

// PartitionOf implements connect.SourceContext.
func (c *sourceContext) PartitionOf(attrs ...connect.Attr) *connect.Partition {
	return c.partitions.Intern(attrs...)
}

// Offset implements connect.SourceContext.
func (c *sourceContext) Offset(ctx context.Context, p *connect.Partition) (connect.Offset, error) {
	found, err := c.store.Get(ctx, c.id.Connector, []*connect.Partition{p})
	if err != nil {
		return connect.Offset{}, err
	}
	return found[0], nil
}

// Transactional implements connect.SourceContext.
func (c *sourceContext) Transactional() bool { return c.transactional }

// sinkContext is what a sink task sees of the runtime.
type sinkContext struct {
	*taskRun
	task *sinkTask
}

// Pause implements connect.SinkContext.
func (c *sinkContext) Pause(tps ...connect.TopicPartition) { c.task.consumer.paused.pause(tps) }

// Resume implements connect.SinkContext.
func (c *sinkContext) Resume(tps ...connect.TopicPartition) { c.task.consumer.paused.resume(tps) }

// Rewind implements connect.SinkContext. The group's session starts over at these offsets: sarama's groups cannot seek.
func (c *sinkContext) Rewind(offsets connect.Offsets) {
	c.task.rewinds.add(offsets)
	c.RequestCommit() // wakes the task's goroutine
}

// RequestCommit implements connect.SinkContext.
func (c *sinkContext) RequestCommit() {
	select {
	case c.task.requested <- struct{}{}:
	default:
	}
}

// Suspended implements connect.SinkContext.
func (c *sinkContext) Suspended() <-chan struct{} { return c.task.gate.Shut() }

// Report implements connect.SinkContext.
func (c *sinkContext) Report(ctx context.Context, record *connect.SinkRecord, cause error) error {
	letter, err := c.task.converter.report(record, cause)
	if letter == nil {
		return err
	}
	return errors.Join(err, c.task.queue.store(ctx, letter))
}

var (
	_ connect.SourceContext = (*sourceContext)(nil)
	_ connect.SinkContext   = (*sinkContext)(nil)
)
