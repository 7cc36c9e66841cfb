package connecttest

import (
	"context"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// taskContext implements connect.TaskContext for one life of a task.
type taskContext struct {
	*host
	config  connect.Config
	metrics *connect.Metrics
}

func (c *taskContext) Config() connect.Config    { return c.config }
func (c *taskContext) Connector() string         { return "test" }
func (c *taskContext) TaskID() int               { return c.opts.taskID }
func (c *taskContext) Log() *slog.Logger         { return c.log }
func (c *taskContext) Metrics() *connect.Metrics { return c.metrics }
func (c *taskContext) Healthy()                  { c.wait(nil) }
func (c *taskContext) Fail(cause error)          { c.fail(cause) }

func (c *taskContext) Waiting(cause error, _ time.Time) { c.wait(cause) }

// sourceContext implements connect.SourceContext for one life of a task.
type sourceContext struct {
	taskContext
	partitions connect.Partitions
	store      *offsetStore
}

func (c *sourceContext) Partition(kv ...string) *connect.Partition {
	return c.partitions.Intern(connect.Strings(kv...)...)
}

func (c *sourceContext) PartitionOf(attrs ...connect.Attr) *connect.Partition {
	return c.partitions.Intern(attrs...)
}

func (c *sourceContext) Offset(ctx context.Context, p *connect.Partition) (connect.Offset, error) {
	if err := ctx.Err(); err != nil {
		return connect.Offset{}, err
	}
	return c.store.get(p.Attrs()), nil
}

func (c *sourceContext) Transactional() bool { return c.opts.transactional }
