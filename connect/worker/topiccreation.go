package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/validation"
)

// topicCreation makes the topics that a source task writes to, before the first record to each (AbstractWorkerSourceTask.maybeCreateTopic). It belongs
// to the task's goroutine. A topic that is deleted later is not made again, as in Java.
type topicCreation struct {
	*taskRun
	rules  *validation.TopicCreation
	client *kafkaclient.Settings
	known  map[string]struct{}
	last   string // known, and asked for again most likely
}

// knownTopicsCount bounds what is remembered; a task with more topics looks for some of them again.
const knownTopicsCount = 4096

// topicCreation is nil for a source that leaves its topics to the broker.
func (w *Worker) topicCreation(run *taskRun, p *plugin) (*topicCreation, error) {
	if p.framework.TopicCreation == nil {
		return nil, nil
	}
	client, err := w.settings.adminSettings(fmt.Sprintf("connector-adminclient-%s-%d", run.id.Connector, run.id.Task), p.config)
	if err != nil {
		return nil, err
	}
	for _, warning := range client.Warnings { // the worker's own keys are not all meant for clients
		_, ofWorker := w.settings.Properties["admin."+warning.Key]
		_, ofConnector := p.config["admin.override."+warning.Key]
		if ofWorker || ofConnector {
			run.warn([]kafkaclient.Warning{warning})
		}
	}
	return &topicCreation{taskRun: run, rules: p.framework.TopicCreation, client: client, known: map[string]struct{}{}}, nil
}

// prepare makes sure of the topics of a slab: while records are of one topic, that costs a comparison each. Where that fails the slab is cut to the
// records before, which may be sent. It waits as long as Kafka is away; the error is errLetGo when stop ends first.
func (c *topicCreation) prepare(stop context.Context, s *slab) error {
	for i := range s.slots {
		sl := &s.slots[i]
		if sl.msg.Topic == c.last || sl.settled {
			continue
		}
		if err := c.ensure(stop, sl.msg.Topic); err != nil {
			for j := range s.slots[i:] {
				s.slots[i+j].clear()
			}
			s.slots = s.slots[:i]
			return err
		}
	}
	return nil
}

func (c *topicCreation) ensure(stop context.Context, topic string) error {
	if _, known := c.known[topic]; known {
		c.last = topic
		return nil
	}
	err := c.patiently(stop, kafkaAway, func() error { return c.make(stop, topic) })
	switch {
	case err != nil && stop.Err() != nil:
		return errLetGo
	case err != nil:
		return err
	}
	if len(c.known) >= knownTopicsCount {
		clear(c.known)
	}
	c.known[topic], c.last = struct{}{}, topic
	return nil
}

// make asks for another try where Kafka is away; any other error is for people.
func (c *topicCreation) make(ctx context.Context, topic string) error {
	group := c.rules.Group(topic)
	detail := &sarama.TopicDetail{
		NumPartitions: group.Partitions, ReplicationFactor: group.ReplicationFactor, ConfigEntries: map[string]*string{},
	}
	for key, value := range group.Configs {
		detail.ConfigEntries[key] = &value
	}
	created := false
	err := administer(ctx, c.client, func(admin sarama.ClusterAdmin) (err error) {
		created, err = ensureTopic(admin, topic, detail)
		return err
	})
	if created {
		c.log.Info("topic created", "topic", topic, "group", group.Name, "partitions", group.Partitions, "replicas", group.ReplicationFactor)
	}
	return c.explained(topic, group, err)
}

// explained is an error in users' words, with the key to change.
func (c *topicCreation) explained(topic string, group *validation.TopicGroup, err error) error {
	if err == nil {
		return nil
	}
	keys := "topic.creation." + group.Name + "."
	fix := ""
	switch {
	case errors.Is(err, sarama.ErrInvalidReplicationFactor):
		fix = fmt.Sprintf("%sreplication.factor is %d: there are not as many brokers", keys, group.ReplicationFactor)
	case errors.Is(err, sarama.ErrInvalidPartitions):
		fix = fmt.Sprintf("%spartitions is %d", keys, group.Partitions)
	case errors.Is(err, sarama.ErrInvalidConfig):
		fix = "check the topic settings among " + keys + "*"
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		fix = "create it, or allow this client to"
	case errors.Is(err, sarama.ErrInvalidTopic), errors.Is(err, sarama.ErrPolicyViolation), errors.Is(err, sarama.ErrInvalidRequest):
		fix = "Kafka does not take it"
	default:
		return healing(fmt.Errorf("looking for topic %s: %w", topic, kafkaclient.Explain(err, c.client)))
	}
	return fmt.Errorf("topic %s could not be created: %s (%w)", topic, fix, kafkaclient.Explain(err, c.client))
}
