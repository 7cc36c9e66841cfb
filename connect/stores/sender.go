package stores

import (
	"context"
	"errors"
	"sync"

	"github.com/IBM/sarama"
	"github.com/eapache/go-resiliency/breaker"
)

// sender writes to a topic through one producer after another. A producer of sarama's that has looked for a partition's leader three times in vain
// looks no more for ten seconds, and fails what is written to the partition meanwhile, although Kafka may be back: then another takes its place,
// which knows nothing of that. It begins when the one before has nothing under way any more, so that no record overtakes another.
type sender struct {
	kafka    Kafka
	renewing chan struct{} // capacity 1: held by whoever puts another producer in place

	mu       sync.Mutex
	producer *producer
	closed   bool
}

// newSender connects a sender.
func newSender(ctx context.Context, k Kafka) (*sender, error) {
	first, err := newProducer(ctx, k)
	if err != nil {
		return nil, err
	}
	return &sender{kafka: k, renewing: make(chan struct{}, 1), producer: first}, nil
}

// send is [producer.send] by a producer that looks for leaders.
func (s *sender) send(ctx context.Context, topic string, records []Record) (ends map[int32]int64, err error) {
	for {
		p, closed := s.current()
		if closed {
			return nil, sarama.ErrClosedClient
		}
		ends, err = p.send(ctx, topic, records)
		if !spent(err) {
			return ends, err
		}
		if err := s.renew(ctx, p); err != nil {
			return nil, err
		}
	}
}

// spent recognizes a producer that looks for no leader at present, or that another sender found so and has ended.
func spent(err error) bool {
	return errors.Is(err, breaker.ErrBreakerOpen) || errors.Is(err, sarama.ErrClosedClient)
}

func (s *sender) current() (p *producer, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.producer, s.closed
}

// renew puts another producer in the place of a spent one, unless somebody has. After an error the next to send tries again.
func (s *sender) renew(ctx context.Context, old *producer) error {
	select {
	case s.renewing <- struct{}{}:
		defer func() { <-s.renewing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p, closed := s.current(); closed || p != old {
		return nil
	}
	select {
	case <-old.finish():
		old.client.cut()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	next, err := newProducer(ctx, s.kafka)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		next.abandon()
		return nil
	}
	s.producer = next
	return nil
}

// close waits until everything given has its reply, or until ctx ends.
func (s *sender) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	last := s.producer
	s.mu.Unlock()
	return last.close(ctx)
}

// abandon closes without waiting.
func (s *sender) abandon() { abandon(s) }
