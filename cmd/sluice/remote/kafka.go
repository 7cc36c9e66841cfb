package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// errNoKafka says that nobody has said where Kafka is.
var errNoKafka = errors.New("--bootstrap-servers is missing: say where Kafka is, there or in the context (`sluice context set NAME --bootstrap-servers host:port`)")

// clients are the keys of Java's clients with which to get at Kafka.
func (s *session) clients() (kafkaclient.Properties, error) {
	c, err := s.target.resolve()
	if err != nil {
		return nil, err
	}
	properties := kafkaclient.Properties{}
	if c.KafkaConfig != "" {
		file, err := workerconfig.ReadFile(c.KafkaConfig)
		if err != nil {
			return nil, fmt.Errorf("--kafka-config: %w", err)
		}
		properties = kafkaclient.Properties(file)
	}
	if c.BootstrapServers != "" {
		properties["bootstrap.servers"] = c.BootstrapServers
	}
	if properties["bootstrap.servers"] == "" {
		return nil, errNoKafka
	}
	if properties["client.id"] == "" {
		properties["client.id"] = "sluice-cli"
	}
	// What the client library has to say is for debugging; what concerns a user comes back as errors.
	kafkaclient.LogTo(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	return properties, nil
}

// kafka is the way to the cluster's Kafka.
func (s *session) kafka() (stores.Kafka, kafkaclient.Properties, error) {
	properties, err := s.clients()
	if err != nil {
		return stores.Kafka{}, nil, err
	}
	settings, err := kafkaclient.AdminSettings(properties)
	if err != nil {
		return stores.Kafka{}, nil, err
	}
	explain := func(err error) error { return kafkaclient.Explain(err, settings) }
	return stores.Kafka{Brokers: settings.Brokers, Config: settings.For(settings.Dialer(nil)), Explain: explain}, properties, nil
}

// kafkaFailed gives an error of Kafka's its exit code.
func kafkaFailed(err error) error {
	code := exitFailed
	var network net.Error
	switch {
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		code = exitNotFound
	case errors.Is(err, sarama.ErrOutOfBrokers), errors.As(err, &network):
		code = exitUnreachable
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed), errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrGroupAuthorizationFailed):
		code = exitDenied
	}
	return &Error{code, err}
}

// place is a partition that a sink reads, and how far it has come.
type place struct {
	Topic     string `json:"topic"`
	Partition int64  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Lag is how many records are not read yet; nil where nobody knows.
	Lag *int64 `json:"lag,omitempty"`
}

// places are the offsets of a sink; ok is false for those of a source.
func places(offsets herder.ConnectorOffsets) (all []place, ok bool) {
	for _, o := range offsets.Offsets {
		topic, hasTopic := o.Partition.Get("kafka_topic")
		partition, hasPartition := o.Partition.Get("kafka_partition")
		offset, hasOffset := o.Offset.Get("kafka_offset")
		if !hasTopic || !hasPartition || !hasOffset || topic.Kind() != connect.KindString || partition.Kind() != connect.KindInt64 ||
			offset.Kind() != connect.KindInt64 {
			return nil, false
		}
		all = append(all, place{Topic: topic.Str(), Partition: partition.Int64(), Offset: offset.Int64()})
	}
	return all, len(all) > 0
}

// addLags asks Kafka for the ends of partitions.
func addLags(ctx context.Context, kafka stores.Kafka, all []place) error {
	ends := map[string]map[int64]int64{}
	for i := range all {
		topic := all[i].Topic
		if ends[topic] == nil {
			spans, err := kafka.Spans(ctx, topic)
			if err != nil {
				return err
			}
			ends[topic] = map[int64]int64{}
			for _, span := range spans {
				ends[topic][int64(span.Partition)] = span.To
			}
		}
		if end, there := ends[topic][all[i].Partition]; there {
			lag := max(end-all[i].Offset, 0)
			all[i].Lag = &lag
		}
	}
	return nil
}
