package connecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/sluice-connect/sluice/connect"
)

// sinkLife is one life of a sink task: one goroutine, which makes all calls.
type sinkLife struct {
	*Sink
	rt   sinkContext
	done chan struct{}
	task connect.SinkTask

	uncommitted [][]connect.SinkRecord // batches that were put, until a commit covers them
	retry       []connect.SinkRecord   // the batch that is to be put again

	// Guarded by host.state:
	steps     []func(context.Context) // asked for by the test
	requested bool                    // RequestCommit
}

func (l *sinkLife) run(ctx context.Context) {
	defer close(l.done)
	err := l.patiently(ctx, func() error {
		return l.guard("Open", func() (err error) {
			l.task, err = l.connector.Open(ctx, &l.rt)
			return err
		})
	})
	if err != nil {
		if ctx.Err() == nil {
			l.fail(err)
		}
		return
	}
	l.update(func() { l.opened = true })
	if err := l.work(ctx); err != nil && ctx.Err() == nil {
		l.fail(err)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.opts.patience)
	defer cancel()
	if err := l.guard("Close", func() error { return l.task.Close(closing) }); err != nil {
		l.fail(fmt.Errorf("closing the task: %w", err))
	}
}

// work takes batches, and what the test asks for between them, until the task is stopped or has failed.
func (l *sinkLife) work(ctx context.Context) error {
	for {
		var step func(context.Context)
		var commit bool
		var batch []connect.SinkRecord
		more := l.await(0, ctx.Done(), func() bool {
			switch {
			case len(l.steps) > 0:
				step, l.steps = l.steps[0], l.steps[1:]
				return true
			case l.requested:
				commit, l.requested = true, false
				return true
			}
			if l.suspended != nil {
				return false
			}
			if batch = l.retry; batch == nil {
				batch = l.topics.next(l.opts.records)
			}
			return len(batch) > 0
		})
		switch {
		case !more || ctx.Err() != nil:
			return nil
		case step != nil:
			step(ctx)
		case commit:
			if err := l.commit(ctx); err != nil {
				l.log.Warn("offset commit failed, reading again from the last committed offsets", "error", err)
			}
		default:
			if err := l.put(ctx, batch); err != nil {
				return err
			}
		}
	}
}

// put gives one batch to the task, and keeps it for another try where the task wants that.
func (l *sinkLife) put(ctx context.Context, batch []connect.SinkRecord) error {
	l.retry = nil
	err := l.guard("Put", func() error { return l.task.Put(ctx, batch) })
	var again *connect.RetryError
	var partly *connect.BatchError
	switch {
	case errors.As(err, &again):
		l.retry = batch
		return l.pause(ctx, again)
	case errors.As(err, &partly):
		for i := range batch {
			if cause, refused := partly.Failed[i]; refused {
				if err := l.report(&batch[i], cause); err != nil {
					return err
				}
			}
		}
	case err != nil:
		return err
	}
	l.succeeded()
	l.uncommitted = append(l.uncommitted, batch)
	l.update(func() { l.topics.advance(batch) })
	return nil
}

// report is the connector's error handling.
func (l *sinkLife) report(record *connect.SinkRecord, cause error) error {
	if l.config["errors.tolerance"] != "all" {
		return fmt.Errorf("a record was refused, and errors.tolerance is not all: %w", cause)
	}
	l.update(func() { l.errant = append(l.errant, Report{cloneSinkRecord(*record), cause}) })
	return nil
}

// commit asks the task how far it is and commits that. After an error all since the last commit comes again.
func (l *sinkLife) commit(ctx context.Context) error {
	var put connect.Offsets
	l.update(func() { put = maps.Clone(l.topics.put) })
	safe := put
	if pre, ok := l.task.(connect.PreCommitter); ok {
		waiting, cancel := context.WithTimeout(ctx, l.opts.patience)
		defer cancel()
		err := l.guard("PreCommit", func() (err error) {
			safe, err = pre.PreCommit(waiting, maps.Clone(put))
			return err
		})
		if err != nil {
			l.retry = nil
			l.update(l.topics.rewind)
			return err
		}
	}
	l.update(func() { l.topics.commit(safe) })
	l.spoil()
	return nil
}

// spoil empties the batches that a commit covers: they are not the task's any more, and one that still reads them shall notice.
func (l *sinkLife) spoil() {
	var held [][]connect.SinkRecord
	for _, batch := range l.uncommitted {
		covered := true
		l.update(func() {
			for i := range batch {
				covered = covered && batch[i].Offset < l.topics.committed[batch[i].Consumed]
			}
		})
		if covered {
			clear(batch)
		} else {
			held = append(held, batch)
		}
	}
	l.uncommitted = held
}

// drain has the task finish what it has in flight.
func (l *sinkLife) drain(ctx context.Context) {
	drainer, ok := l.task.(connect.Drainer)
	if !ok {
		return
	}
	waiting, cancel := context.WithTimeout(ctx, l.opts.patience)
	defer cancel()
	if err := l.guard("Drain", func() error { drainer.Drain(waiting); return nil }); err != nil {
		l.fail(err)
	}
}

func (l *sinkLife) assign(ctx context.Context, partitions []connect.TopicPartition) {
	if assigner, ok := l.task.(connect.Assigner); ok {
		if err := l.guard("Assigned", func() error { return assigner.Assigned(ctx, partitions) }); err != nil {
			l.fail(fmt.Errorf("assigning partitions: %w", err))
			return
		}
	}
	l.update(func() { l.topics.assign(partitions) })
}

func (l *sinkLife) revoke(ctx context.Context, partitions []connect.TopicPartition) {
	l.drain(ctx)
	if err := l.commit(ctx); err != nil {
		l.log.Warn("the commit before the revocation failed", "error", err)
	}
	l.retry = nil
	l.update(func() { l.topics.revoke(partitions) })
	if assigner, ok := l.task.(connect.Assigner); ok {
		if err := l.guard("Revoked", func() error { return assigner.Revoked(ctx, partitions) }); err != nil {
			l.fail(fmt.Errorf("revoking partitions: %w", err))
		}
	}
}
