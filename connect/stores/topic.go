package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// Topic is a compacted topic that a store lives on, with the rules of Kafka Connect's internal topics.
type Topic struct {
	Name string
	// Key is the worker's configuration key that names the topic, for errors.
	Key string
	// Purpose says in plural what the topic holds, for errors.
	Purpose string
	// Partitions is used when the topic is created; -1 leaves it to the broker.
	Partitions int32
	// ReplicationFactor is used when the topic is created; -1 leaves it to the broker.
	ReplicationFactor int16
	// Settings are further topic settings for the creation. A cleanup.policy among them is ignored: it is compact always.
	Settings map[string]string
	// SinglePartition refuses an existing topic with more than one partition.
	SinglePartition bool
	// CreateTimeout bounds the wait for brokers that are too few for the replication factor; 0 stands for a minute.
	CreateTimeout time.Duration

	readOnly bool // the topic is there, and nothing is written to it
}

// ConfigTopic is the topic of config.storage.topic: one partition always, because the order of its records matters.
func ConfigTopic(name string, replicationFactor int16, settings map[string]string) Topic {
	return Topic{Name: name, Key: "config.storage.topic", Purpose: "connector configurations", Partitions: 1,
		ReplicationFactor: replicationFactor, Settings: settings, SinglePartition: true}
}

// OffsetTopic is the topic of offset.storage.topic, or of a connector's own offsets.storage.topic if the Key is changed.
func OffsetTopic(name string, partitions int32, replicationFactor int16, settings map[string]string) Topic {
	return Topic{Name: name, Key: "offset.storage.topic", Purpose: "source connector offsets", Partitions: partitions,
		ReplicationFactor: replicationFactor, Settings: settings}
}

// StatusTopic is the topic of status.storage.topic.
func StatusTopic(name string, partitions int32, replicationFactor int16, settings map[string]string) Topic {
	return Topic{Name: name, Key: "status.storage.topic", Purpose: "connector and task statuses", Partitions: partitions,
		ReplicationFactor: replicationFactor, Settings: settings}
}

const (
	cleanupPolicy        = "cleanup.policy"
	compact              = "compact"
	defaultCreateTimeout = time.Minute
)

// Ensure creates the topic where it is missing and refuses one that does not keep what is written to it: the error is then a
// [connect.ConfigError]. Where the broker does not let us create or look, the topic is taken to be right. (Kafka's TopicAdmin)
func (t Topic) Ensure(ctx context.Context, k Kafka) error {
	client, err := k.knowing(everyTopic).connect(ctx)
	if err != nil {
		return fmt.Errorf("connecting to Kafka for topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	defer client.cut()
	defer context.AfterFunc(ctx, client.cut)() // sarama's calls below know no context
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return fmt.Errorf("connecting to Kafka for topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	created, err := t.create(ctx, admin, k.logger())
	if err != nil || created {
		return err
	}
	if err := t.checkPolicy(admin, k.logger()); err != nil {
		return err
	}
	return t.checkPartitions(admin)
}

// create reports whether it made the topic. Too few brokers and timeouts are waited out: brokers may still be starting.
func (t Topic) create(ctx context.Context, admin sarama.ClusterAdmin, logger *slog.Logger) (bool, error) {
	budget := t.CreateTimeout
	if budget == 0 {
		budget = defaultCreateTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := admin.CreateTopic(t.Name, t.detail(logger), false)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, sarama.ErrTopicAlreadyExists):
			return false, nil
		case notAllowed(err):
			logger.Info("cannot create the topic, going on as if it were there", "topic", t.Name, "error", err)
			return false, nil
		case !errors.Is(err, sarama.ErrInvalidReplicationFactor) && !errors.Is(err, sarama.ErrRequestTimedOut):
			return false, fmt.Errorf("creating topic '%s' (%s): %w", t.Name, t.Key, err)
		}
		if pause(ctx, attempt) != nil {
			return false, fmt.Errorf("creating topic '%s' (%s) with replication factor %d (set by %s): %w",
				t.Name, t.Key, t.ReplicationFactor, strings.TrimSuffix(t.Key, "topic")+"replication.factor", err)
		}
	}
}

func (t Topic) detail(logger *slog.Logger) *sarama.TopicDetail {
	settings := maps.Clone(t.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	if policy, ok := settings[cleanupPolicy]; ok && policy != compact {
		logger.Warn("ignoring the cleanup policy: this topic is always compacted",
			"key", strings.TrimSuffix(t.Key, "topic")+cleanupPolicy, "value", policy)
	}
	settings[cleanupPolicy] = compact
	entries := make(map[string]*string, len(settings))
	for name, value := range settings {
		entries[name] = &value
	}
	return &sarama.TopicDetail{NumPartitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, ConfigEntries: entries}
}

func (t Topic) checkPolicy(admin sarama.ClusterAdmin, logger *slog.Logger) error {
	policy, err := t.policy(admin)
	switch {
	case notAllowed(err) || errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		logger.Info("cannot read the topic's cleanup policy, going on as if it were compacted", "topic", t.Name, "error", err)
		return nil
	case err != nil:
		return fmt.Errorf("reading the cleanup policy of topic '%s' (%s): %w", t.Name, t.Key, err)
	case !onlyCompact(policy):
		return &connect.ConfigError{Key: t.Key, Reason: t.wrongPolicy(policy)}
	}
	return nil
}

func (t Topic) policy(admin sarama.ClusterAdmin) (string, error) {
	resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: t.Name, ConfigNames: []string{cleanupPolicy}}
	results, err := admin.DescribeConfigs([]*sarama.ConfigResource{resource}, sarama.DescribeConfigsOptions{})
	if err != nil {
		return "", err
	}
	for _, r := range results {
		if code := sarama.KError(r.ErrorCode); code != sarama.ErrNoError {
			return "", code
		}
		for _, e := range r.Configs {
			if e.Name == cleanupPolicy {
				return e.Value, nil
			}
		}
	}
	return "", sarama.ErrIncompleteResponse
}

func onlyCompact(policy string) bool {
	for p := range strings.SplitSeq(policy, ",") {
		if p := strings.ToLower(strings.TrimSpace(p)); p != "" && p != compact {
			return false
		}
	}
	return strings.TrimSpace(policy) != ""
}

// wrongPolicy is Kafka Connect's own text (TopicAdmin.verifyTopicCleanupPolicyOnlyCompact), which operators search for.
func (t Topic) wrongPolicy(policy string) string {
	return fmt.Sprintf("Topic '%s' supplied via the '%s' property is required to have 'cleanup.policy=compact' to guarantee "+
		"consistency and durability of %s, but found the topic currently has 'cleanup.policy=%s'. Continuing would likely result "+
		"in eventually losing %s and problems restarting this Connect cluster in the future. Change the '%s' property in the "+
		"Connect worker configurations to use a topic with 'cleanup.policy=compact'.",
		t.Name, t.Key, t.Purpose, policy, t.Purpose, t.Key)
}

func (t Topic) checkPartitions(admin sarama.ClusterAdmin) error {
	if !t.SinglePartition {
		return nil
	}
	topics, err := admin.DescribeTopics([]string{t.Name})
	if err != nil {
		return fmt.Errorf("counting the partitions of topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	for _, found := range topics {
		if n := len(found.Partitions); n > 1 {
			return &connect.ConfigError{Key: t.Key, Reason: t.tooManyPartitions(n)}
		}
	}
	return nil
}

// tooManyPartitions is Kafka Connect's own text (KafkaConfigBackingStore.start).
func (t Topic) tooManyPartitions(n int) string {
	return fmt.Sprintf("Topic '%s' supplied via the '%s' property is required to have a single partition in order to guarantee "+
		"consistency of %s, but found %d partitions.", t.Name, t.Key, t.Purpose, n)
}

// unknown is Kafka Connect's own text (KafkaBasedLog.start).
func (t Topic) unknown() string {
	return fmt.Sprintf("Could not look up partition metadata for topic '%s' in the allotted period. This could indicate a "+
		"connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken too long "+
		"to create.", t.Name)
}

// notAllowed recognizes a broker that keeps its topics' administration from us.
func notAllowed(err error) bool {
	return errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed) ||
		errors.Is(err, sarama.ErrUnsupportedVersion)
}
