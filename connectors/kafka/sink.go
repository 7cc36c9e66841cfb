package kafka

import (
	"context"
	"maps"

	"github.com/sluice-connect/sluice/connect"
)

// Sink is the connector that writes to a foreign cluster.
type Sink struct{}

var (
	_ connect.SinkConnector = Sink{}
	_ connect.Splitter      = Sink{}
	_ connect.Validator     = Sink{}
)

// Spec describes the connector.
func (Sink) Spec() connect.Spec {
	spec := connect.NewSpec("io.sluice.connect.kafka.KafkaSinkConnector", version, targetServers, topicFormat, keepPartition)
	spec.Prefixes = []string{targetPrefix}
	return spec
}

// Split gives every task the whole configuration: the consumer group deals the partitions.
func (Sink) Split(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	configs := make([]connect.Config, 0, maxTasks)
	for range maxTasks {
		configs = append(configs, maps.Clone(cfg))
	}
	return configs, nil
}

// Validate connects.
func (Sink) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	settings, err := targetSettings(cfg)
	if err != nil {
		return wrongKeys(err, targetPrefix, targetServers.Name())
	}
	client, err := dial(ctx, settings, targetPrefix)
	if err == nil {
		err = client.Close()
	}
	if err != nil {
		return []connect.Problem{outOfReach(err, targetServers.Name())}
	}
	return nil
}

// Open connects to the target.
func (Sink) Open(ctx context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	cfg := rt.Config()
	settings, err := targetSettings(cfg)
	if err != nil {
		return nil, err
	}
	warn(rt, settings, targetPrefix)
	t := &sinkTask{rt: rt, settings: settings, names: newNaming(topicFormat.Get(cfg)), keepPartition: keepPartition.Get(cfg)}
	if err := t.connect(ctx); err != nil {
		return nil, err
	}
	return t, nil
}
