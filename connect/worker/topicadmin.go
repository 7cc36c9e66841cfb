package worker

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// administer opens an admin client for f, and closes it after that. Everything ends with ctx.
func administer(ctx context.Context, settings *kafkaclient.Settings, f func(sarama.ClusterAdmin) error) error {
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	defer context.AfterFunc(ctx, dialer.Close)() // sarama's calls know no context
	admin, err := sarama.NewClusterAdmin(settings.Brokers, settings.For(dialer))
	if err != nil {
		return err
	}
	return errors.Join(f(admin), admin.Close())
}

// ensureTopic looks for a topic, so that nobody needs the right to create one that is there, and creates it where it is not.
func ensureTopic(admin sarama.ClusterAdmin, topic string, detail *sarama.TopicDetail) (created bool, err error) {
	found, err := admin.DescribeTopics([]string{topic})
	if err != nil {
		return false, err
	}
	if len(found) == 1 && found[0].Err != sarama.ErrUnknownTopicOrPartition {
		if found[0].Err != sarama.ErrNoError && found[0].Err != sarama.ErrLeaderNotAvailable {
			return false, found[0].Err
		}
		return false, nil
	}
	err = admin.CreateTopic(topic, detail, false)
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return false, nil
	}
	return err == nil, err
}
