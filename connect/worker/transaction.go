package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/stores"
)

// boundary says where transactions end (transaction.boundary).
type boundary string

const (
	// boundaryPoll is behind each batch.
	boundaryPoll boundary = "poll"
	// boundaryInterval is where a time has passed, or the window is full.
	boundaryInterval boundary = "interval"
	// boundaryConnector is where the task says so.
	boundaryConnector boundary = "connector"
)

// ending is how a transaction ends behind a record.
type ending uint8

const (
	staysOpen ending = iota
	commits
	aborts
)

func endingOf(e connect.TransactionEnd) ending {
	if e.Abort {
		return aborts
	}
	return commits
}

// endTransactions marks where the task ended transactions. Of several ends behind one record the first counts: the others end empty ones.
func (s *slab) endTransactions(ends []connect.TransactionEnd) {
	for _, e := range ends {
		if e.Records > 0 && e.Records <= len(s.slots) && s.slots[e.Records-1].ends == staysOpen {
			s.slots[e.Records-1].ends = endingOf(e)
		}
	}
}

// What a transaction may hold whose end is the connector's affair: it is kept until it is committed, because it may have to be written again.
const (
	transactionRecords = 16 * windowRecords
	transactionBytes   = 16 * windowBytes
)

// transaction is what a delivery hands over between two commits: records that become visible together with their offsets, or not at all (KIP-618,
// org.apache.kafka.connect.runtime.ExactlyOnceWorkerSourceTask). It belongs to whoever holds the delivery's token, where nothing else is said.
//
// What was handed over stays unsettled until it is committed. So when its producer is lost the delivery sends it again, with a producer whose first
// act is to have Kafka abort what the lost one left open.
type transaction struct {
	id        string // transactional.id
	boundary  boundary
	interval  time.Duration // of boundaryInterval
	timeout   time.Duration // transaction.timeout.ms
	connector string
	store     stores.OffsetStore // set before the first record
	commits   *commitMetrics
	sizes     *metrics.Sensor

	begun   bool
	spoiled bool    // it cannot be committed any more: the producer will be replaced
	slots   []*slot // in the order of Poll
	last    []int   // by partition: 1 + the place in slots of the last record; 0 for none
	records []stores.Record
	offsets *slab // what the producer gets for records
	done    []connect.Receipt

	began atomic.Int64 // when it was begun, in Unix nanoseconds; any goroutine may read it
	busy  atomic.Int64 // since when Kafka is waited for; 0 while it is not; any goroutine may read it
}

// transact hands a slab over and ends transactions where it says so. It holds the token, and gives it back.
func (d *delivery) transact(ctx context.Context, s *slab) {
	defer d.release()
	defer d.tracker.letGo(s)
	defer d.transaction.busily()()
	for i := range s.slots {
		if !d.take(ctx, &s.slots[i]) {
			return
		}
	}
	d.bound(ctx)
}

// transactAgain is transact for what an earlier producer did not commit.
func (d *delivery) transactAgain(ctx context.Context, again []*slot) {
	defer d.release()
	defer d.transaction.busily()()
	for _, sl := range again {
		if !sl.skipped {
			sl.arm()
		}
		if !d.take(ctx, sl) {
			return
		}
	}
	d.bound(ctx)
}

// take puts a record into the transaction. It returns false where the producer is lost or ctx has ended.
func (d *delivery) take(ctx context.Context, sl *slot) bool {
	t := d.transaction
	if t.spoiled {
		return false
	}
	if !sl.skipped {
		if sl.msg.Topic == t.store.Topic() {
			return t.spoil(d.current, &refusal{cause: fmt.Errorf("%s writes to topic %s, which its offsets are stored in: choose another topic",
				describe(sl.receipt.Source, sl.receipt.Offset, sl.msg.Topic), sl.msg.Topic)})
		}
		if !t.begin(d.current) || !d.current.hand(ctx, sl) {
			return false
		}
	}
	t.slots = append(t.slots, sl)
	return sl.ends == staysOpen || d.commit(ctx, sl.ends)
}

// bound keeps a transaction that stays open within what the tracker may hold.
func (d *delivery) bound(ctx context.Context) {
	t := d.transaction
	switch {
	case t.boundary == boundaryPoll || len(t.slots) == 0 || !d.tracker.full():
	case t.boundary == boundaryInterval:
		d.commit(ctx, commits)
	default:
		t.spoil(d.current, &refusal{cause: fmt.Errorf("the connector's transaction has %d records and no end, which is more than this worker keeps for one "+
			"(%d records, %d MiB): set transaction.boundary to poll or interval", len(t.slots), transactionRecords, transactionBytes>>20)})
	}
}

// commit ends the transaction: it stores the offsets of its records in it, and then acknowledges them. It returns false where that was not to be.
func (d *delivery) commit(ctx context.Context, how ending) bool {
	t, s := d.transaction, d.current
	if len(t.slots) == 0 || t.spoiled {
		return !t.spoiled
	}
	if how == aborts && !t.abort(ctx, s) {
		return false
	}
	if err := t.encode(); err != nil {
		return t.spoil(s, &refusal{cause: err})
	}
	began := time.Now()
	if t.begun || len(t.records) > 0 {
		err := t.store.PutBy(ctx, func(ctx context.Context, topic string, records []stores.Record) error {
			return t.write(ctx, s, topic, records)
		}, t.records)
		if err != nil {
			t.commits.failed()
			return t.spoil(s, err)
		}
		t.commits.succeeded(time.Since(began))
		t.sizes.Record(float64(len(t.slots)))
	}
	t.done = d.tracker.settle(t.slots, t.done[:0], time.Now())
	t.slots = t.slots[:0]
	if len(t.done) == 0 {
		return true
	}
	err := d.ack(ctx, t.done)
	d.tracker.told(len(t.done))
	if err != nil {
		return t.spoil(s, &refusal{cause: err})
	}
	return true
}

// begin begins the transaction where that has not happened.
func (t *transaction) begin(s *producerSession) bool {
	if t.begun {
		return true
	}
	if err := s.producer.BeginTxn(); err != nil {
		return t.spoil(s, fmt.Errorf("beginning a transaction: %w", err))
	}
	t.begun = true
	t.began.Store(time.Now().UnixNano())
	return true
}

// abort drops the records. Their offsets are stored in a transaction that follows, so that nothing sees them again (Java does the same).
func (t *transaction) abort(ctx context.Context, s *producerSession) bool {
	if t.begun {
		if !s.quiet(ctx) {
			return false
		}
		if err := s.producer.AbortTxn(); err != nil {
			return t.spoil(s, fmt.Errorf("aborting a transaction: %w", err))
		}
		t.begun = false
	}
	for _, sl := range t.slots {
		if !sl.skipped {
			sl.skip(connect.Aborted)
		}
	}
	return true
}

// encode makes the offsets of the records, of each source partition the last one.
func (t *transaction) encode() error {
	t.records = t.records[:0]
	for i := len(t.slots) - 1; i >= 0; i-- {
		p, offset := t.slots[i].receipt.Source, t.slots[i].receipt.Offset
		if p == nil || offset.IsZero() {
			continue
		}
		for p.Index() >= len(t.last) {
			t.last = append(t.last, 0)
		}
		if t.last[p.Index()] != 0 {
			continue
		}
		t.last[p.Index()] = i + 1
		var err error
		if t.records, err = t.store.Encode(t.records, t.connector, p, offset); err != nil {
			return fmt.Errorf("the offset of %s cannot be stored, so its transaction cannot be committed: %w", p, err)
		}
	}
	clear(t.last)
	return nil
}

// write is the offset store's writer: it commits the offsets with the records.
func (t *transaction) write(ctx context.Context, s *producerSession, topic string, records []stores.Record) error {
	if !t.begin(s) {
		return errDeliveryEnded
	}
	if t.offsets == nil {
		t.offsets = new(slab)
	}
	t.offsets.reset(len(records))
	for i, r := range records {
		sl := &t.offsets.slots[i]
		sl.clear()
		sl.key, sl.value, sl.partition, sl.msg.Topic = r.Key, r.Value, connect.NoPartition, topic
		sl.arm()
		if !s.send(ctx, sl.msg) {
			return errDeliveryEnded
		}
	}
	if !s.quiet(ctx) {
		return errDeliveryEnded
	}
	if err := s.producer.CommitTxn(); err != nil {
		return &refusal{cause: fmt.Errorf("whether the transaction of %s was committed is not known: restart the task, which goes on where the stored "+
			"offsets are: %w", t.id, err)}
	}
	t.begun = false
	return nil
}

// spoil gives the transaction up and tells the delivery why; it returns false. Where the delivery knows already, or is to end, the error is of no
// interest.
func (t *transaction) spoil(s *producerSession, why error) bool {
	if t.spoiled {
		return false
	}
	t.spoiled = true
	if !errors.Is(why, errDeliveryEnded) {
		s.broken <- why
	}
	return false
}

// forget makes the transaction an empty one, for another producer.
func (t *transaction) forget() {
	t.begun, t.spoiled = false, false
	t.slots = t.slots[:0]
	t.offsets = nil // sarama may still hold what is in it
}

// busily notes that Kafka is waited for, until the function that it returns is called.
func (t *transaction) busily() (done func()) {
	t.busy.Store(time.Now().UnixNano())
	return func() { t.busy.Store(0) }
}

// fenced reports whether a producer's epoch is not the newest of its transactional id. After the first record that is refused for that reason, sarama
// fails the others because the transaction is not ready, and they may come first: then only its status tells.
func fenced(p *kafkaclient.Producer, cause error) bool {
	if errors.Is(cause, sarama.ErrProducerFenced) || errors.Is(cause, sarama.ErrInvalidProducerEpoch) {
		return true
	}
	return p.TxnStatus()&sarama.ProducerTxnFlagFatalError != 0 && kafkaclient.Classify(cause) != kafkaclient.Denied
}

// fenced tells what it means that the producer was fenced: it ends the task where somebody else did it, and costs the producer where Kafka did,
// because the transaction took too long.
func (t *transaction) fenced(cause error) error {
	open := time.Since(time.Unix(0, t.began.Load()))
	if open >= t.timeout {
		return fmt.Errorf("the transaction was open for %s and Kafka has given it up after %s, it is made again: raise producer.override.transaction.timeout.ms "+
			"if this happens often (%w)", open.Round(time.Millisecond), t.timeout, cause)
	}
	return &refusal{cause: fmt.Errorf("another producer has taken over the transactional.id %s, so this task writes no more: if no other worker of the "+
		"cluster runs the task, another cluster has the same group.id and connector name (%w)", t.id, cause)}
}

// endOpen ends the transaction that earlier batches left open.
func (d *delivery) endOpen(ctx context.Context, how ending) error {
	if err := d.seize(ctx); err != nil {
		return err
	}
	defer d.release()
	t := d.transaction
	defer t.busily()()
	if n := len(t.slots); n > 0 {
		t.slots[n-1].ends = how // also when it has to be written again
		d.commit(ctx, how)
	}
	return nil
}

// commitRegularly ends transactions by the clock, until ctx ends. acks bounds the last one.
func (d *delivery) commitRegularly(ctx, acks context.Context) {
	for sleep(ctx, d.transaction.interval) {
		if d.endOpen(acks, commits) != nil {
			return
		}
	}
}

// finish ends what is open: of a task that ends well it is committed, unless that is the connector's affair, and else aborted, so that its records
// hold nobody up who reads what is committed.
func (d *delivery) finish(ctx context.Context, well bool) {
	if d.seize(ctx) != nil {
		return
	}
	defer d.release()
	t := d.transaction
	if well && t.boundary != boundaryConnector {
		d.commit(ctx, commits)
		return
	}
	if t.begun && !t.spoiled && d.current.quiet(ctx) {
		_ = d.current.producer.AbortTxn() // else Kafka does it, after transaction.timeout.ms
		t.begun = false
	}
	t.spoiled = true
}
