package worker

import (
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// waitToPut waits before the same batch is put again, at least as long as the task is paused. lost tells that the partitions went to somebody else
// meanwhile.
func (t *sinkTask) waitToPut(p phases, again *connect.RetryError, pause *backoff) (lost bool, err error) {
	d := again.After
	if d <= 0 {
		d = pause.next()
	}
	now := time.Now()
	t.health.report(callFailed, again.Cause, now.Add(d), now)
	return t.hold(p, d)
}

// waitToConvert waits before an operation on a record is repeated. It returns false when the batch is lost.
func (t *sinkTask) waitToConvert(p phases, d time.Duration) bool {
	lost, err := t.hold(p, d)
	if err != nil {
		t.fail(err)
	}
	return !lost && err == nil
}

// awaitLease drops a batch where this worker has no lease on its work, and leaves the partitions to whoever has the task by now: the next session
// begins with the next lease. What Put has taken before is the plugin's, whose connections are not the worker's to hold back: it asks
// SinkContext.Suspended. Offsets are committed meanwhile as far as the plugin says: what is written is written, and the consumer group refuses them
// where the partitions have moved.
func (t *sinkTask) awaitLease(p phases) (lost bool, err error) {
	for {
		regained := t.gate.Shut()
		if regained == nil {
			return false, nil
		}
		t.consumer.reread()
		if lost, err := t.holdUntil(p, regained); lost || err != nil {
			return lost, err
		}
	}
}

// hold keeps a batch for d.
func (t *sinkTask) hold(p phases, d time.Duration) (lost bool, err error) {
	over := make(chan struct{})
	defer time.AfterFunc(d, func() { close(over) }).Stop()
	return t.holdUntil(p, over)
}

// holdUntil keeps a batch until over is closed, and while the task is paused, and answers the group meanwhile. lost tells that the partitions went to
// somebody else, or that the task shall stop.
func (t *sinkTask) holdUntil(p phases, over <-chan struct{}) (lost bool, err error) {
	for {
		working, resumed := t.target.context(p.stop)
		due := over
		if resumed != nil {
			t.status.set(Paused)
			due, working = nil, p.stop
		} else {
			t.running()
		}
		select {
		case <-due:
			return false, nil
		case r := <-t.consumer.rebalances:
			if err := t.rebalance(p, r); err != nil || !r.assigned {
				return true, err
			}
		case <-resumed:
		case <-working.Done():
			if p.stop.Err() != nil {
				return true, nil
			}
		}
	}
}
