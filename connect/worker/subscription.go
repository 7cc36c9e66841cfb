package worker

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/validation"
)

// regexRefresh is how often new topics are looked for. Java waits for the consumer's metadata.max.age.ms, five minutes.
const regexRefresh = 30 * time.Second

// subscription is what a sink reads: topics by name, or all whose names match a pattern.
type subscription struct {
	names   []string
	pattern *regexp.Regexp // nil where names counts
}

func subscribe(f *validation.Framework) (subscription, error) {
	if f.TopicsRegex == "" {
		return subscription{names: f.Topics}, nil
	}
	pattern, err := regexp.Compile("^(?:" + f.TopicsRegex + ")$")
	if err != nil {
		return subscription{}, fmt.Errorf("topics.regex: %w", err)
	}
	return subscription{pattern: pattern}, nil
}

// topics lists the topics that there are to be read at present.
func (s subscription) topics(client sarama.Client) ([]string, error) {
	if s.pattern == nil {
		return s.names, nil
	}
	if err := client.RefreshMetadata(); err != nil {
		return nil, err
	}
	all, err := client.Topics()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(topic string) bool { return !s.pattern.MatchString(topic) }), nil
}

// sameTopics compares two lists without regard to order.
func sameTopics(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
