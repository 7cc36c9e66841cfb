package testbed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// CreateTopic creates a topic with one replica and the given topic configs (nil for none) and waits until every partition
// has a leader that the broker at addr knows.
func CreateTopic(t testing.TB, addr, topic string, partitions int, configs map[string]string) {
	t.Helper()
	CreateReplicatedTopic(t, addr, topic, partitions, 1, configs)
}

// CreateReplicatedTopic is [CreateTopic] for a cluster.
func CreateReplicatedTopic(t testing.TB, addr, topic string, partitions, replicas int, configs map[string]string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{addr}, kafkaClientConfig())
	if err != nil {
		t.Fatalf("creating topic %s: connecting: %v", topic, err)
	}
	defer admin.Close()
	detail := &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: int16(replicas)}
	detail.ConfigEntries = make(map[string]*string, len(configs))
	for key, value := range configs {
		detail.ConfigEntries[key] = &value
	}
	if err := admin.CreateTopic(topic, detail, false); err != nil {
		t.Fatalf("creating topic %s: %v", topic, err)
	}
	Await(t, 20*time.Second, "leaders of topic "+topic, func(context.Context) error {
		described, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		return led(described[0], partitions)
	})
}

func led(topic *sarama.TopicMetadata, partitions int) error {
	if !errors.Is(topic.Err, sarama.ErrNoError) {
		return topic.Err
	}
	if len(topic.Partitions) < partitions {
		return fmt.Errorf("%d partitions of %d", len(topic.Partitions), partitions)
	}
	for _, p := range topic.Partitions {
		if !errors.Is(p.Err, sarama.ErrNoError) {
			return fmt.Errorf("partition %d: %w", p.ID, p.Err)
		}
	}
	return nil
}

// Produce writes the messages with acks=all, in order, and returns when all of them are written. The key of a message
// chooses its partition as in a Java client; one without a key goes anywhere. See [ProduceTo].
func Produce(t testing.TB, addr string, messages ...*sarama.ProducerMessage) {
	t.Helper()
	config := kafkaClientConfig()
	// Java's murmur2, so that a key lands where a Java client would put it.
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	produce(t, addr, config, messages)
}

// ProduceTo is [Produce] to the partition that each message's Partition field names.
func ProduceTo(t testing.TB, addr string, messages ...*sarama.ProducerMessage) {
	t.Helper()
	config := kafkaClientConfig()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	produce(t, addr, config, messages)
}

func produce(t testing.TB, addr string, config *sarama.Config, messages []*sarama.ProducerMessage) {
	t.Helper()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{addr}, config)
	if err != nil {
		t.Fatalf("producing: connecting to %s: %v", addr, err)
	}
	defer producer.Close()
	if err := producer.SendMessages(messages); err != nil {
		var each sarama.ProducerErrors
		if errors.As(err, &each) && len(each) > 0 {
			t.Fatalf("producing: %d of %d messages failed, the first: %v", len(each), len(messages), each[0])
		}
		t.Fatalf("producing: %v", err)
	}
}

// Values makes n messages without keys for the topic, with the values "0", "1", ...
func Values(topic string, n int) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, n)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i))}
	}
	return messages
}

// Consume reads a topic from its beginning, all partitions, committed transactions only, until there are n records or the
// time is over, and returns what it has: per partition in order. It does not fail for too few, the caller asserts the
// count; asking for one too many and waiting a little shows that there are no more.
func Consume(t testing.TB, addr, topic string, n int, within time.Duration) []*sarama.ConsumerMessage {
	t.Helper()
	return ConsumeUntil(t, addr, topic, within, func(got []*sarama.ConsumerMessage) bool { return len(got) >= n })
}

// ConsumeUntil is [Consume] with another end: enough is asked first with nothing and then after each record.
func ConsumeUntil(t testing.TB, addr, topic string, within time.Duration,
	enough func(got []*sarama.ConsumerMessage) bool) []*sarama.ConsumerMessage {
	t.Helper()
	config := kafkaClientConfig()
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.MaxWaitTime = 100 * time.Millisecond // closing waits for the fetch under way
	consumer, err := sarama.NewConsumer([]string{addr}, config)
	if err != nil {
		t.Fatalf("consuming: connecting to %s: %v", addr, err)
	}
	defer consumer.Close()
	partitions, err := consumer.Partitions(topic)
	if err != nil {
		t.Fatalf("consuming %s: listing its partitions: %v", topic, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	arrived := make(chan *sarama.ConsumerMessage)
	for _, partition := range partitions {
		reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			t.Fatalf("consuming %s, partition %d: %v", topic, partition, err)
		}
		readers.Go(func() { read(ctx, reader, arrived) })
	}
	var got []*sarama.ConsumerMessage
	for !enough(got) {
		select {
		case message := <-arrived:
			got = append(got, message)
		case <-ctx.Done():
			return got
		}
	}
	return got
}

// ConsumeAll reads a topic of one partition as far as it is now.
func ConsumeAll(t testing.TB, addr, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	client, err := sarama.NewClient([]string{addr}, kafkaClientConfig())
	if err != nil {
		t.Fatalf("consuming: connecting to %s: %v", addr, err)
	}
	defer client.Close()
	end, err := client.GetOffset(topic, 0, sarama.OffsetNewest)
	if err != nil {
		t.Fatalf("consuming %s: asking for its end: %v", topic, err)
	}
	return ConsumeUntil(t, addr, topic, startTimeout, func(got []*sarama.ConsumerMessage) bool {
		return end == 0 || len(got) > 0 && got[len(got)-1].Offset >= end-1
	})
}

// read hands on the messages of one partition until ctx ends, then closes it.
func read(ctx context.Context, reader sarama.PartitionConsumer, arrived chan<- *sarama.ConsumerMessage) {
	defer reader.Close()
	for {
		select {
		case message := <-reader.Messages():
			select {
			case arrived <- message:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
