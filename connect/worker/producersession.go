package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// producerSession is one producer's life.
type producerSession struct {
	producer *kafkaclient.Producer
	failed   chan struct{} // closed when nothing more may be handed to the producer
	unhook   func() bool   // see cutWith

	answered atomic.Int64  // messages of which the producer has said what became of them
	news     chan struct{} // capacity 1: answered has grown
}

func newProducerSession(p *kafkaclient.Producer) *producerSession {
	return &producerSession{producer: p, failed: make(chan struct{}), news: make(chan struct{}, 1)}
}

// cutWith cuts the producer off from Kafka when ctx ends, whatever the delivery's goroutine is doing then: it may hang in a plugin's Ack.
func (s *producerSession) cutWith(ctx context.Context) {
	s.unhook = context.AfterFunc(ctx, s.producer.Abort)
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

// answer notes that the producer has answered for n messages.
func (s *producerSession) answer(n int) {
	s.answered.Add(int64(n))
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// quiet waits until the producer has answered for n messages in all. It returns false when ctx ends or the session fails first.
func (s *producerSession) quiet(ctx context.Context, n int64) bool {
	for s.answered.Load() < n {
		select {
		case <-s.news:
		case <-s.failed:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// resend hands over what an earlier session did not get through, in order. A suspect goes alone: with nothing else under way, a refusal
// is about that record and no other.
func (s *producerSession) resend(ctx context.Context, again []*slot) {
	for i, sl := range again {
		handed, suspect := int64(i), sl.suspect
		if suspect && !s.quiet(ctx, handed) {
			return
		}
		sl.arm()
		if !s.send(ctx, sl.msg) {
			return
		}
		// The slot is the delivery's now, and after the answer another record's.
		if suspect && !s.quiet(ctx, handed+1) {
			return
		}
	}
}

// end closes the producer and returns what it still acknowledged. One with records under way is cut off from Kafka first: sarama gives up
// batches that are being retried when it closes, and lets later ones overtake them. doubt is told of each record that comes back.
func (s *producerSession) end(underWay bool, doubt func(*sarama.ProducerError)) (finished []*slot) {
	if underWay {
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
		case e, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			doubt(e)
		}
	}
	s.unhook()
	s.producer.Abort()
	return finished
}
