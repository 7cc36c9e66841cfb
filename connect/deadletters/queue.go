package deadletters

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Letter is a record in a queue.
type Letter struct {
	Context
	At        Place // where it is in the queue
	Timestamp time.Time
	// Key, Value and Headers are the record's own; nil is null.
	Key, Value []byte
	Headers    []sarama.RecordHeader
}

// Place is where a letter is.
type Place struct {
	Partition int32
	Offset    int64
}

// Queue is a topic with dead letters.
type Queue struct {
	Kafka stores.Kafka
	Topic string
}

// Open is a queue as readers of committed transactions see it: a source with exactly-once writes its letters in transactions.
func Open(kafka stores.Kafka, topic string) *Queue {
	config := *kafka.Config
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	kafka.Config = &config
	return &Queue{kafka, topic}
}

// Spans are what there is in each partition at this moment.
func (q *Queue) Spans(ctx context.Context) ([]stores.Span, error) { return q.Kafka.Spans(ctx, q.Topic) }

// Read delivers the letters of a span in order. The first error of deliver ends it and comes back.
func (q *Queue) Read(ctx context.Context, span stores.Span, deliver func(Letter) error) error {
	return q.Kafka.ReadSpan(ctx, span, func(e stores.Entry) error {
		l := Letter{At: Place{e.Partition, e.Offset}, Timestamp: e.Timestamp, Key: e.Key, Value: e.Value}
		l.Context, l.Headers = contextOf(e.Headers)
		return deliver(l)
	})
}

// Newest are the letters that came last and that want accepts, at most n of them, the newest last.
func (q *Queue) Newest(ctx context.Context, n int, want func(*Letter) bool) ([]Letter, error) {
	spans, err := q.Spans(ctx)
	if err != nil {
		return nil, err
	}
	var all []Letter
	for _, span := range spans {
		// From the end backwards, in growing steps: a queue may be long, and what is wanted rare.
		found, to := []Letter(nil), span.To
		for step := int64(max(n, 1)); to > span.From && len(found) < n; step *= 4 {
			from := max(span.From, to-step)
			var some []Letter
			if err := q.Read(ctx, stores.Span{Topic: q.Topic, Partition: span.Partition, From: from, To: to}, func(l Letter) error {
				if want(&l) {
					some = append(some, l)
				}
				return nil
			}); err != nil {
				return nil, err
			}
			found, to = append(some, found...), from
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b Letter) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.At.Partition, b.At.Partition), cmp.Compare(a.At.Offset, b.At.Offset))
	})
	return all[max(0, len(all)-n):], nil
}
