package deadletters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
)

// Replay sends the dead letters of a connector back to the topics that they came from: key, value, headers and time as they were, without the headers that
// tell of the error.
//
// How far it has come is kept in Kafka, as the offsets of a consumer group that nobody is in, and changes in the transaction that sends the records. So a
// letter is sent once, whatever is killed whenever, for whoever reads committed transactions; and of two replays at once the later one ends the other.
type Replay struct {
	Queue     *Queue
	Connector string
	// Producer and Admin are the keys of Java's clients.
	Clients kafkaclient.Properties
	// To takes letters that do not say where they came from; empty takes none of those.
	To string
	// AsPolled sends letters of a source, too, whose key and value no converter has written.
	AsPolled bool
	// Waiting is told why letters wait while Kafka does not take them; a nil cause takes it back. It is called from several goroutines. Nil is allowed.
	Waiting func(cause error, next time.Time)
}

// Group is the consumer group that remembers how far a connector's letters were sent back.
func Group(connector string) string { return "sluice-replay-" + connector }

// Outlook is what a replay would do.
type Outlook struct {
	spans      []stores.Span  // what is to be dealt with
	partitions map[string]int // of the topics that letters go to
	Sent       int            // letters that would be sent now
	Before     int64          // offsets of the queue that earlier replays have dealt with
	Others     int            // letters of other connectors
	Topics     map[string]int // letters by the topic they go to
	Refused    map[string]int // letters that cannot be sent, by the reason
	Forgotten  bool           // what was remembered is behind the end of the queue, which must be another one: it begins anew
}

// Refusals are how many letters cannot be sent.
func (o *Outlook) Refusals() int {
	n := 0
	for _, count := range o.Refused {
		n += count
	}
	return n
}

// reasons why a letter cannot be sent.
const (
	reasonNowhere  = "they do not say where they came from (errors.deadletterqueue.context.headers.enable was off): --to TOPIC sends them there"
	reasonCut      = "Kafka found them too large for the queue, so that only their beginning is here"
	reasonAsPolled = "a source polled them, and no converter has written them: set the source's offsets back to have it read them again, or send them as " +
		"they are by --as-polled"
)

// target is where a letter goes, or why it does not.
func (r *Replay) target(l *Letter) (topic, reason string) {
	switch {
	case l.Cut:
		return "", reasonCut
	case l.Source && !r.AsPolled:
		return "", reasonAsPolled
	case l.Topic != "":
		return l.Topic, ""
	case r.To != "":
		return r.To, ""
	}
	return "", reasonNowhere
}

// concerns reports whether a letter is the connector's. One that does not say is: somebody has named the queue.
func (r *Replay) concerns(l *Letter) bool { return l.Connector == "" || l.Connector == r.Connector }

// Look reads what there is to send, and sends nothing. It may count what was sent a moment ago: Kafka shows the offsets of a transaction when its markers are
// written. Run waits for them.
func (r *Replay) Look(ctx context.Context) (*Outlook, error) {
	spans, err := r.Queue.Spans(ctx)
	if err != nil {
		return nil, err
	}
	o := &Outlook{spans: spans, partitions: map[string]int{}, Topics: map[string]int{}, Refused: map[string]int{}}
	if err := r.begin(ctx, o); err != nil {
		return nil, err
	}
	there := map[string]error{} // by topic
	for _, span := range o.spans {
		err := r.Queue.Read(ctx, span, func(l Letter) error {
			if !r.concerns(&l) {
				o.Others++
				return nil
			}
			topic, reason := r.target(&l)
			if reason == "" {
				missing, asked := there[topic]
				if !asked {
					var spans []stores.Span
					spans, missing = r.Queue.Kafka.Spans(ctx, topic)
					there[topic], o.partitions[topic] = missing, len(spans)
				}
				if missing != nil {
					reason = fmt.Sprintf("topic %s, which they came from, cannot be written to: %v", topic, missing)
				}
			}
			if reason != "" {
				o.Refused[reason]++
				return nil
			}
			o.Topics[topic]++
			o.Sent++
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

// begin takes what was dealt with before off the beginnings of an outlook's spans.
func (r *Replay) begin(ctx context.Context, o *Outlook) error {
	done, err := r.committed(ctx)
	if err != nil {
		return err
	}
	for i := range o.spans {
		span := &o.spans[i]
		switch at, has := done[span.Partition]; {
		case has && at > span.To:
			o.Forgotten = true
		case has && at > span.From:
			o.Before += at - span.From
			span.From = at
		}
	}
	return nil
}

// committed are the offsets up to which letters were sent back, by partition.
func (r *Replay) committed(ctx context.Context) (map[int32]int64, error) {
	settings, err := kafkaclient.AdminSettings(r.Clients)
	if err != nil {
		return nil, err
	}
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	defer context.AfterFunc(ctx, dialer.Close)() // sarama's calls know no context
	admin, err := sarama.NewClusterAdmin(settings.Brokers, settings.For(dialer))
	if err != nil {
		return nil, kafkaclient.Explain(err, settings)
	}
	defer func() { _ = admin.Close() }() // nothing is buffered
	response, err := admin.ListConsumerGroupOffsets(Group(r.Connector), nil)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return map[int32]int64{}, nil
	}
	if err != nil {
		return nil, kafkaclient.Explain(fmt.Errorf("reading what was sent back before: %w", err), settings)
	}
	blocks := response.Blocks
	if of := response.GetGroup(Group(r.Connector)); of != nil {
		blocks = of.Blocks
	}
	done := map[int32]int64{}
	for p, block := range blocks[r.Queue.Topic] {
		if block.Err != sarama.ErrNoError {
			return nil, kafkaclient.Explain(fmt.Errorf("reading what was sent back before: %w", block.Err), settings)
		}
		if block.Offset >= 0 {
			done[p] = block.Offset
		}
	}
	return done, nil
}

// grace is for how long a transaction may go on after the end of a replay was asked for.
const grace = 10 * time.Second

// Limits of one transaction of a replay.
const (
	batchLetters = 500
	batchBytes   = 4 << 20
)

// Run sends what Look has counted, and passes over what cannot be sent. Progress is called after each transaction with the number of letters sent so far. What was
// sent before an error, or before ctx ended, stays sent and remembered.
func (r *Replay) Run(ctx context.Context, o *Outlook, progress func(sent int)) (sent int, err error) {
	properties := maps.Clone(r.Clients)
	properties["transactional.id"] = Group(r.Connector) + "-" + r.Queue.Topic
	settings, err := kafkaclient.ProducerSettings(properties)
	if err != nil {
		return 0, err
	}
	settings.Sarama.Metadata.AllowAutoTopicCreation = false
	producer, err := kafkaclient.NewProducer(ctx, settings, kafkaclient.ProducerOptions{Waiting: r.Waiting})
	if err != nil {
		return 0, kafkaclient.Explain(err, settings)
	}
	w := &writer{Replay: r, partitions: o.partitions, producer: producer, progress: progress}
	defer w.close()
	// A transaction that is under way when ctx ends is brought to its end, so that nobody has to wait for it to run out.
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { cut(context.Cause(ctx)) }) })()
	defer context.AfterFunc(hard, producer.Abort)() // sarama's calls know no context
	w.hard = hard
	// Whoever replays beside us is fenced from here on: what is committed now stays so.
	if err := r.begin(ctx, o); err != nil {
		return 0, err
	}
	for _, span := range o.spans {
		if err := w.replay(ctx, span); err != nil {
			if ctx.Err() != nil {
				return w.sent, context.Cause(ctx)
			}
			return w.sent, kafkaclient.Explain(err, settings)
		}
	}
	return w.sent, nil
}

// writer sends letters in transactions.
type writer struct {
	*Replay
	partitions map[string]int
	hard       context.Context // its end cuts the producer off
	producer   *kafkaclient.Producer
	progress   func(int)
	sent       int

	batch []*sarama.ProducerMessage
	bytes int
}

// replay sends the letters of a span.
func (w *writer) replay(ctx context.Context, span stores.Span) error {
	begun := span.From
	err := w.Queue.Read(ctx, span, func(l Letter) error {
		topic, reason := w.target(&l)
		if !w.concerns(&l) || reason != "" || w.partitions[topic] == 0 { // a topic that is not there: a producer would wait for it
			return nil
		}
		m := l.message(topic, w.partitions[topic])
		w.batch, w.bytes = append(w.batch, m), w.bytes+m.ByteSize(2)
		if len(w.batch) < batchLetters && w.bytes < batchBytes {
			return nil
		}
		begun = l.At.Offset + 1
		return w.flush(ctx, span.Partition, begun)
	})
	if err != nil || begun >= span.To {
		return err
	}
	return w.flush(ctx, span.Partition, span.To)
}

// message is the record as it was before it became a letter, for the partition where it was, if the topic still has it.
func (l *Letter) message(topic string, partitions int) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Partition: kafkaclient.NoPartition, Timestamp: l.Timestamp, Headers: l.Headers}
	if topic == l.Topic && l.Partition >= 0 && int(l.Partition) < partitions {
		m.Partition = l.Partition
	}
	if l.Key != nil {
		m.Key = sarama.ByteEncoder(l.Key)
	}
	if l.Value != nil {
		m.Value = sarama.ByteEncoder(l.Value)
	}
	return m
}

// flush sends the batch and remembers, in the same transaction, that the queue's partition was dealt with up to next.
func (w *writer) flush(ctx context.Context, partition int32, next int64) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := w.producer.BeginTxn(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := w.send(); err != nil {
		if w.hard.Err() == nil { // else not all is answered, and sarama would wait for that: the next replay ends the transaction, or its time does
			err = errors.Join(err, w.producer.AbortTxn())
		}
		return err
	}
	offsets := map[string][]*sarama.PartitionOffsetMetadata{w.Queue.Topic: {{Partition: partition, Offset: next, LeaderEpoch: -1}}}
	if err := w.producer.AddOffsetsToTxn(offsets, Group(w.Connector)); err != nil {
		return errors.Join(fmt.Errorf("remembering what was sent: %w", err), w.producer.AbortTxn())
	}
	if err := w.producer.CommitTxn(); err != nil {
		return fmt.Errorf("committing a transaction: %w", err)
	}
	w.sent += len(w.batch)
	w.batch, w.bytes = w.batch[:0], 0
	w.progress(w.sent)
	return nil
}

// send hands the batch over and waits until Kafka has all of it.
func (w *writer) send() error {
	var errs []error
	answered := func(e *sarama.ProducerError) {
		if e != nil {
			errs = append(errs, fmt.Errorf("sending to topic %s: %w", e.Msg.Topic, w.producer.Cause(e)))
		}
	}
	left := len(w.batch)
	for i := 0; left > 0; {
		var in chan<- *sarama.ProducerMessage
		var next *sarama.ProducerMessage
		if i < len(w.batch) {
			in, next = w.producer.Input(), w.batch[i]
		}
		select {
		case in <- next:
			i++
		case <-w.producer.Successes():
			left--
		case e := <-w.producer.Errors():
			answered(e)
			left--
		case <-w.hard.Done():
			return context.Cause(w.hard)
		}
	}
	if len(errs) > 0 {
		return errs[0] // the others say the same, or that the transaction has failed
	}
	return nil
}

// close ends the producer. What is under way then has failed already.
func (w *writer) close() {
	w.producer.AsyncClose()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range w.producer.Errors() { //nolint:revive // it has to be read to its end
		}
	}()
	for range w.producer.Successes() { //nolint:revive // likewise
	}
	<-drained
	w.producer.Abort()
}

// Backlog counts the records of the queue, and those that no replay has dealt with: by offsets, markers of transactions among them.
func (r *Replay) Backlog(ctx context.Context) (records, waiting int64, err error) {
	spans, err := r.Queue.Spans(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, span := range spans {
		records += span.To - span.From
	}
	o := &Outlook{spans: spans}
	if err := r.begin(ctx, o); err != nil {
		return records, 0, err
	}
	return records, records - o.Before, nil
}
