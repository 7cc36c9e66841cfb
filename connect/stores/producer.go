package stores

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// producer writes to a store's topic as Java's does: acknowledged by all in-sync replicas, one request at a time so that order holds,
// partitioned by Java's hash because compaction works by partition.
type producer struct {
	client *connection
	async  sarama.AsyncProducer

	mu       sync.Mutex
	closing  bool
	pending  sync.WaitGroup // calls of send between their check of closing and their last input, and records without a reply
	replies  sync.WaitGroup // the two goroutines below
	finished chan struct{}  // closed when all of them have ended
}

// writePatience is about how long a record is tried before its sending has failed: Kafka Connect's limit for a write to its stores.
const writePatience = 30 * time.Second

// newProducer connects a producer.
func newProducer(ctx context.Context, k Kafka) (*producer, error) {
	config := *k.Config
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = false
	config.Producer.Transaction.ID = ""
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	config.Producer.Return.Errors = true
	config.Producer.Retry.Max = int(writePatience / time.Second)
	config.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		if retries == 0 { // sarama waits after a record that it has failed, too, before it fails the next
			return 0
		}
		return min(backOff(retries), time.Second)
	}
	config.Net.MaxOpenRequests = 1
	return startProducer(ctx, Kafka{Brokers: k.Brokers, Config: &config, Logger: k.Logger})
}

// startProducer takes a configuration that returns successes and errors.
func startProducer(ctx context.Context, k Kafka) (*producer, error) {
	client, err := k.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, client.cut) // a transactional producer asks for its number here
	async, err := sarama.NewAsyncProducerFromClient(client)
	stop()
	if err != nil {
		client.cut()
		return nil, err
	}
	p := &producer{client: client, async: async, finished: make(chan struct{})}
	p.replies.Go(func() {
		for m := range async.Successes() {
			m.Metadata.(chan<- receipt) <- receipt{partition: m.Partition, end: m.Offset + 1}
			p.pending.Done()
		}
	})
	p.replies.Go(func() {
		for e := range async.Errors() {
			e.Msg.Metadata.(chan<- receipt) <- receipt{err: e.Err}
			p.pending.Done()
		}
	})
	return p, nil
}

// receipt is what became of a record: its partition's end behind it, or why it was not stored.
type receipt struct {
	partition int32
	end       int64
	err       error
}

// send returns when the records are stored, and says behind which offsets of their partitions.
func (p *producer) send(ctx context.Context, topic string, records []Record) (ends map[int32]int64, err error) {
	if !p.enter() {
		return nil, sarama.ErrClosedClient
	}
	replies := make(chan receipt, len(records)) // room for all, so that nobody waits for a caller that has gone
	handed, err := p.hand(ctx, topic, records, replies)
	p.pending.Done()
	ends = map[int32]int64{}
	for range handed {
		select {
		case w := <-replies:
			if w.err == nil {
				ends[w.partition] = max(ends[w.partition], w.end)
			} else if err == nil {
				err = w.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return ends, err
}

// hand gives records to the client until ctx ends, and says how many it gave.
func (p *producer) hand(ctx context.Context, topic string, records []Record, replies chan<- receipt) (int, error) {
	for i, r := range records {
		m := &sarama.ProducerMessage{Topic: topic, Metadata: replies}
		if r.Key != nil {
			m.Key = sarama.ByteEncoder(r.Key)
		}
		if r.Value != nil {
			m.Value = sarama.ByteEncoder(r.Value)
		}
		p.pending.Add(1)
		select {
		case p.async.Input() <- m:
		case <-ctx.Done():
			p.pending.Done()
			return i, context.Cause(ctx)
		}
	}
	return len(records), nil
}

// enter reports whether sending is still possible.
func (p *producer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		p.pending.Add(1)
	}
	return !p.closing
}

// finish refuses what is sent from now on. The channel closes when everything given before has its reply, by a goroutine that ends then.
func (p *producer) finish() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return p.finished
	}
	p.closing = true
	go func() {
		defer close(p.finished)
		p.pending.Wait() // first: sarama gives up what waits for its next try when it closes
		p.async.AsyncClose()
		p.replies.Wait()
	}()
	return p.finished
}

// close waits until everything given has its reply, or until ctx ends.
func (p *producer) close(ctx context.Context) error {
	defer p.client.cut() // what is under way then fails, and the goroutines end after the retries that are left
	select {
	case <-p.finish():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// abandon closes without waiting.
func (p *producer) abandon() { abandon(p) }

func abandon(c interface{ close(context.Context) error }) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.close(ended) // it says only that nothing was waited for
}
