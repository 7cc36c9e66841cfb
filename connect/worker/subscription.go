package worker

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/validation"
)

// regexRefresh is how often new topics are looked for. Java waits for the consumer's metadata.max.age.ms, five minutes.
const regexRefresh = 30 * time.Second

// subscription returns what lists a sink's topics, and how often they may change; 0 for never.
func subscription(client sarama.Client, f *validation.Framework) (topics func(context.Context) ([]string, error), refresh time.Duration, err error) {
	if f.TopicsRegex == "" {
		return func(context.Context) ([]string, error) { return f.Topics, nil }, 0, nil
	}
	pattern, err := regexp.Compile("^(?:" + f.TopicsRegex + ")$")
	if err != nil {
		return nil, 0, fmt.Errorf("topics.regex: %w", err)
	}
	return func(context.Context) ([]string, error) {
		if err := client.RefreshMetadata(); err != nil {
			return nil, err
		}
		all, err := client.Topics()
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(topic string) bool { return !pattern.MatchString(topic) })
		slices.Sort(all)
		return all, nil
	}, regexRefresh, nil
}

// sameTopics compares two lists without regard to order.
func sameTopics(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
