package stores

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Span is a stretch of a partition of any topic: from an offset up to, but without, another.
type Span struct {
	Topic     string
	Partition int32
	From, To  int64
}

// spanTries are how often in a row brokers may fail to answer before a reading is given up.
const spanTries = 10

// ReadSpan reads a span once, as the isolation level of k's configuration says, and delivers its records in order. What is at the partition no more is
// passed over. The first error of deliver ends it and comes back.
func (k Kafka) ReadSpan(ctx context.Context, s Span, deliver func(Entry) error) error {
	client, err := k.knowing(oneTopic).connect(ctx)
	if err != nil {
		return k.explained(fmt.Errorf("connecting to Kafka for topic '%s': %w", s.Topic, err))
	}
	defer client.cut()
	defer context.AfterFunc(ctx, client.cut)() // sarama's calls know no context
	for at, failed := s.From, 0; at < s.To; {
		share := s.fetch(client, at)
		if share.err != nil {
			if failed++; failed == spanTries || !passing(share.err) {
				return k.explained(fmt.Errorf("reading topic '%s': %w", s.Topic, share.err))
			}
			if err := pause(ctx, failed); err != nil {
				return err
			}
			_ = client.RefreshMetadata(s.Topic) // the next try tells what is still wrong
			continue
		}
		failed = 0
		for _, e := range share.entries {
			if e.Offset >= s.To {
				return nil
			}
			if err := deliver(e); err != nil {
				return err
			}
		}
		if share.reset && share.next <= at { // it is behind the end: there is nothing to read
			return nil
		}
		if share.next != unmoved {
			at = share.next
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fetch asks the partition's leader once.
func (s Span) fetch(client *connection, at int64) part {
	leader, err := client.Leader(s.Topic, s.Partition)
	if err != nil {
		return part{err: fmt.Errorf("finding the leader of partition %d: %w", s.Partition, err)}
	}
	f := fetch{client: client, topic: s.Topic, leader: leader.ID(), from: map[int32]int64{s.Partition: at}}
	return f.run().parts[0]
}

// Spans are all partitions of a topic, each from its beginning up to its end at this moment, as the isolation level of k's configuration says, by number.
func (k Kafka) Spans(ctx context.Context, topic string) ([]Span, error) {
	client, err := k.knowing(oneTopic).connect(ctx)
	if err != nil {
		return nil, k.explained(fmt.Errorf("connecting to Kafka for topic '%s': %w", topic, err))
	}
	defer client.cut()
	defer context.AfterFunc(ctx, client.cut)() // sarama's calls know no context
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, k.explained(fmt.Errorf("looking for topic '%s': %w", topic, err))
	}
	spans := make([]Span, len(partitions))
	for i, p := range partitions {
		spans[i] = Span{Topic: topic, Partition: p}
		if spans[i].From, err = client.GetOffset(topic, p, sarama.OffsetOldest); err == nil {
			spans[i].To, err = client.end(topic, p)
		}
		if err != nil {
			return nil, k.explained(fmt.Errorf("asking for the ends of topic '%s': %w", topic, err))
		}
	}
	return spans, nil
}

// end is where a partition ends for a reader of the configuration's isolation level, which sarama's own question leaves out.
func (c *connection) end(topic string, partition int32) (int64, error) {
	leader, err := c.Leader(topic, partition)
	if err != nil {
		return 0, err
	}
	request := sarama.NewOffsetRequest(c.Config().Version)
	request.IsolationLevel = c.Config().Consumer.IsolationLevel
	request.AddBlock(topic, partition, sarama.OffsetNewest, 1)
	response, err := leader.GetAvailableOffsets(request)
	if err != nil {
		return 0, err
	}
	switch block := response.GetBlock(topic, partition); {
	case block == nil || block.Err == sarama.ErrNoError && len(block.Offsets) != 1:
		return 0, sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		return 0, block.Err
	default:
		return block.Offsets[0], nil
	}
}
