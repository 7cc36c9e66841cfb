package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/validation"
)

// deadLetterTopic is the topic of a dead letter queue, which a task creates where it is missing before it begins
// (org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter.createAndSetup).
type deadLetterTopic struct {
	validation.DeadLetters
	client *kafkaclient.Settings
}

// ensure asks for another try where Kafka is away; any other error is for people.
func (d *deadLetterTopic) ensure(ctx context.Context) error {
	err := d.find(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, sarama.ErrInvalidReplicationFactor):
		return fmt.Errorf("could not initialize the dead letter queue: topic %s cannot have %d replicas: create it, or set "+
			"errors.deadletterqueue.topic.replication.factor to no more than there are brokers (%w)", d.Topic, d.ReplicationFactor, err)
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		return fmt.Errorf("could not initialize the dead letter queue: this client may not create topic %s "+
			"(errors.deadletterqueue.topic.name): create it, or allow it (%w)", d.Topic, kafkaclient.Explain(err, d.client))
	case errors.Is(err, sarama.ErrInvalidTopic), errors.Is(err, sarama.ErrPolicyViolation):
		return fmt.Errorf("could not initialize the dead letter queue: Kafka does not take topic %s (errors.deadletterqueue.topic.name): %w", d.Topic, err)
	}
	return healing(fmt.Errorf("initializing the dead letter queue with topic %s: %w", d.Topic, kafkaclient.Explain(err, d.client)))
}

func (d *deadLetterTopic) find(ctx context.Context) error {
	return administer(ctx, d.client, func(admin sarama.ClusterAdmin) error {
		_, err := ensureTopic(admin, d.Topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: d.ReplicationFactor})
		return err
	})
}
