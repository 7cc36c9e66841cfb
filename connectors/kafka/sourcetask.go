package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// fetchRecords is how many records a partition hands to Poll at once, and so how many wait for it, beside sarama's own channel.
const fetchRecords = 512

// sourceTask reads partitions, each with a reader of its own, and merges them in Poll.
type sourceTask struct {
	rt       connect.SourceContext
	client   sarama.Client
	settings *kafkaclient.Settings
	consume  sarama.Consumer // nil until start
	fetched  chan *fetch
	done     chan struct{} // closed by Close
	readers  sync.WaitGroup
	sick     atomic.Bool // the status says that the source is out of reach

	rest       *fetch // taken from fetched and not all in a batch yet
	headers    []connect.Header
	headerKeys map[string]string
}

// fetch is messages of one partition. It goes back to its reader when it is used up.
type fetch struct {
	from     *reader
	messages []*sarama.ConsumerMessage
}

// start begins to read.
func (t *sourceTask) start(ctx context.Context, assigned []connect.TopicPartition) (err error) {
	cfg := t.rt.Config()
	if t.consume, err = sarama.NewConsumerFromClient(t.client); err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	names, alias := newNaming(topicFormat.Get(cfg)), clusterAlias.Get(cfg)
	for _, tp := range assigned {
		part := sourcePartition(t.rt, alias, tp)
		at, err := t.rt.Offset(ctx, part)
		if err != nil {
			return fmt.Errorf("reading the offset of %s: %w", part, err)
		}
		r := &reader{task: t, tp: tp, part: part, target: names.of(tp.Topic), number: connect.NoPartition, next: -1, free: make(chan *fetch, 2)}
		if keepPartition.Get(cfg) {
			r.number = tp.Partition
		}
		from, err := startAt(at, t.settings.Reset)
		if err != nil {
			return fmt.Errorf("starting %s-%d: %w", tp.Topic, tp.Partition, err)
		}
		if r.consumer, err = t.open(tp, from); err != nil {
			return err
		}
		t.readers.Go(r.run)
	}
	return nil
}

// sourcePartition is MirrorSource's where the cluster has an alias.
func sourcePartition(rt connect.SourceContext, alias string, tp connect.TopicPartition) *connect.Partition {
	attrs := []connect.Attr{
		{Name: "partition", Value: connect.Int32(tp.Partition)},
		{Name: "topic", Value: connect.String(tp.Topic)},
	}
	if alias != "" {
		attrs = append([]connect.Attr{{Name: "cluster", Value: connect.String(alias)}}, attrs...)
	}
	return rt.PartitionOf(attrs...)
}

// open begins to consume a partition, elsewhere than at an offset that is gone if the configuration says so.
func (t *sourceTask) open(tp connect.TopicPartition, at int64) (sarama.PartitionConsumer, error) {
	c, err := t.consume.ConsumePartition(tp.Topic, tp.Partition, at)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		if at, err = t.lost(tp, at); err != nil {
			return nil, fmt.Errorf("reading %s-%d: %w", tp.Topic, tp.Partition, err)
		}
		c, err = t.consume.ConsumePartition(tp.Topic, tp.Partition, at)
	}
	if err != nil {
		return nil, classed(fmt.Errorf("reading %s-%d: %w", tp.Topic, tp.Partition, err), t.settings, sourcePrefix)
	}
	return c, nil
}

// lost says where to go on when the records behind an offset are gone.
func (t *sourceTask) lost(tp connect.TopicPartition, at int64) (int64, error) {
	choice := lostOffset.Get(t.rt.Config())
	t.rt.Log().Warn("the source does not have the records behind the stored offset any more",
		"topic", tp.Topic, "partition", tp.Partition, "offset", at, lostOffset.Name(), choice)
	switch choice {
	case lostEarliest:
		return sarama.OffsetOldest, nil
	case lostLatest:
		return sarama.OffsetNewest, nil
	}
	return 0, fmt.Errorf("the records from offset %d on are gone, the topic was cleaned up or made anew: "+
		"set %s to earliest or latest to go on there, or alter the connector's offsets", at, lostOffset.Name())
}

// Poll waits for messages and turns what is there into records.
func (t *sourceTask) Poll(ctx context.Context, b *connect.Batch) error {
	if t.rest == nil {
		select {
		case t.rest = <-t.fetched:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for t.rest != nil {
		if !t.fill(b, t.rest) {
			return nil
		}
		t.rest.from.free <- t.rest
		t.rest = nil
		select {
		case t.rest = <-t.fetched:
		default:
		}
	}
	return nil
}

// fill moves messages into b as long as there is room, and reports whether they all went.
func (t *sourceTask) fill(b *connect.Batch, f *fetch) (all bool) {
	for i, m := range f.messages {
		if b.Full() {
			f.messages = f.messages[i:]
			return false
		}
		r := b.Next(f.from.target, f.from.part, connect.At("offset", m.Offset))
		r.Partition = f.from.number
		if ms := m.Timestamp.UnixMilli(); ms >= 0 {
			r.Timestamp = ms
		}
		r.Key, r.KeySchema = connect.Bytes(m.Key), connect.OptionalBytesSchema
		r.Value, r.ValueSchema = connect.Bytes(m.Value), connect.OptionalBytesSchema
		if len(m.Headers) > 0 {
			r.Headers = t.headersOf(m)
		}
	}
	return true
}

// headerSlab is how many headers are allocated at once. They are the records', so they are never used twice.
const headerSlab = 1024

func (t *sourceTask) headersOf(m *sarama.ConsumerMessage) []connect.Header {
	n := len(m.Headers)
	if len(t.headers) < n {
		t.headers = make([]connect.Header, max(headerSlab, n))
	}
	headers := t.headers[:n:n]
	t.headers = t.headers[n:]
	for i, h := range m.Headers {
		headers[i] = connect.Header{Key: t.headerKey(h.Key), Schema: connect.OptionalBytesSchema, Value: connect.Bytes(h.Value)}
	}
	return headers
}

// headerKey makes one string of each name, of which there are few.
func (t *sourceTask) headerKey(name []byte) string {
	if key, ok := t.headerKeys[string(name)]; ok {
		return key
	}
	key := string(name)
	if len(t.headerKeys) < headerSlab {
		t.headerKeys[key] = key
	}
	return key
}

// Close ends the readers and the connections.
func (t *sourceTask) Close(context.Context) error {
	close(t.done)
	t.readers.Wait()
	var err error
	if t.consume != nil {
		err = t.consume.Close()
	}
	return errors.Join(err, t.client.Close())
}
