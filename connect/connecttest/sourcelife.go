package connecttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// sourceLife is one life of a source task: a goroutine that calls Open, Poll and Close, and one beside it that calls Ack.
type sourceLife struct {
	*Source
	rt   sourceContext
	done chan struct{} // closed when both goroutines have ended

	open []queued // the records of a transaction that has no end yet

	// Guarded by host.state:
	polling   bool
	interrupt context.CancelFunc // of the Poll under way; nil for none
}

// run is the task's goroutine.
func (l *sourceLife) run(ctx context.Context) {
	defer close(l.done)
	var task connect.SourceTask
	err := l.patiently(ctx, func() error {
		return l.guard("Open", func() (err error) {
			task, err = l.connector.Open(ctx, &l.rt)
			return err
		})
	})
	if err != nil {
		l.failUnlessStopped(ctx, err)
		return
	}
	l.update(func() { l.opened, l.polling = true, true })

	alive, die := context.WithCancel(context.Background())
	defer die()
	var acking sync.WaitGroup
	if acker, ok := task.(connect.Acker); ok {
		acking.Go(func() { l.acknowledge(alive, acker) })
	} else {
		acking.Go(func() { l.acknowledge(alive, silent{}) })
	}
	l.failUnlessStopped(ctx, l.poll(ctx, task))
	l.update(func() { l.polling = false })
	acking.Wait()

	closing, cancel := context.WithTimeout(alive, l.opts.patience)
	defer cancel()
	if err := l.guard("Close", func() error { return task.Close(closing) }); err != nil {
		l.fail(fmt.Errorf("closing the task: %w", err))
	}
}

// failUnlessStopped notes a failure. The end of a context is none when the test asked for it.
func (l *sourceLife) failUnlessStopped(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return
	}
	l.fail(err)
}

// poll polls until the task is stopped or has failed.
func (l *sourceLife) poll(ctx context.Context, task connect.SourceTask) error {
	batch := connect.NewBatch(l.opts.records, l.opts.bytes)
	var keeper keeper
	var schemas schemaCheck
	for l.await(0, ctx.Done(), l.room) {
		if l.over(ctx) {
			break
		}
		batch.Reset()
		working, interrupt := context.WithCancel(ctx)
		if !l.admitted(interrupt) {
			interrupt()
			continue
		}
		err := l.guard("Poll", func() error { return task.Poll(working, batch) })
		interrupted := working.Err() != nil && ctx.Err() == nil
		interrupt()
		if changed := keeper.check(); changed != nil {
			return changed
		}
		if err := schemas.check(batch.Records()); err != nil {
			return err
		}
		if err := l.enqueue(keeper.keep(batch.Records()), batch.TransactionEnds()); err != nil {
			return err
		}
		l.update(func() { l.interrupt = nil })
		var again *connect.RetryError
		switch {
		case err == nil:
			l.succeeded()
		case interrupted && !errors.As(err, new(*panicked)): // it says that it was asked to return
		case errors.As(err, &again):
			if l.pause(ctx, again) != nil {
				return keeper.check()
			}
		default:
			return err
		}
	}
	return keeper.check()
}

// over tells that nothing more is to be polled.
func (l *sourceLife) over(ctx context.Context) (over bool) {
	l.update(func() { over = ctx.Err() != nil || l.failure != nil })
	return over
}

// admitted notes what ends the Poll that is about to begin. It returns false where a pause has come first.
func (l *sourceLife) admitted(interrupt context.CancelFunc) (admitted bool) {
	l.update(func() {
		if admitted = !l.paused; admitted {
			l.interrupt = interrupt
		}
	})
	return admitted
}

// room is called under the lock.
func (l *sourceLife) room() bool {
	return l.failure != nil || !l.paused && (len(l.pending) < l.opts.window && len(l.queue) < l.opts.window)
}

// enqueue puts the records of one poll into the topic.
func (l *sourceLife) enqueue(records []connect.SourceRecord, ends []connect.TransactionEnd) error {
	batch := make([]queued, 0, len(records))
	for i := range records {
		r := &records[i]
		outcome, err := l.admit(r)
		if err != nil {
			return err
		}
		l.number++
		batch = append(batch, queued{number: l.number, record: *r, source: r.Source, outcome: outcome})
	}
	visible, finished := slices.Clone(batch), batch
	if l.opts.exact {
		visible, finished = l.transactions(batch, ends)
	}
	visible = slices.DeleteFunc(visible, func(q queued) bool { return q.record.Advances() })
	l.update(func() {
		l.polls++
		l.largest = max(l.largest, len(batch))
		if len(batch) == 0 {
			l.empty = l.polls
		}
		l.queue = append(l.queue, visible...)
		l.pending = append(l.pending, finished...)
	})
	return nil
}

// transactions adds the records of one poll to the open transaction and returns what its ends let go: to whoever reads committed data, and to the task.
func (l *sourceLife) transactions(batch []queued, ends []connect.TransactionEnd) (visible, finished []queued) {
	from := 0
	for _, end := range ends {
		l.open = append(l.open, batch[from:end.Records]...)
		from = end.Records
		for i := range l.open {
			if end.Abort {
				l.open[i].outcome = connect.Aborted
			}
		}
		if !end.Abort {
			visible = append(visible, l.open...)
		}
		finished, l.open = append(finished, l.open...), nil
	}
	l.open = append(l.open, batch[from:]...)
	return visible, finished
}

// admit checks what the runtime needs of a record, and says what becomes of it.
func (l *sourceLife) admit(r *connect.SourceRecord) (connect.Outcome, error) {
	if r.Topic == "" && !r.Advances() {
		return 0, errors.New("a record has no topic")
	}
	if p := r.Source; p != nil && l.rt.partitions.Intern(p.Attrs()...) != p {
		return 0, fmt.Errorf("the source partition %s is of an earlier task: get it from this task's SourceContext.Partition", p)
	}
	if r.Advances() {
		return connect.Filtered, nil
	}
	if err := connect.CheckValue(r.KeySchema, r.Key); err != nil {
		return 0, fmt.Errorf("a record's key: %w", err)
	}
	if err := connect.CheckValue(r.ValueSchema, r.Value); err != nil && !r.Value.IsNull() {
		return 0, fmt.Errorf("a record's value: %w", err)
	}
	switch cause := r.Rejected(); {
	case cause == nil:
		return connect.Produced, nil
	case l.config["errors.tolerance"] != "all":
		return 0, fmt.Errorf("a record was rejected, and errors.tolerance is not all: %w", cause)
	case l.config["errors.deadletterqueue.topic.name"] != "":
		return connect.DeadLettered, nil
	}
	return connect.Dropped, nil
}

// acknowledge is the goroutine beside the task's: it tells what became of records, in order, and stores their offsets, until polling has ended
// and there is no more to tell.
func (l *sourceLife) acknowledge(ctx context.Context, acker connect.Acker) {
	var done []queued
	var receipts []connect.Receipt
	for {
		l.await(0, nil, func() bool {
			done = append(done[:0], l.pending[:l.grantable()]...)
			return len(done) > 0 || !l.polling
		})
		if len(done) == 0 {
			return
		}
		receipts = l.receipts(receipts[:0], done)
		err := l.guard("Ack", func() error { return acker.Ack(ctx, receipts) })
		clear(receipts) // whoever keeps the slice shall notice
		if err != nil {
			l.fail(fmt.Errorf("acknowledging to the source: %w", err))
			return
		}
		for _, q := range done {
			if q.source != nil && !q.record.Offset.IsZero() {
				l.store.put(q.source.Attrs(), q.record.Offset)
			}
		}
		l.update(func() {
			l.pending = append([]queued(nil), l.pending[len(done):]...)
			l.granted = max(0, l.granted-len(done))
		})
	}
}

// grantable is how many of the pending records may be acknowledged. It is called under the lock.
func (l *sourceLife) grantable() int {
	switch {
	case l.killed:
		return 0
	case l.holding:
		return min(l.granted, len(l.pending))
	}
	return len(l.pending)
}

// receipts says what became of records.
func (l *sourceLife) receipts(to []connect.Receipt, done []queued) []connect.Receipt {
	for _, q := range done {
		r := connect.Receipt{Source: q.source, Offset: q.record.Offset, Tag: q.record.Tag, KafkaPartition: -1, KafkaOffset: -1, Outcome: q.outcome}
		if q.outcome == connect.Produced {
			tp := connect.TopicPartition{Topic: q.record.Topic, Partition: max(0, q.record.Partition)}
			r.Topic, r.KafkaPartition, r.KafkaOffset = tp.Topic, tp.Partition, l.next[tp]
			l.next[tp]++
		}
		to = append(to, r)
	}
	return to
}

// silent stands in for a task that does not want to know.
type silent struct{}

func (silent) Ack(context.Context, []connect.Receipt) error { return nil }
