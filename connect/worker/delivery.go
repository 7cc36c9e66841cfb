package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// delivery carries slots to Kafka and their fate back. It survives its producer: when sarama gives up on a record for a reason that is
// not the record's own (a fenced or confused idempotent producer, a broker that answers nonsense), the producer is replaced and
// everything not acknowledged is sent again, in order. Only a record that Kafka refuses for what it is can fail or be dropped.
//
// The task's goroutine calls send; run is a goroutine of its own that also calls ack.
type delivery struct {
	tracker *tracker
	dial    func(ctx context.Context) (*producerSession, error)
	// ack passes receipts on to the task; nil where it does not want them.
	ack func(ctx context.Context, done []connect.Receipt) error
	// explain puts an error of Kafka's into words for users.
	explain func(error) error
	// refused decides about a record that Kafka does not want: nil for a tolerated one, whose receipt says Dropped.
	refused func(s *slot, cause error) error
	// waiting reports that Kafka cannot be reached; nil takes it back.
	waiting func(cause error, next time.Time)

	token   chan struct{} // capacity 1: held by whoever sends or replaces the producer
	current *producerSession
	nudged  chan struct{} // capacity 1: something was settled without Kafka
}

// producerSession is one producer's life.
type producerSession struct {
	producer *kafkaclient.Producer
	failed   chan struct{} // closed when the session must be replaced
}

const (
	reapCount     = 1024            // acknowledgements taken from sarama between two locks
	closeTimeout  = 2 * time.Second // for a producer to say what became of its last records
	redialBackoff = time.Second
)

func newDelivery(t *tracker) *delivery {
	return &delivery{tracker: t, token: make(chan struct{}, 1), nudged: make(chan struct{}, 1)}
}

// open dials the first producer. It must be called before run and send.
func (d *delivery) open(ctx context.Context) error {
	s, err := d.dial(ctx)
	if err != nil {
		return err
	}
	d.current = s
	return nil
}

// send submits a slab and hands it to the producer. It blocks while the producer's channels are full, which is Kafka's back-pressure,
// and returns an error only when ctx ends: what was not handed over then is not acknowledged either.
func (d *delivery) send(ctx context.Context, s *slab) error {
	select {
	case d.token <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.token }()
	// Submitted under the token: a replacement that follows finds the whole slab among the unsettled and sends it again.
	if d.tracker.submit(s, time.Now()) {
		select {
		case d.nudged <- struct{}{}:
		default:
		}
	}
	for i := range s.slots {
		if sl := &s.slots[i]; !sl.settled {
			if !d.current.send(ctx, sl.msg) {
				return ctx.Err()
			}
		}
	}
	return nil
}

// send reports whether the message was handed over: not when ctx ended or the session failed.
func (s *producerSession) send(ctx context.Context, m *sarama.ProducerMessage) bool {
	select {
	case s.producer.Input() <- m:
		return true
	default:
	}
	select {
	case s.producer.Input() <- m:
		return true
	case <-s.failed:
		return false
	case <-ctx.Done():
		return false
	}
}

// run reaps the producer until ctx ends or something is past mending, and closes the last producer.
func (d *delivery) run(ctx context.Context) error {
	var (
		finished = make([]*slot, 0, reapCount)
		done     = make([]connect.Receipt, 0, reapCount)
	)
	for {
		s := d.current
		var lost error
		select {
		case m, ok := <-s.producer.Successes():
			if ok {
				finished = reap(s.producer, append(finished, produced(m)))
			}
		case e, ok := <-s.producer.Errors():
			if ok {
				finished, lost = d.failedRecord(s.producer, e, finished)
			}
		case <-s.producer.Lost():
			lost = errors.New("one batch met passing errors again and again")
		case <-d.nudged:
		case <-ctx.Done():
			d.close(s, finished)
			return nil
		}
		if fatal, ok := lost.(*refusal); ok {
			d.close(s, finished)
			return fatal.cause
		}
		if err := d.settle(ctx, finished, done); err != nil {
			d.close(s, nil)
			return err
		}
		finished = finished[:0]
		if lost != nil {
			if err := d.replace(ctx, s, lost); err != nil {
				return err
			}
		}
	}
}

func (d *delivery) settle(ctx context.Context, finished []*slot, done []connect.Receipt) error {
	done = d.tracker.settle(finished, done[:0], time.Now())
	if len(done) == 0 || d.ack == nil {
		return nil
	}
	return d.ack(ctx, done)
}

// reap takes what else is there without waiting.
func reap(p *kafkaclient.Producer, finished []*slot) []*slot {
	for len(finished) < reapCount {
		select {
		case m, ok := <-p.Successes():
			if !ok {
				return finished
			}
			finished = append(finished, produced(m))
		default:
			return finished
		}
	}
	return finished
}

func produced(m *sarama.ProducerMessage) *slot {
	s := m.Metadata.(*slot)
	s.receipt.KafkaPartition, s.receipt.KafkaOffset = m.Partition, m.Offset
	return s
}

// refusal wraps an error that ends the task, to tell it from one that only costs the producer.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }

// failedRecord decides what a record's error means: tolerated (the slot joins the finished), the end of the task, or of the producer.
func (d *delivery) failedRecord(p *kafkaclient.Producer, e *sarama.ProducerError, finished []*slot) ([]*slot, error) {
	s, cause := e.Msg.Metadata.(*slot), p.Cause(e)
	switch kafkaclient.Classify(cause) {
	case kafkaclient.RecordRefused:
	case kafkaclient.Denied:
		return finished, &refusal{d.explain(cause)}
	default:
		return finished, fmt.Errorf("producing to topic %s: %w", e.Msg.Topic, cause)
	}
	if err := d.refused(s, d.explain(cause)); err != nil {
		return finished, &refusal{fmt.Errorf("unrecoverable exception from producer send callback: %w", err)}
	}
	s.receipt.Outcome, s.receipt.Topic = connect.Dropped, ""
	return append(finished, s), nil
}

// replace ends a lost producer, dials another, and sends again what was not acknowledged. Meanwhile send blocks: it needs the token,
// which goes back when the last of the old records is handed over.
func (d *delivery) replace(ctx context.Context, old *producerSession, cause error) error {
	close(old.failed)
	select {
	case d.token <- struct{}{}:
	case <-ctx.Done():
		d.close(old, nil)
		return nil
	}
	d.close(old, nil)
	next, err := d.redial(ctx, cause)
	if err != nil {
		return err
	}
	if next == nil {
		return nil
	}
	d.current = next
	again := d.tracker.unsettled()
	go func() {
		defer func() { <-d.token }()
		for _, s := range again {
			s.arm()
			if !next.send(ctx, s.msg) {
				return
			}
		}
	}()
	return nil
}

// redial tries until it has a producer, ctx ends (nil, nil), or the reason cannot heal.
func (d *delivery) redial(ctx context.Context, cause error) (*producerSession, error) {
	for {
		d.waiting(cause, time.Now().Add(redialBackoff))
		timer := time.NewTimer(redialBackoff)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, nil
		}
		s, err := d.dial(ctx)
		if err == nil {
			d.waiting(nil, time.Time{})
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		cause = err
	}
}

// close ends a producer and settles what it still reports, so that the last acknowledgements are not lost. One with records under way is cut off
// from Kafka first: sarama gives up batches that are being retried when it closes, and lets later ones overtake them. The receipts of records
// that come back are not passed on: the task is ending, or they follow with the next settle.
func (d *delivery) close(s *producerSession, finished []*slot) {
	d.markOnly(finished)
	finished = nil
	if _, waiting := d.tracker.stalled(time.Now()); waiting > 0 {
		s.producer.Abort()
	}
	s.producer.AsyncClose()
	cut := time.AfterFunc(closeTimeout, s.producer.Abort)
	defer cut.Stop()
	successes, errs := s.producer.Successes(), s.producer.Errors()
	for successes != nil || errs != nil {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			finished = append(finished, produced(m))
		case _, ok := <-errs:
			if !ok {
				errs = nil
			}
		}
	}
	s.producer.Abort()
	d.markOnly(finished)
}

// markOnly marks slots as settled without letting receipts out.
func (d *delivery) markOnly(finished []*slot) {
	d.tracker.mark(finished)
	select {
	case d.nudged <- struct{}{}:
	default:
	}
}
