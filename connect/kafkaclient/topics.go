package kafkaclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// TopicSpec is a topic to be created.
type TopicSpec struct {
	Name string
	// Partitions is -1 for the broker's default.
	Partitions int32
	// ReplicationFactor is -1 for the broker's default.
	ReplicationFactor int16
	// Config holds the topic's own settings.
	Config map[string]string
}

// createPatience is Java's default.api.timeout.ms: how long brokers that are too few, or slow, are waited for.
const createPatience = time.Minute

// EnsureTopic creates a topic if it is missing and reports whether it did. While brokers are too few for the replication factor, or do
// not answer in time, it tries again for a minute, as Kafka Connect does (TopicAdmin). Where this client may not create topics, or the
// broker is too old, it reports false without an error: the topic may exist. The end of ctx ends the tries, not the one under way.
func EnsureTopic(ctx context.Context, admin sarama.ClusterAdmin, spec TopicSpec) (created bool, err error) {
	detail := &sarama.TopicDetail{NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor, ConfigEntries: map[string]*string{}}
	for k, v := range spec.Config {
		detail.ConfigEntries[k] = &v
	}
	ctx, cancel := context.WithTimeout(ctx, createPatience)
	defer cancel()
	pause := backoff{first: 100 * time.Millisecond, most: time.Second}
	for retries := 1; ; retries++ {
		err := admin.CreateTopic(spec.Name, detail, false)
		switch {
		case err == nil:
			return true, nil
		case isAny(err, sarama.ErrTopicAlreadyExists, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
			sarama.ErrUnsupportedVersion):
			return false, nil
		case !isAny(err, sarama.ErrInvalidReplicationFactor, sarama.ErrRequestTimedOut, sarama.ErrNotController) && !connectionError(err):
			return false, fmt.Errorf("creating topic %s: %w", spec.Name, err)
		}
		timer := time.NewTimer(pause.after(retries))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, fmt.Errorf("creating topic %s: %w", spec.Name, errors.Join(err, context.Cause(ctx)))
		}
	}
}

func isAny(err error, codes ...sarama.KError) bool {
	return slices.ContainsFunc(codes, func(c sarama.KError) bool { return errors.Is(err, c) })
}

// connectionError is an error that did not come from a broker.
func connectionError(err error) bool {
	var code sarama.KError
	var setting sarama.ConfigurationError
	return Classify(err) == Retriable && !errors.As(err, &code) && !errors.As(err, &setting)
}

// CleanupPolicy reads a topic's cleanup.policy: the policies in lower case, sorted. Errors are those of sarama: to read it the client
// needs the right to describe the topic's configs.
func CleanupPolicy(admin sarama.ClusterAdmin, topic string) ([]string, error) {
	const name = "cleanup.policy"
	resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}}
	results, err := admin.DescribeConfigs([]*sarama.ConfigResource{resource}, sarama.DescribeConfigsOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s of topic %s: %w", name, topic, err)
	}
	for _, r := range results {
		if r.ErrorCode != sarama.ErrNoError {
			return nil, fmt.Errorf("reading %s of topic %s: %w", name, topic, r.ErrorCode)
		}
		if i := slices.IndexFunc(r.Configs, func(e sarama.ConfigEntry) bool { return e.Name == name }); i >= 0 {
			return policies(r.Configs[i].Value), nil
		}
	}
	return nil, fmt.Errorf("reading %s of topic %s: %w", name, topic, sarama.ErrIncompleteResponse)
}

func policies(value string) []string {
	var out []string
	for p := range strings.SplitSeq(value, ",") {
		if p = strings.ToLower(strings.TrimSpace(p)); p != "" {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// ClusterID asks any broker that client knows for the id of its cluster.
func ClusterID(client sarama.Client) (string, error) {
	broker := client.LeastLoadedBroker()
	if broker == nil {
		return "", fmt.Errorf("reading the cluster id: %w", sarama.ErrOutOfBrokers)
	}
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, []string{"__consumer_offsets"}))
	if err != nil {
		return "", fmt.Errorf("reading the cluster id: %w", err)
	}
	if answer.ClusterID == nil {
		return "", fmt.Errorf("reading the cluster id: %w", sarama.ErrIncompleteResponse)
	}
	return *answer.ClusterID, nil
}
