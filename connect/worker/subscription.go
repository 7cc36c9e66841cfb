package worker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/pattern"
	"github.com/sluice-connect/sluice/connect/validation"
)

// topicRefresh is how often new topics are looked for, or more often where the consumer's metadata.max.age.ms is shorter. Java waits for that alone,
// five minutes.
const topicRefresh = 30 * time.Second

// subscription is what a sink reads: topics by name, or all whose names match a pattern.
type subscription struct {
	names   []string
	pattern *pattern.Pattern // nil where names counts
}

func subscribe(f *validation.Framework) (subscription, error) {
	if f.TopicsRegex == "" {
		if len(f.Topics) == 0 {
			return subscription{}, errors.New("topics: no topic to read: set topics or topics.regex")
		}
		return subscription{names: f.Topics}, nil
	}
	p, err := pattern.Compile(f.TopicsRegex)
	if err != nil {
		return subscription{}, fmt.Errorf("topics.regex: %w", err)
	}
	return subscription{pattern: p}, nil
}

// topics lists those that there are at present: one that is missing must not hold up the others. The error is that there is none of those named.
func (s subscription) topics(client sarama.Client) ([]string, error) {
	if s.pattern == nil {
		return s.present(client)
	}
	if err := client.RefreshMetadata(); err != nil {
		return nil, err
	}
	all, err := client.Topics()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, topic := range all {
		met, err := s.pattern.Matches(topic)
		if err != nil {
			return nil, fmt.Errorf("topics.regex: %w", err)
		}
		if met && !internalTopics[topic] {
			out = append(out, topic)
		}
	}
	return out, nil
}

// internalTopics are Kafka's own, which no pattern means (org.apache.kafka.common.internals.Topic).
var internalTopics = map[string]bool{"__consumer_offsets": true, "__transaction_state": true, "__share_group_state": true}

func (s subscription) present(client sarama.Client) ([]string, error) {
	missing := client.RefreshMetadata(s.names...)
	if missing == nil {
		return s.names, nil
	}
	all, err := client.Topics()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(topic string) bool { return !slices.Contains(s.names, topic) })
	if len(all) == 0 || !errors.Is(missing, sarama.ErrUnknownTopicOrPartition) {
		return nil, missing
	}
	return all, nil
}

// settled reports whether topics are all that there will ever be.
func (s subscription) settled(topics []string) bool {
	return s.pattern == nil && len(topics) == len(s.names)
}

// sameTopics compares two lists without regard to order.
func sameTopics(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
