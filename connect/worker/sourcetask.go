package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect"
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
	offsets   *offsetWriter
	tracker   *tracker
	delivery  *delivery
	metrics   *sourceMetrics
}

// run lives as long as the task. stop ends polling and lets the rest finish; kill ends everything.
func (t *sourceTask) run(stop, kill context.Context) (err error) {
	if err := t.connectKafka(stop); err != nil {
		return ended(stop, err)
	}
	endDelivery := spawn(kill, func(ctx context.Context) {
		if err := t.delivery.run(ctx); err != nil {
			t.fail(err)
		}
	})
	defer endDelivery()
	defer spawn(kill, t.watchStalls)()
	task, err := t.open(stop)
	if err != nil {
		return ended(stop, err)
	}
	if acker, ok := task.(connect.Acker); ok {
		t.acker.Store(&acker)
	}
	t.running()
	endStoring := spawn(kill, t.offsets.run)
	err = t.pollUntil(stop, kill, task)
	t.awaitAcknowledgements(kill)
	endStoring()
	t.offsets.flush(kill)
	t.close(kill, task)
	t.converter.transforms.close()
	return ended(stop, err)
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
	return t.patiently(stop, kafkaAway, func() error { return t.delivery.open(stop) })
}

// open starts the plugin's task; it repeats what the plugin wants repeated.
func (t *sourceTask) open(stop context.Context) (task connect.SourceTask, err error) {
	rt := &sourceContext{taskRun: t.taskRun, store: t.offsets.store}
	err = t.patiently(stop, systemAway, func() error {
		return guard("Open", func() (err error) {
			task, err = t.connector.Open(stop, rt)
			return err
		})
	})
	return task, err
}

// pollUntil polls until stop ends or something fails.
func (t *sourceTask) pollUntil(stop, kill context.Context, task connect.SourceTask) error {
	batch := connect.NewBatch(batchRecords, batchBytes)
	pause := backoff{}
	for stop.Err() == nil {
		polling, waited, err := t.unpaused(stop)
		if err != nil {
			return err
		}
		if waited {
			t.running()
		}
		if err := t.awaitRoom(stop); err != nil {
			return err
		}
		batch.Reset()
		began := time.Now()
		err = guard("Poll", func() error { return task.Poll(polling, batch) })
		if n := batch.Len(); n > 0 {
			t.metrics.polled(n, time.Since(began))
			pause.reset()
			if err := t.send(kill, batch.Records()); err != nil {
				return err
			}
		}
		if err != nil && polling.Err() == nil {
			var again *connect.RetryError
			if !errors.As(err, &again) {
				return err
			}
			if err := t.wait(stop, systemAway, again, &pause); err != nil {
				return err
			}
		}
	}
	return nil
}

// send converts a batch into a slab and hands it over.
func (t *sourceTask) send(kill context.Context, records []connect.SourceRecord) error {
	s := t.tracker.take(len(records))
	if err := t.converter.fill(s, records); err != nil {
		return err
	}
	return t.delivery.send(kill, s)
}

// awaitRoom waits until the window takes another batch.
func (t *sourceTask) awaitRoom(stop context.Context) error {
	for t.tracker.full() {
		select {
		case <-t.tracker.room:
		case <-stop.Done():
			return stop.Err()
		}
	}
	return nil
}

// awaitAcknowledgements waits for what is in flight. What Kafka does not acknowledge within offset.flush.timeout.ms comes again after the
// restart.
func (t *sourceTask) awaitAcknowledgements(kill context.Context) {
	ctx, cancel := context.WithTimeout(kill, t.settings.OffsetFlushTimeout)
	defer cancel()
	for {
		if _, waiting := t.tracker.stalled(time.Now()); waiting == 0 {
			return
		}
		select {
		case <-t.tracker.room:
		case <-ctx.Done():
			return
		}
	}
}

func (t *sourceTask) close(kill context.Context, task connect.SourceTask) {
	ctx, cancel := context.WithTimeout(kill, t.settings.GracefulShutdown)
	defer cancel()
	if err := guard("Close", func() error { return task.Close(ctx) }); err != nil {
		t.log.Warn("closing the task failed", "error", err)
	}
}

// stallAfter is how long Kafka may take for an acknowledgement before the status says so.
const stallAfter = 5 * time.Second

// watchStalls tells, through the status, that Kafka has stopped answering: sarama retries without a word.
func (t *sourceTask) watchStalls(ctx context.Context) {
	said := false
	for sleep(ctx, time.Second) {
		now := time.Now()
		stalled, waiting := t.tracker.stalled(now)
		switch {
		case stalled >= stallAfter && !said:
			said = true
			t.kafkaTrouble(errors.New("no acknowledgement from Kafka: check bootstrap.servers, the brokers' health and the topic"), time.Time{})
			t.log.Warn("Kafka does not acknowledge", "waiting", waiting, "for", stalled.String())
		case said && stalled < stallAfter:
			said = false
			t.kafkaTrouble(nil, time.Time{})
		}
	}
}

// acknowledged is the delivery's way to the plugin and to the metrics.
func (t *sourceTask) acknowledged(ctx context.Context, done []connect.Receipt) error {
	t.metrics.acknowledged(done)
	acker := t.acker.Load()
	if acker == nil {
		return nil
	}
	if err := guard("Ack", func() error { return (*acker).Ack(ctx, done) }); err != nil {
		return fmt.Errorf("acknowledging to the source: %w", err)
	}
	return nil
}
