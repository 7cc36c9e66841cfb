package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// deadLetterQueue carries the dead letters of a sink to Kafka by a [delivery] of its own: letters are sent again until Kafka has them, and one that
// Kafka refuses ends the task, for its record would be lost otherwise. Who hands letters over waits until they are safe, so that no offset behind them
// is committed earlier, where Java only sends them off; that also bounds what is under way: one fetch, and what a plugin reports at once.
type deadLetterQueue struct {
	letterhead
	tracker  *tracker
	delivery *delivery
	outgoing chan *slab // to the goroutine that hands letters to the producer, which blocks while Kafka is away
	health   *health
	metrics  *errorMetrics

	mu   sync.Mutex
	open map[uint64]*parcel // by the tag of their receipts
	last uint64
}

// deadLetter is a record on its way into the queue.
type deadLetter struct {
	key, value []byte
	headers    []sarama.RecordHeader
	timestamp  time.Time // zero for none
	about      string    // names the record for people
}

// consumed makes the letter of a record as it was consumed: key, value, headers and time to the byte.
func (l *letterhead) consumed(m *sarama.ConsumerMessage, f *fault) deadLetter {
	headers := make([]sarama.RecordHeader, 0, len(m.Headers)+10)
	for _, h := range m.Headers {
		headers = append(headers, *h)
	}
	tp := connect.TopicPartition{Topic: m.Topic, Partition: m.Partition}
	return deadLetter{
		key: m.Key, value: m.Value, timestamp: m.Timestamp, about: consumedAt(tp, m.Offset), headers: l.ofConsumed(headers, tp, m.Offset, f),
	}
}

// parcel is letters that somebody waits for together.
type parcel struct {
	slab  *slab
	tag   uint64
	left  int
	safe  chan struct{} // closed when Kafka has them all
	stall *time.Timer
}

var (
	errLettersUnanswered = errors.New("no acknowledgement of dead letters from Kafka: check bootstrap.servers, the brokers' health and the topic of " +
		"errors.deadletterqueue.topic.name")
	errQueueEnded = errors.New("the dead letter queue has ended")
)

func newDeadLetterQueue(l letterhead, health *health, metrics *errorMetrics, fail func(error), log *slog.Logger) *deadLetterQueue {
	tr := newTracker(windowRecords, windowBytes)
	q := &deadLetterQueue{
		letterhead: l, tracker: tr, delivery: newDelivery(tr, log), outgoing: make(chan *slab), health: health, metrics: metrics,
		open: map[uint64]*parcel{},
	}
	q.delivery.ack, q.delivery.fail, q.delivery.waiting = q.acknowledged, fail, q.complain
	q.delivery.refused = func(s *slot, cause error) error {
		metrics.lettersFailed.Inc()
		return l.refusal(s.about, cause)
	}
	return q
}

// run lives as long as the task; it needs an open delivery.
func (q *deadLetterQueue) run(ctx context.Context) {
	defer spawn(ctx, func(ctx context.Context) { q.delivery.run(ctx, ctx) })()
	for {
		select {
		case s := <-q.outgoing:
			if q.delivery.send(ctx, s) != nil {
				return // whoever waits sees the same end
			}
		case <-q.delivery.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// pack makes a parcel of letters. Its slab has to be put into outgoing, and then it is safe when its channel says so, or else has to be abandoned.
func (q *deadLetterQueue) pack(letters []deadLetter) *parcel {
	q.metrics.letters.Add(len(letters))
	p := &parcel{slab: q.tracker.take(len(letters)), left: len(letters), safe: make(chan struct{})}
	q.mu.Lock()
	q.last++
	p.tag = q.last
	q.open[p.tag] = p
	p.stall = time.AfterFunc(stallAfter, func() { q.complain(errLettersUnanswered, time.Time{}) })
	q.mu.Unlock()
	for i, l := range letters {
		s := &p.slab.slots[i]
		s.receipt = connect.Receipt{Tag: p.tag, KafkaPartition: -1, KafkaOffset: -1, Topic: q.topic}
		s.key, s.value, s.headers, s.partition, s.about = l.key, l.value, l.headers, connect.NoPartition, l.about
		s.msg.Topic, s.msg.Timestamp = q.topic, l.timestamp
		s.arm()
	}
	return p
}

// acknowledged takes the receipts of letters.
func (q *deadLetterQueue) acknowledged(_ context.Context, done []connect.Receipt) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range done {
		if p := q.open[done[i].Tag]; p != nil {
			if p.left--; p.left == 0 {
				close(p.safe)
				q.closed(p)
			}
		}
	}
	return nil
}

// abandon says that nobody waits for a parcel any more. Letters of it that are on their way may arrive.
func (q *deadLetterQueue) abandon(p *parcel) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed(p)
}

func (q *deadLetterQueue) closed(p *parcel) {
	p.stall.Stop()
	delete(q.open, p.tag)
	if len(q.open) == 0 {
		q.health.report(lettersAway, nil, time.Time{}, time.Now())
	}
}

// complain puts into the status why letters wait, while any do.
func (q *deadLetterQueue) complain(cause error, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cause != nil && len(q.open) == 0 {
		return
	}
	if cause != nil {
		cause = fmt.Errorf("dead letters for topic %s wait: %w", q.topic, q.delivery.explain(cause))
	}
	q.health.report(lettersAway, cause, next, time.Now())
}

// store takes one letter and returns when it is safe, or why it is not known to be.
func (q *deadLetterQueue) store(ctx context.Context, l *deadLetter) error {
	p := q.pack([]deadLetter{*l})
	out := q.outgoing
	for {
		select {
		case out <- p.slab:
			out = nil
		case <-p.safe:
			return nil
		case <-q.delivery.ended:
			q.abandon(p)
			return errQueueEnded
		case <-ctx.Done():
			q.abandon(p)
			return fmt.Errorf("waiting for a dead letter: %w", context.Cause(ctx))
		}
	}
}
