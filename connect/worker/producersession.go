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
	broken   chan error    // capacity 1: why a transaction could not be ended; nil without transactions

	handed   int64         // messages given to the producer; of whoever holds the delivery's token
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
		s.handed++
		return true
	default:
	}
	select {
	case s.producer.Input() <- m:
		s.handed++
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

// quiet waits until the producer has answered for all messages. It returns false when ctx ends or the session fails first.
func (s *producerSession) quiet(ctx context.Context) bool {
	for s.answered.Load() < s.handed {
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

// hand gives a slot to the producer. A suspect goes alone: with nothing else under way, a refusal is about that record and no other.
//
// Without transactions the slot is the delivery's then, and after the answer another record's.
func (s *producerSession) hand(ctx context.Context, sl *slot) bool {
	if !sl.suspect {
		return s.send(ctx, sl.msg)
	}
	return s.quiet(ctx) && s.send(ctx, sl.msg) && s.quiet(ctx)
}

// resend hands over what an earlier session did not get through, in order.
func (s *producerSession) resend(ctx context.Context, again []*slot) {
	for _, sl := range again {
		sl.arm()
		if !s.hand(ctx, sl) {
			return
		}
	}
}

// end has leave close the producer and returns what that still acknowledged. doubt is told of each record that comes back.
func (s *producerSession) end(leave func(), doubt func(*sarama.ProducerError)) (finished []*slot) {
	leave()
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

// abandon aborts the open transaction and closes the producer.
func (s *producerSession) abandon() {
	_ = s.producer.AbortTxn() // else Kafka does it, after transaction.timeout.ms
	s.producer.AsyncClose()
}
