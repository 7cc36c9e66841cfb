package stores

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// ErrUnclaimed is returned to a leader that writes without having claimed the config topic, or whose claim has been lost: to another
// leader, or by a failed write. It may claim again if it still leads.
var ErrUnclaimed = errors.New("the config topic is not claimed by this worker")

// transactions writes to a topic under a transactional id, so that of several workers who take themselves for the leader only the last can
// write (KIP-618). It is safe for concurrent use.
type transactions struct {
	kafka Kafka
	topic string
	reach func(ctx context.Context, ends map[int32]int64) error // of the log that reads the topic

	mu       sync.Mutex
	producer *producer // nil while unclaimed
}

// FenceLeaders makes writing as the leader depend on [ConfigStore.Claim], under the given transactional id. It is for workers whose
// exactly.once.source.support is not disabled, and comes before Start.
func (s *ConfigStore) FenceLeaders(transactionalID string) {
	log, ok := s.journal.(*Log)
	if !ok {
		return // nobody competes for a memory
	}
	config := *log.kafka.Config
	config.ClientID += "-leader"
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Transaction.ID = transactionalID
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	config.Producer.Return.Errors = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Transaction.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		if retries < quickTries { // the coordinator completes the transaction before
			return quickPause
		}
		return backOff(retries - quickTries)
	}
	s.leader = &transactions{
		kafka: Kafka{Brokers: log.kafka.Brokers, Config: &config, Logger: log.kafka.Logger}, topic: log.topic.Name, reach: log.reach,
	}
	s.write, s.append = s.leader.write, s.leader.append
}

// A coordinator refuses a transaction while it completes the one before, which takes it some milliseconds.
const (
	quickTries = 10
	quickPause = 10 * time.Millisecond
)

// Claim makes this worker the only one that can write as the leader. It waits for brokers. Without [ConfigStore.FenceLeaders], and while an earlier
// claim has not been lost, there is nothing to do.
func (s *ConfigStore) Claim(ctx context.Context) error {
	if s.leader == nil {
		return nil
	}
	if err := s.leader.claim(ctx); err != nil {
		return fmt.Errorf("claiming the config topic: %w", err)
	}
	return nil
}

func (t *transactions) claim(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.producer != nil {
		return nil
	}
	for attempt := 0; ; attempt++ {
		producer, err := startProducer(ctx, t.kafka)
		if err == nil {
			t.producer = producer
			return nil
		}
		if ended := pause(ctx, attempt); ended != nil {
			return gaveUp(ended, err)
		}
	}
}

// write writes the records in one transaction.
func (t *transactions) write(ctx context.Context, records ...Record) error {
	_, err := t.send(ctx, records)
	return err
}

// append is write, and returns when the records have been delivered too.
func (t *transactions) append(ctx context.Context, records ...Record) error {
	ends, err := t.send(ctx, records)
	if err != nil {
		return err
	}
	return t.reach(ctx, ends)
}

// send writes the records in one transaction. After a failure the claim is lost, because nobody can tell how far the transaction came.
func (t *transactions) send(ctx context.Context, records []Record) (ends map[int32]int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.producer == nil {
		return nil, ErrUnclaimed
	}
	stop := context.AfterFunc(ctx, t.producer.client.cut) // sarama's calls below know no context
	defer stop()
	defer func() {
		if err != nil {
			t.release()
			err = fmt.Errorf("%w: %w", ErrUnclaimed, err)
		}
	}()
	if err := t.producer.async.BeginTxn(); err != nil {
		return nil, fmt.Errorf("beginning a transaction: %w", err)
	}
	if ends, err = t.producer.send(ctx, t.topic, records); err != nil {
		return nil, errors.Join(err, t.producer.async.AbortTxn())
	}
	if err := t.producer.async.CommitTxn(); err != nil {
		return nil, fmt.Errorf("committing a transaction: %w", err)
	}
	return ends, nil
}

// release gives up the claim. The caller holds the lock.
func (t *transactions) release() {
	if t.producer != nil {
		t.producer.abandon()
		t.producer = nil
	}
}

func (t *transactions) close(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.producer == nil {
		return nil
	}
	err := t.producer.close(ctx)
	t.producer = nil
	return err
}
