package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Reader reads a Kafka topic from its beginning, piece by piece: each [Reader.CatchUp] goes on where the last one ended. It holds no
// connection in between, so that Kafka may come and go. It is for one goroutine.
type Reader struct {
	addr, topic string
	next        map[int32]int64 // per partition
}

// NewReader is a reader of a topic of the Kafka at host:port.
func NewReader(addr, topic string) *Reader {
	return &Reader{addr: addr, topic: topic, next: map[int32]int64{}}
}

// Move lets the reader go on at another broker of the same cluster.
func (r *Reader) Move(addr string) { r.addr = addr }

// Records is how many records the topic has had so far.
func (r *Reader) Records() (records int64, err error) {
	client, err := r.connect()
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := r.ends(client)
	for _, end := range ends {
		records += end
	}
	return records, err
}

// CatchUp hands all records up to the present end of each partition to take, partition by partition, and returns how many they
// were. An error of take ends it.
func (r *Reader) CatchUp(ctx context.Context, take func(*sarama.ConsumerMessage) error) (int, error) {
	client, err := r.connect()
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := r.ends(client)
	if err != nil {
		return 0, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return 0, fmt.Errorf("reading topic %s: %w", r.topic, err)
	}
	defer consumer.Close()
	read := 0
	for partition, end := range ends {
		n, err := r.partition(ctx, consumer, partition, end, take)
		read += n
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

func (r *Reader) connect() (sarama.Client, error) {
	config := sarama.NewConfig()
	config.ClientID = "sluice-ledger"
	config.Consumer.MaxWaitTime = 50 * time.Millisecond // closing waits for the fetch under way
	config.ChannelBufferSize = 4096
	config.Metadata.AllowAutoTopicCreation = false // reading must not make what it looks for
	client, err := sarama.NewClient([]string{r.addr}, config)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", r.topic, err)
	}
	return client, nil
}

// ends are the offsets after the last record of each partition.
func (r *Reader) ends(client sarama.Client) (map[int32]int64, error) {
	partitions, err := client.Partitions(r.topic)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", r.topic, err)
	}
	ends := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		if ends[p], err = client.GetOffset(r.topic, p, sarama.OffsetNewest); err != nil {
			return nil, fmt.Errorf("reading the end of %s-%d: %w", r.topic, p, err)
		}
	}
	return ends, nil
}

// partition reads up to offset end.
func (r *Reader) partition(ctx context.Context, consumer sarama.Consumer, p int32, end int64, take func(*sarama.ConsumerMessage) error) (int, error) {
	if r.next[p] >= end {
		return 0, nil
	}
	pc, err := consumer.ConsumePartition(r.topic, p, r.next[p])
	if err != nil {
		return 0, fmt.Errorf("reading %s-%d: %w", r.topic, p, err)
	}
	defer pc.Close()
	for n := 0; ; {
		select {
		case m := <-pc.Messages():
			if err := take(m); err != nil {
				return n, fmt.Errorf("%s-%d @ %d: %w", r.topic, p, m.Offset, err)
			}
			n++
			r.next[p] = m.Offset + 1
			if r.next[p] >= end {
				return n, nil
			}
		case <-ctx.Done():
			return n, fmt.Errorf("reading %s-%d from %d to %d: %w", r.topic, p, r.next[p], end, ctx.Err())
		}
	}
}

// Enter is the take of a ledger: the key of a record is its stream, the value a device's payload.
func (l *Ledger) Enter(m *sarama.ConsumerMessage) error {
	number, err := numberOf(m.Value)
	if err != nil {
		return err
	}
	return l.Arrive(string(m.Key), number)
}
