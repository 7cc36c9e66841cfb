package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// delivery carries slots to Kafka and their fate back. It survives its producer: when sarama gives up on a record for a reason that is
// not the record's own (a fenced or confused idempotent producer, a broker that answers nonsense), the producer is replaced and
// everything not acknowledged is sent again, in order. Only a record that Kafka refuses for what it is can fail or be dropped.
//
// Kafka refuses batches, not records. So a refused record is only a suspect: the producer is cut off before anything can overtake the batch,
// and its records are sent again one by one.
//
// The task's goroutine calls send; run is a goroutine of its own that also calls ack.
type delivery struct {
	tracker *tracker
	log     *slog.Logger
	dial    func(ctx context.Context) (*producerSession, error)
	// ack passes receipts on to the task.
	ack func(ctx context.Context, done []connect.Receipt) error
	// fail is told why the delivery ends by itself.
	fail func(error)
	// explain puts an error of Kafka's into words for users.
	explain func(error) error
	// refused decides about a record that Kafka does not want: nil for a tolerated one, whose slot is a dead letter to be sent then, or else whose
	// receipt says Dropped.
	refused func(s *slot, cause error) error
	// tolerant says that refused will tolerate what [slot.spared] says may be.
	tolerant bool
	// transaction makes the delivery exactly-once; nil for one that delivers at least once.
	transaction *transaction
	// waiting reports that Kafka cannot be reached; nil takes it back.
	waiting func(cause error, next time.Time)

	token    chan struct{}    // capacity 1: held by whoever sends or replaces the producer
	sealed   bool             // guarded by the token: nothing more is taken
	bad      *refusal         // run's own: the record that ends the task when those polled before it are delivered
	letters  []*slot          // run's own: dead letters of records that Kafka refused, not handed to the producer yet
	current  *producerSession // guarded by the token, but for run's own reading; nil once the delivery has ended
	nudged   chan struct{}    // capacity 1: something was settled without Kafka
	ended    chan struct{}    // closed at run's end
	answered atomic.Int64     // when Kafka last acknowledged something, in Unix nanoseconds
}

const (
	reapCount     = 1024            // acknowledgements taken from sarama between two locks
	closeTimeout  = 2 * time.Second // for a producer to say what became of its last records
	redialBackoff = time.Second
)

var (
	errDeliveryEnded = errors.New("the delivery to Kafka has ended")
	errSuspects      = errors.New("a batch was refused by Kafka")
	errDropped       = errors.New("a transaction is made again without a record that Kafka refused, or with its dead letter in place")
)

func newDelivery(t *tracker, log *slog.Logger) *delivery {
	return &delivery{
		tracker: t, log: log, token: make(chan struct{}, 1), nudged: make(chan struct{}, 1), ended: make(chan struct{}),
	}
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
// and returns an error only when ctx or the delivery has ended: what was not handed over then is not acknowledged either.
func (d *delivery) send(ctx context.Context, s *slab) error {
	if err := d.seize(ctx); err != nil {
		return err
	}
	// Submitted under the token: a replacement that follows finds the whole slab among the unsettled and sends it again.
	if d.tracker.submit(s, time.Now()) {
		d.nudge()
	}
	if d.transaction != nil {
		go d.transact(ctx, s) // the next batch is polled while this one is committed
		return nil
	}
	defer d.release()
	defer d.tracker.letGo(s)
	for i := range s.slots {
		if sl := &s.slots[i]; !sl.skipped && !d.current.send(ctx, sl.msg) {
			return ctx.Err()
		}
	}
	return nil
}

// seize takes the token of a delivery that takes something still.
func (d *delivery) seize(ctx context.Context) error {
	select {
	case d.token <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.current == nil || d.sealed {
		d.release()
		return errDeliveryEnded
	}
	return nil
}

func (d *delivery) release() { <-d.token }

func (d *delivery) nudge() {
	select {
	case d.nudged <- struct{}{}:
	default:
	}
}

// run reaps the producer until ctx ends or something is past mending, and closes the last producer. acks is for the task's Ack.
func (d *delivery) run(ctx, acks context.Context) {
	defer close(d.ended)
	d.current.cutWith(ctx)
	if err := d.deliver(ctx, acks); err != nil {
		d.fail(err)
	}
	d.retire()
}

func (d *delivery) deliver(ctx, acks context.Context) error {
	var ( // they grow with the traffic and are kept: most tasks of a worker with hundreds have little
		finished []*slot
		done     []connect.Receipt
	)
	for s := d.current; s != nil; s = d.current {
		var lost error
		input, letter := d.nextLetter(s)
		select {
		case input <- letter: // among the rest: run must not wait for the producer, which waits for it
			d.letters = d.letters[1:]
		case m, ok := <-s.producer.Successes():
			if ok {
				finished = reap(s.producer, append(finished, produced(m)))
				d.answered.Store(time.Now().UnixNano())
			}
		case e, ok := <-s.producer.Errors():
			if ok {
				finished, lost = d.failedRecord(s.producer, e, finished)
			}
		case lost = <-s.broken:
			if _, ends := lost.(*refusal); !ends && fenced(s.producer, lost) {
				lost = d.transaction.fenced(lost)
			}
		case <-s.producer.Lost():
			lost = errors.New("one batch met passing errors again and again")
		case <-d.nudged:
		case <-ctx.Done():
			return nil
		}
		r, refused := lost.(*refusal)
		if lost != nil && !(refused && r.slot == nil) {
			s.producer.Abort() // at once: sarama would go on with what comes after the failed batch
		}
		if len(finished) > 0 {
			s.answer(len(finished))
		}
		if d.transaction != nil {
			finished = finished[:0] // they have finished when they are committed
		}
		var err error
		if done, err = d.settle(acks, finished, done); err != nil {
			return err
		}
		finished = finished[:0]
		if refused {
			if r.slot == nil {
				return r.cause
			}
			d.condemn(r)
		}
		if d.bad != nil && len(d.tracker.unsettled(d.bad.slot)) == 0 {
			return d.bad.cause
		}
		if lost == nil {
			continue
		}
		if err := d.replace(ctx, acks, s, lost); err != nil {
			return err
		}
	}
	return nil
}

// nextLetter is what run has to hand to the producer; a nil channel for nothing.
func (d *delivery) nextLetter(s *producerSession) (chan<- *sarama.ProducerMessage, *sarama.ProducerMessage) {
	if len(d.letters) == 0 {
		return nil, nil
	}
	return s.producer.Input(), d.letters[0].msg
}

// settle marks what has finished and passes on what is acknowledged in order now. It returns done for the next use.
func (d *delivery) settle(acks context.Context, finished []*slot, done []connect.Receipt) ([]connect.Receipt, error) {
	done = d.tracker.settle(finished, done[:0], time.Now())
	if len(done) == 0 {
		return done, nil
	}
	err := d.ack(acks, done)
	d.tracker.told(len(done))
	return done, err
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
	if !s.letter {
		s.receipt.KafkaPartition, s.receipt.KafkaOffset = m.Partition, m.Offset
	}
	return s
}

// refusal wraps an error that ends the task, to tell it from one that only costs the producer.
type refusal struct {
	cause error
	slot  *slot // the record that was refused; nil where the task may not write at all
}

func (r *refusal) Error() string { return r.cause.Error() }

// condemn notes the record that ends the task, which polls no more. Those polled before it are sent again by the next producer, those after it
// are not: whoever starts the task anew, or another worker, finds it at this record.
func (d *delivery) condemn(r *refusal) {
	d.bad = r
	d.fail(r.cause)
}

// fatal reports whether nothing that follows a failed record may be written: it has to be sent again first, or ends the task. A goroutine of the
// producer's asks it before failedRecord learns of the record.
func (d *delivery) fatal(m *sarama.ProducerMessage, cause error) bool {
	if d.transaction != nil {
		return false // it is written for nothing: the transaction will not be committed
	}
	s := m.Metadata.(*slot)
	return kafkaclient.Classify(cause) != kafkaclient.RecordRefused || !d.tolerant || !s.spared(cause) || ofBatch(cause) && !s.suspect
}

// failedRecord decides what a record's error means: tolerated (the slot joins the finished, or the dead letters to be sent), the end of the task, or of
// the producer.
func (d *delivery) failedRecord(p *kafkaclient.Producer, e *sarama.ProducerError, finished []*slot) ([]*slot, error) {
	s, cause := e.Msg.Metadata.(*slot), p.Cause(e)
	switch class := kafkaclient.Classify(cause); {
	case d.transaction != nil && fenced(p, cause):
		return finished, d.transaction.fenced(cause)
	case class == kafkaclient.Denied:
		return finished, &refusal{cause: d.explain(cause)}
	case class != kafkaclient.RecordRefused:
		return finished, fmt.Errorf("producing to topic %s: %w", e.Msg.Topic, cause)
	case ofBatch(cause) && !s.suspect:
		s.suspect = true
		d.log.Warn("Kafka refused a batch: its records are sent again one by one. If batches are too large for the topic, set "+
			"producer.override.max.request.size to its max.message.bytes", "topic", e.Msg.Topic, "error", cause)
		return finished, errSuspects
	}
	if err := d.refused(s, d.explain(cause)); err != nil {
		r := &refusal{slot: s, cause: fmt.Errorf("unrecoverable exception from producer send callback: %w", err)}
		if d.transaction != nil {
			r.slot = nil // nothing of an open transaction is delivered
		}
		return finished, r
	}
	if !s.letter {
		s.skip(connect.Dropped)
	}
	switch {
	case d.transaction != nil:
		return finished, errDropped
	case s.letter:
		d.letters = append(d.letters, s)
		return finished, nil
	}
	return append(finished, s), nil
}

// ofBatch reports whether a refusal is about one record of a batch, or about the batch's size, but comes back for all of its records.
func ofBatch(cause error) bool {
	for _, e := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrInvalidTimestamp,
	} {
		if errors.Is(cause, e) {
			return true
		}
	}
	encoding := sarama.PacketEncodingError{}
	return errors.As(cause, &encoding)
}

// replace ends a lost producer, dials another, and sends again what was not acknowledged. Meanwhile send blocks: it needs the token,
// which goes back when the last of the old records is handed over.
func (d *delivery) replace(ctx, acks context.Context, old *producerSession, cause error) error {
	d.withdraw(old)
	if d.transaction != nil {
		d.transaction.forget()
	}
	d.close(old)
	next, err := d.redial(ctx, cause)
	if next == nil {
		d.release()
		return err
	}
	next.cutWith(ctx)
	d.current = next
	var until *slot
	if d.bad != nil {
		until, d.sealed = d.bad.slot, true
	}
	again := d.tracker.unsettled(until)
	d.letters = nil // they are among those
	if d.transaction != nil {
		go d.transactAgain(acks, again)
		return nil
	}
	go func() {
		defer d.release()
		next.resend(ctx, again)
	}()
	return nil
}

// redial tries until it has a producer, ctx ends (nil, nil), or the reason cannot heal.
func (d *delivery) redial(ctx context.Context, cause error) (*producerSession, error) {
	for {
		if !aboutRecords(cause) {
			d.waiting(cause, time.Now().Add(redialBackoff))
			if !sleep(ctx, redialBackoff) {
				return nil, nil
			}
		}
		s, err := d.dial(ctx)
		if err == nil {
			d.waiting(nil, time.Time{})
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if again := new(connect.RetryError); !errors.As(err, &again) {
			return nil, err
		}
		cause = err
	}
}

// aboutRecords reports whether a producer was given up because of what it was to send: then Kafka is well.
func aboutRecords(cause error) bool {
	return errors.Is(cause, errSuspects) || errors.Is(cause, errDropped) || errors.As(cause, new(*refusal))
}

// withdraw takes the token and leaves the delivery without a producer. Whoever sends lets go at once, because the session has failed.
func (d *delivery) withdraw(s *producerSession) {
	close(s.failed)
	d.token <- struct{}{}
	d.current = nil
}

// retire ends the last producer, where there is one. From then on send refuses.
func (d *delivery) retire() {
	s := d.current
	if s == nil {
		return
	}
	d.withdraw(s)
	d.close(s)
	d.release()
}

// close ends a producer and marks what it acknowledged to the last. Receipts are not passed on: the task is ending, or they follow with the
// next settle. An open transaction is aborted, so that its records hold nobody up who reads what is committed.
func (d *delivery) close(s *producerSession) {
	leave := s.producer.AsyncClose
	if t := d.transaction; t != nil && t.begun {
		leave = func() { go s.abandon() }
	} else if _, waiting := d.tracker.stalled(time.Now()); waiting > 0 {
		s.producer.Abort() // sarama gives up batches that are being retried when it closes, and lets later ones overtake them
	}
	finished := s.end(leave, func(e *sarama.ProducerError) {
		if ofBatch(s.producer.Cause(e)) {
			e.Msg.Metadata.(*slot).suspect = true
		}
	})
	if d.transaction == nil {
		d.tracker.mark(finished)
		d.nudge()
	}
}

// stalled returns how long Kafka has not answered although it is waited for, and whether it is.
func (d *delivery) stalled(now time.Time) (since time.Duration, waiting bool) {
	if d.transaction == nil {
		since, records := d.tracker.stalled(now)
		return since, records > 0
	}
	busy := d.transaction.busy.Load()
	if busy == 0 {
		return 0, false
	}
	return now.Sub(time.Unix(0, max(busy, d.answered.Load()))), true
}
