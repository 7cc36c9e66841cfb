package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// sinkTask produces records without waiting for each. When the target fails for a reason that is not a record's own, the rest of the batches is
// dropped until PreCommit has said so: the runtime then reads again from the last commit, and a new producer begins.
type sinkTask struct {
	rt            connect.SinkContext
	settings      *kafkaclient.Settings
	names         *naming
	keepPartition bool

	session *session // nil after a failure, until the next Put
	flights *flights
	target  atomic.Int32 // a mood
}

// mood is how the target seems to be: its producer tells when it puts a batch off, and never when that batch has come through.
type mood = int32

const (
	well       mood = iota
	troubled        // the producer complains
	recovering      // something came through since; the next PreCommit that finds nothing in flight takes the complaint back
)

// session is one producer's life.
type session struct {
	producer *kafkaclient.Producer
	reaped   chan struct{} // closed when the producer has answered for all it was given

	mu     sync.Mutex
	broken error // why nothing more is to be sent
}

func (s *session) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// fail ends a session; first tells whether it had not ended before.
func (s *session) fail(cause error) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.broken == nil
	if first {
		s.broken = cause
	}
	return first
}

// connect begins a session.
func (t *sinkTask) connect(ctx context.Context) error {
	producer, err := kafkaclient.NewProducer(ctx, t.settings, kafkaclient.ProducerOptions{Hold: t.rt.Suspended, Waiting: t.waiting})
	if err != nil {
		return classed(err, t.settings, targetPrefix)
	}
	s, f := &session{producer: producer, reaped: make(chan struct{})}, newFlights()
	t.session, t.flights = s, f
	go t.reap(s, f)
	t.rt.Healthy()
	return nil
}

// waiting passes on why the producer waits.
func (t *sinkTask) waiting(cause error, next time.Time) {
	if cause == nil {
		t.target.Store(well)
		t.rt.Healthy()
		return
	}
	t.target.Store(troubled)
	t.rt.Waiting(explained(cause, t.settings, targetPrefix), next)
}

// Put hands records to the producer. It blocks while the producer is full, which is the target's back-pressure.
func (t *sinkTask) Put(ctx context.Context, records []connect.SinkRecord) error {
	if t.session == nil {
		if err := t.connect(ctx); err != nil {
			return err
		}
	}
	if err := t.reportRefused(ctx); err != nil {
		return err
	}
	if t.session.failure() != nil {
		return nil // these come again
	}
	s := t.flights.slab(len(records))
	refused := map[int]error(nil)
	for i := range records {
		if err := t.fill(&s.flights[i], s, &records[i]); err != nil {
			if refused == nil {
				refused = map[int]error{}
			}
			refused[i] = err
		}
	}
	t.flights.launch(s)
	if err := t.send(ctx, s, refused); err != nil {
		return err
	}
	if refused != nil {
		return &connect.BatchError{Failed: refused}
	}
	return nil
}

// send gives the slab to the producer, but for the refused, which are the runtime's and count as landed.
func (t *sinkTask) send(ctx context.Context, s *slab, refused map[int]error) error {
	input := t.session.producer.Input()
	for i := range s.flights {
		fl := &s.flights[i]
		if _, not := refused[i]; not {
			t.flights.land([]*flight{fl})
			continue
		}
		select {
		case input <- &fl.message:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fill makes the message of a record.
func (t *sinkTask) fill(fl *flight, s *slab, r *connect.SinkRecord) error {
	fl.slab, fl.record = s, r
	fl.message = sarama.ProducerMessage{Topic: t.names.of(r.Topic), Partition: kafkaclient.NoPartition, Metadata: fl, Timestamp: timestamp(r.Timestamp)}
	if t.keepPartition {
		fl.message.Partition = r.Consumed.Partition
	}
	var err error
	if fl.message.Key, err = fl.key.of(r.Key); err != nil {
		return fmt.Errorf("the key %w", err)
	}
	if fl.message.Value, err = fl.value.of(r.Value); err != nil {
		return fmt.Errorf("the value %w", err)
	}
	if len(r.Headers) > 0 {
		fl.message.Headers, err = headersOf(r.Headers)
	}
	return err
}

// of encodes a key or value; null is none.
func (e *encoded) of(v connect.Value) (sarama.Encoder, error) {
	switch v.Kind() {
	case connect.KindNull:
		return nil, nil
	case connect.KindBytes:
		e.bytes = v.Bytes()
	case connect.KindString:
		e.bytes = []byte(v.Str())
	default:
		return nil, fmt.Errorf("is %s, and the Kafka sink writes bytes and text only: "+
			"set key.converter and value.converter to org.apache.kafka.connect.converters.ByteArrayConverter", v.Kind())
	}
	return e, nil
}

func headersOf(headers []connect.Header) ([]sarama.RecordHeader, error) {
	made := make([]sarama.RecordHeader, len(headers))
	for i, h := range headers {
		var e encoded
		if _, err := e.of(h.Value); err != nil {
			return nil, fmt.Errorf("the header %s %w", h.Key, err)
		}
		made[i] = sarama.RecordHeader{Key: []byte(h.Key), Value: e.bytes}
	}
	return made, nil
}

func timestamp(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// reapCount is how many answers are taken from the producer between two locks.
const reapCount = 256

// reap takes the producer's answers until it is closed.
func (t *sinkTask) reap(s *session, f *flights) {
	defer close(s.reaped)
	landed := make([]*flight, 0, reapCount)
	successes, failures := s.producer.Successes(), s.producer.Errors()
	for successes != nil || failures != nil {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			landed = append(landed[:0], m.Metadata.(*flight))
			for more := true; more && len(landed) < reapCount; {
				select {
				case m, ok := <-successes:
					if more = ok; ok {
						landed = append(landed, m.Metadata.(*flight))
					}
				default:
					more = false
				}
			}
			f.land(landed)
			if t.target.CompareAndSwap(troubled, recovering) {
				t.rt.RequestCommit()
			}
		case e, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			t.failed(s, f, e)
		}
	}
}

// failed tells a record's own fault, which refuses that record, from the target's, which ends the session.
func (t *sinkTask) failed(s *session, f *flights, e *sarama.ProducerError) {
	fl := e.Msg.Metadata.(*flight)
	cause := explained(fmt.Errorf("writing to %s: %w", e.Msg.Topic, e.Err), t.settings, targetPrefix)
	switch kafkaclient.Classify(e.Err) {
	case kafkaclient.RecordRefused:
		fl.refused = cause
		f.land([]*flight{fl})
		t.rt.RequestCommit()
	case kafkaclient.Denied:
		if s.fail(cause) {
			t.rt.Fail(cause)
		}
	default:
		if s.fail(cause) {
			t.rt.Waiting(cause, time.Time{})
			t.rt.RequestCommit()
		}
	}
	f.nudge()
}

// reportRefused hands what the target refused to the connector's error handling.
func (t *sinkTask) reportRefused(ctx context.Context) error {
	for _, fl := range t.flights.takeRefused() {
		if err := t.rt.Report(ctx, fl.record, fl.refused); err != nil {
			return err
		}
		t.flights.reported(fl)
	}
	return nil
}

// PreCommit waits for what is in flight, as long as ctx lasts, and says how far the target has everything. While the producer is held back it does not
// wait.
func (t *sinkTask) PreCommit(ctx context.Context, _ connect.Offsets) (connect.Offsets, error) {
	if t.session == nil {
		return nil, nil
	}
	for !t.flights.down() && t.session.failure() == nil && t.rt.Suspended() == nil {
		select {
		case <-t.flights.landing:
		case <-ctx.Done():
			return t.flights.safe(), nil
		}
	}
	if err := t.session.failure(); err != nil {
		t.endSession()
		return nil, err
	}
	if t.target.CompareAndSwap(recovering, well) {
		t.rt.Healthy()
	}
	if err := t.reportRefused(ctx); err != nil {
		t.rt.Fail(err)
	}
	return t.flights.safe(), nil
}

// Assigned has nothing to do: a partition is known by its first record.
func (t *sinkTask) Assigned(context.Context, []connect.TopicPartition) error { return nil }

// errLate is why a producer is given up that has not sent all in time.
var errLate = errors.New("partitions were revoked before the target had all of their records")

// Revoked forgets partitions: if they come back, they may come back anywhere. What could not be sent in time is given up with its producer: sent later
// it would come after what others have sent of the same partitions by then.
func (t *sinkTask) Revoked(_ context.Context, partitions []connect.TopicPartition) error {
	t.flights.forget(partitions)
	switch {
	case t.session == nil || t.flights.down():
	case t.flights.none():
		t.endSession()
	case t.session.fail(errLate): // the other partitions' records come again
		t.session.producer.Abort()
		t.rt.RequestCommit()
	}
	return nil
}

// endSession gives up a producer at once: what it had is read again.
func (t *sinkTask) endSession() {
	s := t.session
	t.session = nil
	s.producer.Abort()
	s.producer.AsyncClose()
	<-s.reaped
}

// Close waits for what is in flight; what has not landed by the end of ctx, or is held back, comes again.
func (t *sinkTask) Close(ctx context.Context) error {
	s := t.session
	if s == nil {
		return nil
	}
	t.session = nil
	if t.rt.Suspended() != nil {
		s.producer.Abort()
	}
	s.producer.AsyncClose()
	select {
	case <-s.reaped:
	case <-ctx.Done():
	}
	s.producer.Abort()
	<-s.reaped
	return nil
}
