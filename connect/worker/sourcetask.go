package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// Bounds of what a source task holds between Poll and Kafka's acknowledgement. They are small on purpose: back-pressure reaches the
// source after a fraction of a second of Kafka's silence, and a gateway has hundreds of MiB, not GiB.
const (
	batchRecords  = 1024
	batchBytes    = 1 << 20
	windowRecords = 8192
	windowBytes   = 8 << 20
)

// sourceTask runs one source task: its goroutine polls, transforms, converts and sends; a second one takes acknowledgements; a third stores
// offsets. All three end before run returns.
type sourceTask struct {
	*taskRun
	connector connect.SourceConnector
	converter *sourceConversion
	offsets   *offsetWriter // nil for an exactly-once task, whose transactions hold them
	// fence keeps the tasks of earlier generations from writing; nil for a task that is not exactly-once.
	fence func(ctx context.Context) error
	// openOffsets opens the store that offsets needs.
	openOffsets func(ctx context.Context) (stores.OffsetStore, func(context.Context) error, error)
	tracker     *tracker
	delivery    *delivery
	creation    *topicCreation   // nil where topics are left to the broker
	letters     *deadLetterTopic // nil for no dead letter queue
	metrics     *sourceMetrics
	topics      activeTopics // of the delivery's goroutine
}

// run lives as long as the task.
func (t *sourceTask) run(p phases) error {
	defer t.metrics.ended()
	if err := t.connectKafka(p.stop); err != nil {
		return ended(p.stop, err)
	}
	endDelivery := spawn(p.kill, func(ctx context.Context) { t.delivery.run(ctx, p.finish) })
	defer endDelivery()
	defer spawn(p.kill, t.watchStalls)()
	store, closeOffsets, err := t.connectOffsets(p)
	if err != nil {
		return ended(p.stop, err)
	}
	defer closeOffsets()
	task, err := t.open(p.stop, store)
	if err != nil {
		return ended(p.stop, err)
	}
	if acker, ok := task.(connect.Acker); ok {
		t.acker.Store(&acker)
	}
	t.running()
	endStoring := t.storeOffsets(p, store)
	if err = guard("the task", func() error { return t.pollUntil(p, task) }); err != nil {
		t.fail(err) // the phases that follow a stop begin
	}
	t.finish(p, err == nil)
	endDelivery() // nothing is acknowledged after Close
	endStoring()
	t.close(p, task)
	return ended(p.stop, nil)
}

// storeOffsets begins to store offsets from time to time. What it returns ends that, with a last time.
func (t *sourceTask) storeOffsets(p phases, store stores.OffsetStore) (end func()) {
	if x := t.delivery.transaction; x != nil {
		x.store = store
		if x.boundary != boundaryInterval {
			return func() {}
		}
		return spawn(p.kill, func(ctx context.Context) { t.delivery.commitRegularly(ctx, p.finish) })
	}
	t.offsets.store = store
	stop := spawn(p.kill, func(ctx context.Context) { t.offsets.run(ctx, p.leave) })
	return func() {
		stop()
		t.offsets.flush(p.leave)
	}
}

// finish waits for what is in flight.
func (t *sourceTask) finish(p phases, well bool) {
	if t.delivery.transaction != nil {
		t.delivery.finish(p.finish, well)
		return
	}
	t.awaitAcknowledgements(p.finish)
}

// spawn runs f on a goroutine and returns what ends it and waits for it. That may be called more than once.
func spawn(parent context.Context, f func(ctx context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(parent)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// connectKafka opens the producer, for as long as it takes: Kafka out of reach is a reason to wait, a refused login is not.
func (t *sourceTask) connectKafka(stop context.Context) error {
	if t.letters != nil {
		if err := t.patiently(stop, kafkaAway, func() error { return t.letters.ensure(stop) }); err != nil {
			return err
		}
	}
	if t.fence != nil {
		if err := t.patiently(stop, kafkaAway, func() error { return t.fence(stop) }); err != nil {
			return err
		}
	}
	return t.patiently(stop, kafkaAway, func() error { return t.delivery.open(stop) })
}

// connectOffsets opens the offset store, for as long as that takes.
func (t *sourceTask) connectOffsets(p phases) (store stores.OffsetStore, disconnect func(), err error) {
	store, end, err := t.openOffsets(p.stop)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the store of offsets: %w", err)
	}
	return store, func() {
		if err := end(p.close); err != nil {
			t.log.Warn("closing the store of offsets failed", "error", err)
		}
	}, nil
}

// open starts the plugin's task; it repeats what the plugin wants repeated.
func (t *sourceTask) open(stop context.Context, store stores.OffsetStore) (task connect.SourceTask, err error) {
	rt := &sourceContext{taskRun: t.taskRun, store: store, transactional: t.delivery.transaction != nil}
	err = t.patiently(stop, callFailed, func() error {
		return guard("Open", func() (err error) {
			task, err = t.connector.Open(stop, rt)
			return err
		})
	})
	return task, err
}

// pollUntil polls until stop ends or something fails.
func (t *sourceTask) pollUntil(p phases, task connect.SourceTask) error {
	batch := connect.NewBatch(batchRecords, batchBytes)
	pause := backoff{}
	for p.stop.Err() == nil {
		polling, waited, err := t.unpaused(p.stop)
		if err != nil {
			return nil
		}
		if waited {
			t.running()
		}
		if !t.awaitRoom(polling) {
			continue
		}
		batch.Reset()
		began := time.Now()
		err = guard("Poll", func() error { return task.Poll(polling, batch) })
		if n := batch.Len(); n > 0 || len(batch.TransactionEnds()) > 0 {
			t.metrics.polled(n, time.Since(began))
			pause.reset()
			if err := t.send(p, batch); err != nil {
				if errors.Is(err, errLetGo) {
					return nil
				}
				return err
			}
		}
		if err := t.polled(polling, err, &pause); err != nil {
			return err
		}
	}
	return nil
}

// polled judges how Poll ended; it waits where Poll wants to be called again later.
func (t *sourceTask) polled(polling context.Context, err error, pause *backoff) error {
	var again *connect.RetryError
	switch {
	case err == nil:
		pause.reset()
		t.answered()
	case errors.As(err, new(*panicked)):
		return err
	case polling.Err() != nil: // it says that it was asked to return
	case errors.As(err, &again):
		t.wait(polling, callFailed, again, pause)
	default:
		return err
	}
	return nil
}

// send converts a batch into a slab and hands it over: up to the first record that ends the task, like Java, so that those before it do not have to
// wait until somebody has seen to that one, or up to the one that a stop found being retried.
func (t *sourceTask) send(p phases, batch *connect.Batch) error {
	ends := batch.TransactionEnds()
	if x := t.delivery.transaction; x == nil || x.boundary != boundaryConnector {
		ends = nil
	}
	if len(ends) > 0 && ends[0].Records == 0 {
		if err := t.delivery.endOpen(p.finish, endingOf(ends[0])); err != nil {
			return err
		}
	}
	records := batch.Records()
	if len(records) == 0 {
		return nil
	}
	s := t.tracker.take(len(records))
	s.stamp = records[0].Timestamp
	bad := t.converter.fill(p.stop, s, records)
	if t.creation != nil {
		if err := t.creation.prepare(p.stop, s); err != nil {
			bad = err // of a record before the one that fill found
		}
	}
	s.endTransactions(ends)
	if x := t.delivery.transaction; x != nil && x.boundary == boundaryPoll && bad == nil {
		s.slots[len(s.slots)-1].ends = commits
	}
	if err := t.delivery.send(p.finish, s); err != nil {
		return err
	}
	return bad
}

// awaitRoom waits until the window takes another batch. It returns false when ctx ends first.
func (t *sourceTask) awaitRoom(ctx context.Context) bool {
	for t.tracker.full() {
		select {
		case <-t.tracker.room:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// awaitAcknowledgements waits for what is in flight. What Kafka does not acknowledge within offset.flush.timeout.ms, or before the task must
// finish, comes again after the restart.
func (t *sourceTask) awaitAcknowledgements(finish context.Context) {
	ctx, cancel := context.WithTimeout(finish, t.settings.OffsetFlushTimeout)
	defer cancel()
	for !t.tracker.idle() {
		select {
		case <-t.tracker.room:
		case <-t.delivery.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (t *sourceTask) close(p phases, task connect.SourceTask) {
	if err := guard("Close", func() error { return task.Close(p.close) }); err != nil {
		t.log.Warn("closing the task failed", "error", err)
	}
}

const (
	// stallAfter is how long Kafka may take for an acknowledgement before the status says so, also when it has just come back.
	stallAfter = 5 * time.Second
	// wellAfter is how long after the last complaint of Kafka an acknowledgement takes it back: while a producer tries in vain it complains
	// more often than that.
	wellAfter = 3 * time.Second
)

// errStalled says that records wait, and nobody has said for what.
var errStalled = errors.New("no acknowledgement: check bootstrap.servers, the brokers' health and the topic")

// watchStalls tells, through the status, that Kafka has stopped answering, where the producer itself has not said why; and that it answers
// again, for the producer never takes back that it puts a batch off.
func (t *sourceTask) watchStalls(ctx context.Context) {
	for sleep(ctx, time.Second) {
		now := time.Now()
		troubled := t.troubled.Load()
		quiet := t.quiet(now)
		stalled, waiting := t.delivery.stalled(now)
		switch {
		case waiting && stalled >= stallAfter && quiet >= stallAfter:
			t.kafkaTrouble(t.delivery.explain(errStalled), time.Time{})
		case troubled != 0 && stalled < stallAfter && quiet >= wellAfter && t.delivery.answered.Load() > troubled:
			t.kafkaTrouble(nil, time.Time{})
		}
	}
}

// acknowledged is the delivery's way to the plugin and to the metrics.
func (t *sourceTask) acknowledged(ctx context.Context, done []connect.Receipt) error {
	t.metrics.acknowledged(done)
	t.topics.produced(done)
	acker := t.acker.Load()
	if acker == nil {
		return nil
	}
	if err := guard("Ack", func() error { return (*acker).Ack(ctx, done) }); err != nil {
		return fmt.Errorf("acknowledging to the source: %w", err)
	}
	return nil
}
