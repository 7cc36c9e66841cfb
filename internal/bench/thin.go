package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/IBM/sarama"
)

// thin runs a loop: its name, Kafka's address, mosquitto's, the file, the topic to fill, the number of records.
func thin(ctx context.Context, args []string) error {
	if len(args) != 6 {
		return errors.New("thin loops are started by the bench itself")
	}
	n, err := strconv.Atoi(args[5])
	if err != nil {
		return err
	}
	loop := map[string]func(context.Context, task) error{
		"file": fileLoop, "kafka": kafkaLoop, "mqtt": mqttLoop, "mqtt-buffered": mqttBufferedLoop, "mqtt-sink": mqttSinkLoop,
	}[args[0]]
	if loop == nil {
		return fmt.Errorf("no thin loop is called %q", args[0])
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent) // as a worker has it
	}
	config := sarama.NewConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	producer, err := sarama.NewAsyncProducer([]string{args[1]}, config)
	if err != nil {
		return fmt.Errorf("opening a producer: %w", err)
	}
	return loop(ctx, task{producer: producer, kafka: args[1], mqtt: args[2], file: args[3], topic: args[4], records: n})
}

// task is what a thin loop works with.
type task struct {
	producer                 sarama.AsyncProducer
	kafka, mqtt, file, topic string
	records                  int
	stored                   int64 // where to go on
}

// acknowledged calls done for each record that Kafka has, in the order of its one partition, until all are there.
func (t task) acknowledged(ctx context.Context, done func(*sarama.ProducerMessage)) error {
	for n := 0; n < t.records; {
		select {
		case m := <-t.producer.Successes():
			done(m)
			n++
		case err := <-t.producer.Errors():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return t.producer.Close()
}

// fileLoop reads lines and remembers the position of the last one that Kafka has.
func fileLoop(ctx context.Context, t task) error {
	f, err := os.Open(t.file)
	if err != nil {
		return err
	}
	go func() {
		lines := bufio.NewReaderSize(f, 128<<10)
		var position int64
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			position += int64(len(line))
			t.producer.Input() <- &sarama.ProducerMessage{Topic: t.topic, Value: sarama.StringEncoder(line[:len(line)-1]), Metadata: position}
		}
	}()
	return t.acknowledged(ctx, func(m *sarama.ProducerMessage) { t.stored = m.Metadata.(int64) })
}

// kafkaLoop copies a topic and remembers the offset of the last record that Kafka has.
func kafkaLoop(ctx context.Context, t task) error {
	consumer, err := sarama.NewConsumer([]string{t.kafka}, sarama.NewConfig())
	if err != nil {
		return err
	}
	partition, err := consumer.ConsumePartition(loadTopic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	go func() {
		for m := range partition.Messages() {
			t.producer.Input() <- &sarama.ProducerMessage{
				Topic: t.topic, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Timestamp: m.Timestamp, Metadata: m.Offset,
			}
		}
	}()
	return t.acknowledged(ctx, func(m *sarama.ProducerMessage) { t.stored = m.Metadata.(int64) })
}
