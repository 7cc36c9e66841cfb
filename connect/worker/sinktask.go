package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// sinkTask runs one sink task. All calls into the plugin are made by its goroutine; a second one keeps the consumer group's membership,
// so that a plugin that hangs in Put does not cost the heartbeats.
type sinkTask struct {
	*taskRun
	connector connect.SinkConnector
	converter *sinkConversion
	gate      *kafkaclient.Gate
	dial      func(ctx context.Context) (*consumer, error)
	letters   *deadLetterTopic // nil for no dead letter queue, like queue
	queue     *deadLetterQueue
	metrics   *sinkMetrics
	topics    activeTopics

	consumer  *consumer
	requested chan struct{} // capacity 1: RequestCommit

	rewinds rewinds

	task      connect.SinkTask
	session   sarama.ConsumerGroupSession
	put       connect.Offsets                   // how far Put took each assigned partition
	claims    map[connect.TopicPartition]*claim // what was fetched from in this session
	committed connect.Offsets
}

// run lives as long as the task.
func (t *sinkTask) run(p phases) error {
	if err := t.openQueue(p.stop); err != nil {
		return ended(p.stop, err)
	}
	if t.queue != nil {
		defer spawn(p.kill, t.queue.run)() // the plugin may report until it is closed
	}
	defer t.metrics.ended()
	err := t.patiently(p.stop, kafkaAway, func() (err error) {
		t.consumer, err = t.dial(p.stop)
		return err
	})
	if err != nil {
		return ended(p.stop, err)
	}
	t.converter.retries.wait = func(_ context.Context, d time.Duration) bool { return t.waitToConvert(p, d) }
	t.put, t.committed, t.claims = connect.Offsets{}, connect.Offsets{}, map[connect.TopicPartition]*claim{}
	t.metrics.claims.Store(t.consumer.claims)
	if err := t.open(p.stop); err != nil {
		t.consumer.leave()
		return ended(p.stop, err)
	}
	t.running()
	t.consumer.killed = p.kill.Done()
	left := make(chan struct{})
	leave := spawn(p.kill, func(ctx context.Context) {
		defer close(left)
		if err := t.consumer.run(ctx); err != nil {
			t.fail(err)
		}
	})
	if err := t.work(p); err != nil {
		t.fail(err) // the phases that follow a stop begin
	}
	go leave()
	t.letGo(p, left)
	leave()
	t.close(p)
	return ended(p.stop, nil)
}

// openQueue makes sure that the dead letter queue can take letters before anything is consumed.
func (t *sinkTask) openQueue(stop context.Context) error {
	if t.queue == nil {
		return nil
	}
	if err := t.patiently(stop, lettersAway, func() error { return t.letters.ensure(stop) }); err != nil {
		return err
	}
	return t.patiently(stop, lettersAway, func() error { return t.queue.delivery.open(stop) })
}

func (t *sinkTask) open(stop context.Context) error {
	return t.patiently(stop, callFailed, func() error {
		return guard("Open", func() (err error) {
			t.task, err = t.connector.Open(stop, &sinkContext{taskRun: t.taskRun, task: t})
			return err
		})
	})
}

// work takes batches and rebalances until the task shall stop or something fails.
func (t *sinkTask) work(p phases) error {
	commit := time.NewTicker(t.settings.OffsetFlushInterval)
	defer commit.Stop()
	for {
		working, resumed := t.target.context(p.stop)
		batches := t.consumer.batches
		if resumed != nil { // paused: nothing is taken, membership and rebalances go on
			t.status.set(Paused)
			batches, working = nil, p.stop
		} else {
			t.running()
		}
		select {
		case f := <-batches:
			if err := t.take(p, f); err != nil {
				return err
			}
		case r := <-t.consumer.rebalances:
			if err := t.rebalance(p, r); err != nil {
				return err
			}
		case <-commit.C:
			t.commit(p)
		case <-t.requested:
			if !t.rewind(p) {
				t.commit(p)
			}
		case <-resumed:
		case <-working.Done():
			if p.stop.Err() != nil {
				return nil
			}
		}
	}
}

// take converts and puts one batch, again and again where the plugin wants that. A rebalance meanwhile drops it, and so does the end of its session:
// its records are read again by whoever gets the partition, from what was committed or rewound to.
func (t *sinkTask) take(p phases, f *fetched) error {
	if f.session.Context().Err() != nil || t.rewind(p) {
		return nil
	}
	last := f.messages[len(f.messages)-1].Offset
	have, err := t.converter.records(p.stop, f)
	if err != nil {
		if errors.Is(err, errLetGo) {
			return nil
		}
		t.storeLetters(p, have.letters) // where that fails too, the record comes again all the same
		return err
	}
	records := have.records
	t.claims[f.partition] = f.claim
	t.metrics.fetched(len(f.messages), last+1-f.claim.consumed)
	f.claim.consumed = last + 1
	t.topics.consumed(f.partition.Topic)
	pause := backoff{}
	for len(records) > 0 {
		if lost, err := t.awaitLease(p); lost || err != nil {
			return err
		}
		began := time.Now()
		err := guard("Put", func() error { return t.task.Put(p.stop, records) })
		t.metrics.putBatch(len(records), time.Since(began))
		if err == nil {
			break
		}
		if p.stop.Err() != nil && !errors.As(err, new(*panicked)) {
			return nil // it says that it was asked to return; the records come again
		}
		var partly *connect.BatchError
		if errors.As(err, &partly) {
			letters, err := t.refusedBy(records, partly)
			have.letters = append(have.letters, letters...)
			if err != nil {
				t.storeLetters(p, have.letters)
				return err
			}
			break
		}
		var again *connect.RetryError
		if !errors.As(err, &again) {
			return fmt.Errorf("exiting sink task due to unrecoverable exception: %w", err)
		}
		lost, err := t.waitToPut(p, again, &pause)
		if lost && p.stop.Err() == nil {
			t.answered()
		}
		if lost || err != nil {
			return err
		}
	}
	t.answered()
	t.metrics.taken(len(records))
	if t.storeLetters(p, have.letters) {
		t.put[f.partition] = last + 1
		f.claim.position.Store(last + 1)
	}
	return nil
}

// storeLetters waits until the dead letters of a batch are in the queue; only then may its offsets move. It reports false when the partition was lost
// meanwhile, or when they are not safe by the time a stop has to finish: then the batch comes again.
func (t *sinkTask) storeLetters(p phases, letters []deadLetter) bool {
	if len(letters) == 0 {
		return true
	}
	parcel := t.queue.pack(letters)
	out := t.queue.outgoing
	for {
		select {
		case out <- parcel.slab:
			out = nil
		case <-parcel.safe:
			return true
		case r := <-t.consumer.rebalances:
			if err := t.rebalance(p, r); err != nil {
				t.fail(err)
			}
			if !r.assigned {
				t.queue.abandon(parcel)
				return false
			}
		case <-t.queue.delivery.ended:
			t.queue.abandon(parcel)
			return false
		case <-p.finish.Done():
			t.queue.abandon(parcel)
			return false
		}
	}
}

// refusedBy judges single records that the plugin refused, and returns their dead letters, also beside an error.
func (t *sinkTask) refusedBy(records []connect.SinkRecord, partly *connect.BatchError) (letters []deadLetter, err error) {
	for i := range records {
		cause, refused := partly.Failed[i]
		if !refused {
			continue
		}
		letter, err := t.converter.report(&records[i], cause)
		if letter != nil {
			letters = append(letters, *letter)
		}
		if err != nil {
			return letters, err
		}
	}
	return letters, nil
}

// rebalance answers the group.
func (t *sinkTask) rebalance(p phases, r *rebalance) error {
	err := t.reassign(p, r)
	r.done(err)
	return err
}

func (t *sinkTask) reassign(p phases, r *rebalance) error {
	assigner, _ := t.task.(connect.Assigner)
	if r.assigned {
		t.session = r.session
		clear(t.put)
		clear(t.committed)
		clear(t.claims)
		t.metrics.assigned(len(r.partitions))
		if assigner != nil {
			if err := guard("Assigned", func() error { return assigner.Assigned(p.leave, r.partitions) }); err != nil {
				return err
			}
		}
		t.seek() // before anything is fetched
		return nil
	}
	if !t.rewind(p) {
		if err := t.drain(p); err != nil {
			return err
		}
		t.commit(p)
	}
	t.session = nil
	clear(t.put)
	t.metrics.assigned(0)
	if assigner == nil {
		return nil
	}
	return guard("Revoked", func() error { return assigner.Revoked(p.close, r.partitions) })
}

// drain lets the plugin finish what it has in flight. The group waits for the rest of its rebalance timeout, in which offsets are to be stored.
func (t *sinkTask) drain(p phases) error {
	drainer, ok := t.task.(connect.Drainer)
	if !ok || len(t.put) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.drain, t.consumer.client.Config().Consumer.Group.Rebalance.Timeout/2)
	defer cancel()
	return guard("Drain", func() error {
		drainer.Drain(ctx)
		return nil
	})
}

// commit stores how far the system has the records. A failure costs a repetition, never the task (WorkerSinkTask.commitOffsets).
func (t *sinkTask) commit(p phases) {
	if t.session == nil || len(t.put) == 0 {
		return
	}
	safe := t.put
	if pre, ok := t.task.(connect.PreCommitter); ok {
		ctx, cancel := context.WithTimeout(p.leave, t.settings.OffsetFlushTimeout)
		defer cancel()
		err := guard("PreCommit", func() (err error) {
			safe, err = pre.PreCommit(ctx, maps.Clone(t.put))
			return err
		})
		if err != nil {
			t.log.Warn("offset commit failed, reading again from the last committed offsets", "error", err)
			clear(t.put)
			t.metrics.commitFailed()
			t.consumer.reread()
			return
		}
	}
	moved := int64(0)
	for tp, offset := range safe {
		if put, assigned := t.put[tp]; assigned && offset <= put && offset > t.committed[tp] {
			t.session.MarkOffset(tp.Topic, tp.Partition, offset, "")
			t.committed[tp] = offset
			if c := t.claims[tp]; c != nil {
				moved += offset - c.committed
				c.committed = offset
			}
		}
	}
	began := time.Now()
	t.store(p)
	t.metrics.committed(moved)
	t.metrics.commit(began, t.consumer.lastComplaint)
}

// store sends Kafka the offsets that it has not acknowledged yet, an earlier failure's among them. A Kafka that does not answer is
// given up after half of the graceful time: its client takes a while to notice.
func (t *sinkTask) store(p phases) {
	if p.finish.Err() != nil {
		return
	}
	defer context.AfterFunc(p.finish, t.consumer.cut)()
	t.session.Commit()
}

// rewind does what the plugin asked for through Rewind: the group's session starts over from there. It reports whether there was anything, and what
// is in hand then must be dropped.
func (t *sinkTask) rewind(p phases) bool {
	if !t.seek() {
		return false
	}
	t.store(p)
	clear(t.put)
	t.consumer.reread()
	return true
}

// seek moves the session's offsets to where the plugin wants to go on. What it asked for while there is no session waits for the next one.
func (t *sinkTask) seek() bool {
	if t.session == nil {
		return false
	}
	wanted := t.rewinds.take()
	for tp, offset := range wanted { // Mark moves forward only, Reset backward only
		t.session.MarkOffset(tp.Topic, tp.Partition, offset, "")
		t.session.ResetOffset(tp.Topic, tp.Partition, offset, "")
	}
	return len(wanted) > 0
}

// letGo answers the last rebalance while the membership ends. A Kafka that does not answer is given up after half of the graceful time, because its
// client takes a while to notice: the other half is for the plugin's Close.
func (t *sinkTask) letGo(p phases, left <-chan struct{}) {
	late := p.leave.Done()
	for {
		select {
		case <-late:
			t.consumer.cut()
			late = nil
		case r := <-t.consumer.rebalances:
			if err := t.rebalance(p, r); err != nil {
				t.log.Warn("closing partitions failed", "error", err)
			}
		case <-left:
			return
		}
	}
}

func (t *sinkTask) close(p phases) {
	if err := guard("Close", func() error { return t.task.Close(p.close) }); err != nil {
		t.log.Warn("closing the task failed", "error", err)
	}
}
