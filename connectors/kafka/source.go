package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// version is the connectors' own.
const version = "0.1.0"

// Source is the connector that reads a foreign cluster.
type Source struct{}

var (
	_ connect.SourceConnector   = Source{}
	_ connect.Splitter          = Source{}
	_ connect.Watcher           = Source{}
	_ connect.Validator         = Source{}
	_ connect.ExactlyOnceSource = Source{}
)

// retryConnect is how long to wait before a cluster out of reach is tried again.
const retryConnect = 5 * time.Second

// Spec describes the connector.
func (Source) Spec() connect.Spec {
	spec := connect.NewSpec("io.sluice.connect.kafka.KafkaSourceConnector", version,
		sourceServers, topics, topicsRegex, topicFormat, keepPartition, clusterAlias, lostOffset, refreshInterval)
	spec.Prefixes = []string{sourcePrefix}
	return spec
}

// Split deals the partitions of the selected topics to tasks, one after the other, so that the partitions of a topic spread.
func (Source) Split(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	found, err := partitions(ctx, cfg)
	if err != nil {
		return nil, err
	}
	hands := make([][]string, min(maxTasks, len(found)))
	for i, tp := range found {
		hands[i%len(hands)] = append(hands[i%len(hands)], tp)
	}
	configs := make([]connect.Config, 0, len(hands))
	for _, hand := range hands {
		task := maps.Clone(cfg)
		task[assignedPartitions] = strings.Join(hand, ",")
		configs = append(configs, task)
	}
	return configs, nil
}

// Watch looks for new topics and partitions. Its first look always asks for a split: what came between Split and that look is seen by neither.
func (Source) Watch(ctx context.Context, cfg connect.Config, split func()) error {
	tick := time.NewTicker(time.Duration(refreshInterval.Get(cfg)) * time.Second)
	defer tick.Stop()
	var known []string
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		// A cluster out of reach is the tasks' to tell; partitions that it forgets meanwhile are not gone.
		found, err := partitions(ctx, cfg)
		if err == nil && !slices.Equal(found, known) {
			known = found
			split()
		}
	}
}

// Validate connects, and looks for the topics.
func (Source) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	if _, err := newSelection(cfg); err != nil {
		var refused *connect.ConfigError
		if errors.As(err, &refused) {
			return []connect.Problem{{Key: refused.Key, Message: refused.Reason}}
		}
	}
	if _, err := sourceSettings(cfg); err != nil {
		return wrongKeys(err, sourcePrefix, sourceServers.Name())
	}
	if _, err := partitions(ctx, cfg); err != nil {
		return []connect.Problem{outOfReach(err, sourceServers.Name())}
	}
	return nil
}

// ExactlyOnce is true where only committed records are read: others may be of a transaction that its writer gave up and wrote again
// (MirrorSourceConnector.exactlyOnceSupport).
func (Source) ExactlyOnce(cfg connect.Config) bool {
	settings, err := sourceSettings(cfg)
	return err == nil && settings.Sarama.Consumer.IsolationLevel == sarama.ReadCommitted
}

// partitions lists the partitions of the selected topics, each as topic-number, in an order that stays.
func partitions(ctx context.Context, cfg connect.Config) ([]string, error) {
	chosen, err := newSelection(cfg)
	if err != nil {
		return nil, err
	}
	settings, err := sourceSettings(cfg)
	if err != nil {
		return nil, err
	}
	client, err := dial(ctx, settings, sourcePrefix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }() // it wrote nothing
	all, err := client.Topics()
	if err != nil {
		return nil, classed(fmt.Errorf("listing the topics: %w", err), settings, sourcePrefix)
	}
	var found []string
	for _, topic := range chosen.of(all) {
		numbers, err := client.Partitions(topic)
		if err != nil {
			return nil, classed(fmt.Errorf("listing the partitions of %s: %w", topic, err), settings, sourcePrefix)
		}
		for _, n := range numbers {
			found = append(found, topic+"-"+strconv.Itoa(int(n)))
		}
	}
	if len(found) == 0 {
		return nil, connect.Retry(&connect.ConfigError{Key: topics.Name(), Reason: fmt.Sprintf(
			"none of the source's %d topics is selected: check the names, and that the user may describe them", len(all))}, retryConnect)
	}
	return found, nil
}

// parsePartitions reads what Split wrote.
func parsePartitions(text string) ([]connect.TopicPartition, error) {
	var parsed []connect.TopicPartition
	for _, name := range strings.Split(text, ",") {
		dash := strings.LastIndexByte(name, '-')
		if dash < 0 {
			return nil, fmt.Errorf("%s: %q is not topic-partition", assignedPartitions, name)
		}
		n, err := strconv.ParseInt(name[dash+1:], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not topic-partition: %w", assignedPartitions, name, err)
		}
		parsed = append(parsed, connect.TopicPartition{Topic: name[:dash], Partition: int32(n)})
	}
	return parsed, nil
}

// Open starts a consumer of the task's partitions, each behind its stored offset.
func (Source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	cfg := rt.Config()
	assigned, err := parsePartitions(cfg[assignedPartitions])
	if err != nil {
		return nil, err
	}
	settings, err := sourceSettings(cfg)
	if err != nil {
		return nil, err
	}
	warn(rt, settings, sourcePrefix)
	client, err := dial(ctx, settings, sourcePrefix)
	if err != nil {
		return nil, err
	}
	t := &sourceTask{rt: rt, client: client, settings: settings, fetched: make(chan *fetch), done: make(chan struct{}), headerKeys: map[string]string{}}
	if err := t.start(ctx, assigned); err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	return t, nil
}

// startAt says where a partition is read from first.
func startAt(at connect.Offset, reset kafkaclient.OffsetReset) (int64, error) {
	if n := at.Get("offset"); n.Kind() == connect.KindInt64 && n.Int64() >= 0 {
		return n.Int64() + 1, nil
	}
	switch reset {
	case kafkaclient.ResetLatest:
		return sarama.OffsetNewest, nil
	case kafkaclient.ResetNone:
		return 0, fmt.Errorf("no offset is stored, and %sauto.offset.reset is none: set it to earliest or latest", sourcePrefix)
	}
	return sarama.OffsetOldest, nil
}

// warn logs the client keys without effect.
func warn(rt connect.TaskContext, s *kafkaclient.Settings, prefix string) {
	for _, w := range s.Warnings {
		rt.Log().Warn("a client key has no effect", "key", prefix+w.Key, "reason", w.Text)
	}
}
