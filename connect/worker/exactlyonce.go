package worker

import (
	"context"
	"errors"
	"time"
)

// exactlyOnce makes a source task one whose records and offsets are committed together. Each of its producers comes to be in Kafka Connect's order
// (Worker.ExactlyOnceSourceTaskBuilder): the producers of earlier generations are fenced before the first, each fences the one before it, and then it
// must still be this worker's to write.
func (w *Worker) exactlyOnce(t *sourceTask, generation int, p *plugin) error {
	x := &transaction{
		id:       transactionalID(w.settings.GroupID, t.id),
		boundary: boundary(p.framework.TransactionBoundary), interval: p.framework.TransactionInterval, connector: t.id.Connector,
		commits: &t.measured.commits, sizes: t.metrics.transactions,
	}
	t.tracker.transactional, t.delivery.transaction = true, x
	if x.boundary == boundaryConnector {
		t.tracker.maxRecords, t.tracker.maxBytes = transactionRecords, transactionBytes
	}
	if err := w.connectKafka(t.delivery, producerID(t.id), t.taskRun, p.config, transactional(x.id)); err != nil {
		return err
	}
	x.pace(t, w.settings.OffsetFlushInterval)
	t.fence = func(ctx context.Context) error { return w.fencing.Fence(ctx, t.id.Connector) }
	d := t.delivery
	dial := d.dial
	d.dial = func(ctx context.Context) (*producerSession, error) {
		if err := t.still(ctx, w.fencing, generation); err != nil {
			return nil, err
		}
		s, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		if err := t.still(ctx, w.fencing, generation); err != nil {
			s.producer.AsyncClose()
			s.producer.Abort()
			return nil, err
		}
		s.broken = make(chan error, 1)
		return s, nil
	}
	return nil
}

// transactional are the properties that a producer of transactions must have.
func transactional(id string) map[string]string {
	return map[string]string{"transactional.id": id, "enable.idempotence": "true", "acks": "all"}
}

// still returns when the task is known to be this worker's still. One that is not waits for its end.
func (t *taskRun) still(ctx context.Context, f Fencing, generation int) error {
	err := f.Current(ctx, t.id, generation)
	if errors.Is(err, ErrSuperseded) {
		t.log.Info("the task writes no more: it is about to be stopped", "reason", err)
		<-ctx.Done()
		return ctx.Err()
	}
	return healing(err)
}

// pace settles how often transactions end by the clock. One that came near transaction.timeout.ms would be given up by Kafka again and again: with
// Java's defaults of a minute for both.
func (x *transaction) pace(t *sourceTask, flush time.Duration) {
	if x.boundary != boundaryInterval {
		return
	}
	if x.interval < 0 {
		x.interval = flush
	}
	if most := x.timeout / 2; x.interval > most {
		t.log.Warn("transactions end sooner than they are meant to: raise producer.override.transaction.timeout.ms to at least twice the interval",
			"key", "transaction.boundary.interval.ms", "interval", x.interval.String(), "used", most.String())
		x.interval = most
	}
	if x.interval == 0 {
		x.boundary = boundaryPoll
	}
}
