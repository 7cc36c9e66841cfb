package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/validation"
)

// ErrGroupActive says that a consumer group has members, so that nobody else can change its offsets.
var ErrGroupActive = errors.New("the consumer group has members")

// Groups reads and changes the offsets of the consumer groups of sinks, with a client for each call. It is safe for concurrent use.
type Groups struct {
	settings *Settings
}

// NewGroups takes the settings of the worker's tasks.
func NewGroups(settings *Settings) *Groups { return &Groups{settings: settings} }

// group is a consumer group and the way to it.
type group struct {
	id    string
	admin sarama.ClusterAdmin
}

// use opens a client for a sink's group, and closes it after f. Everything ends with ctx.
func (g *Groups) use(ctx context.Context, connector string, config connect.Config, f func(group) error) error {
	if err := g.settings.OverridePolicy.Check(config, validation.Admin, validation.Consumer); err != nil {
		return err
	}
	settings, err := g.settings.adminSettings("connector-worker-adminclient-"+connector, config)
	if err != nil {
		return err
	}
	id := g.settings.clientProperties("consumer", map[string]string{"group.id": "connect-" + connector}, config)["group.id"]
	err = administer(ctx, settings, func(admin sarama.ClusterAdmin) error {
		return coordinated(ctx, func() error { return f(group{id: id, admin: admin}) })
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("asking Kafka about the consumer group %s: %w", id, context.Cause(ctx))
	case errors.Is(err, ErrGroupActive):
		return err
	}
	return kafkaclient.Explain(fmt.Errorf("consumer group %s: %w", id, err), settings)
}

// coordinatorPause is the time between two questions to a coordinator that is not ready.
const coordinatorPause = 100 * time.Millisecond

// coordinated repeats a call, which must bear that, while the group's coordinator is on the move or still reads what is stored of the group: both
// pass, and Java's admin client waits for it too. It returns the last error when ctx ends first.
func coordinated(ctx context.Context, call func() error) error {
	for {
		err := call()
		passing := errors.Is(err, sarama.ErrOffsetsLoadInProgress) || errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable) ||
			errors.Is(err, sarama.ErrNotCoordinatorForConsumer)
		if !passing || !sleep(ctx, coordinatorPause) {
			return err
		}
	}
}

// Committed lists the offsets of a sink's group; a group that there is not has none.
func (g *Groups) Committed(ctx context.Context, connector string, config connect.Config) (connect.Offsets, error) {
	offsets := connect.Offsets{}
	err := g.use(ctx, connector, config, func(group group) error {
		response, err := group.admin.ListConsumerGroupOffsets(group.id, nil)
		if errors.Is(err, sarama.ErrGroupIDNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		blocks := response.Blocks
		if of := response.GetGroup(group.id); of != nil {
			blocks = of.Blocks
		}
		for topic, partitions := range blocks {
			for p, block := range partitions {
				if block.Err != sarama.ErrNoError {
					return block.Err
				}
				if block.Offset >= 0 {
					offsets[connect.TopicPartition{Topic: topic, Partition: p}] = block.Offset
				}
			}
		}
		return nil
	})
	return offsets, err
}

// Commit stores offsets and forgets partitions whose offset is [connect.NoOffset]. It is [ErrGroupActive] while the group has members.
func (g *Groups) Commit(ctx context.Context, connector string, config connect.Config, offsets connect.Offsets) error {
	return g.use(ctx, connector, config, func(group group) error {
		set := map[string]map[int32]sarama.OffsetAndMetadata{}
		for tp, offset := range offsets {
			if offset == connect.NoOffset {
				if err := group.admin.DeleteConsumerGroupOffset(group.id, tp.Topic, tp.Partition); err != nil {
					return active(fmt.Errorf("forgetting %s-%d: %w", tp.Topic, tp.Partition, err))
				}
				continue
			}
			if set[tp.Topic] == nil {
				set[tp.Topic] = map[int32]sarama.OffsetAndMetadata{}
			}
			set[tp.Topic][tp.Partition] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
		}
		return group.set(set)
	})
}

func (g group) set(offsets map[string]map[int32]sarama.OffsetAndMetadata) error {
	if len(offsets) == 0 {
		return nil
	}
	response, err := g.admin.AlterConsumerGroupOffsets(g.id, offsets, nil)
	if err != nil {
		return err
	}
	for topic, partitions := range response.Errors {
		for p, err := range partitions {
			if err != sarama.ErrNoError {
				return active(fmt.Errorf("storing the offset of %s-%d: %w", topic, p, err))
			}
		}
	}
	return nil
}

// Delete removes the group with all its offsets; one that there is not is removed. It is [ErrGroupActive] while the group has members.
func (g *Groups) Delete(ctx context.Context, connector string, config connect.Config) error {
	return g.use(ctx, connector, config, func(group group) error {
		err := group.admin.DeleteConsumerGroup(group.id)
		if errors.Is(err, sarama.ErrGroupIDNotFound) {
			return nil
		}
		return active(err)
	})
}

// active recognizes what Kafka answers while a group has members.
func active(err error) error {
	for _, e := range []error{sarama.ErrUnknownMemberId, sarama.ErrGroupSubscribedToTopic, sarama.ErrNonEmptyGroup} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrGroupActive, err)
		}
	}
	return err
}
