package main

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// sampler fetches the newest record of the demo's topic now and then.
type sampler struct {
	client   sarama.Client
	consumer sarama.Consumer
}

func (d *demo) sampler() (*sampler, error) {
	client, err := sarama.NewClient([]string{d.brokers.kafka.Addr()}, sarama.NewConfig())
	if err != nil {
		return nil, fmt.Errorf("starting the demo's consumer: %w", err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("starting the demo's consumer: %w", err)
	}
	return &sampler{client, consumer}, nil
}

// next returns the next record of some partition as a line, "" when none comes within a second.
func (s *sampler) next(ctx context.Context) string {
	partitions, err := s.client.Partitions("sensors")
	if err != nil || len(partitions) == 0 {
		return ""
	}
	pc, err := s.consumer.ConsumePartition("sensors", partitions[0], sarama.OffsetNewest)
	if err != nil {
		return ""
	}
	defer func() { _ = pc.Close() }() // it read what it was to read
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case m := <-pc.Messages():
		return fmt.Sprintf("sample  %s-%d @ %d  key %s  %s", m.Topic, m.Partition, m.Offset, m.Key, m.Value)
	case <-timer.C:
	case <-ctx.Done():
	}
	return ""
}

func (s *sampler) close() {
	_ = s.consumer.Close() // nothing is buffered
	_ = s.client.Close()
}
