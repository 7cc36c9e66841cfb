package worker

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// onEveryKafka runs a test against the embedded broker and against a real one.
func onEveryKafka(t *testing.T, test func(t *testing.T, addr, prefix string)) {
	t.Run("embedded", func(t *testing.T) { test(t, testbed.Embedded(t), "") })
	t.Run("real", func(t *testing.T) { test(t, testbed.SharedKafka(t), testbed.Prefix(t)) })
}

func groupsOf(addr string) *Groups {
	properties := map[string]string{"bootstrap.servers": addr, "consumer.group.id": "of the worker"}
	return NewGroups(&Settings{Properties: properties, Clients: map[string]string{"bootstrap.servers": "127.0.0.1:1"}})
}

func TestOffsetsOfAGroupAreStoredForgottenAndDeleted(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		topic, groups := prefix+"t", groupsOf(addr)
		testbed.CreateTopic(t, addr, topic, 3, nil)
		config := connect.Config{"consumer.override.group.id": prefix + "g"}
		at := func(p int32) connect.TopicPartition { return connect.TopicPartition{Topic: topic, Partition: p} }

		committed, err := groups.Committed(t.Context(), "c", config)
		require.NoError(t, err)
		require.Empty(t, committed, "a group that there is not has no offsets")
		require.NoError(t, groups.Delete(t.Context(), "c", config), "nor is there anything to delete")

		require.NoError(t, groups.Commit(t.Context(), "c", config, connect.Offsets{at(0): 0, at(1): 1<<53 + 1, at(2): 7}))
		committed, err = groups.Committed(t.Context(), "c", config)
		require.NoError(t, err)
		require.Equal(t, connect.Offsets{at(0): 0, at(1): 1<<53 + 1, at(2): 7}, committed)

		require.NoError(t, groups.Commit(t.Context(), "c", config, connect.Offsets{at(0): connect.NoOffset, at(2): 8}))
		committed, err = groups.Committed(t.Context(), "c", config)
		require.NoError(t, err)
		require.Equal(t, connect.Offsets{at(1): 1<<53 + 1, at(2): 8}, committed)

		err = groups.Commit(t.Context(), "c", config, connect.Offsets{{Topic: topic, Partition: 99}: 1})
		require.ErrorIs(t, err, sarama.ErrUnknownTopicOrPartition)

		require.NoError(t, groups.Delete(t.Context(), "c", config))
		committed, err = groups.Committed(t.Context(), "c", config)
		require.NoError(t, err)
		require.Empty(t, committed)
	})
}

// idleMember joins a group and reads nothing.
type idleMember struct{ joined chan struct{} }

func (m idleMember) Setup(sarama.ConsumerGroupSession) error { close(m.joined); return nil }
func (idleMember) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (idleMember) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for range claim.Messages() { // until the session ends
	}
	return nil
}

func TestOffsetsOfAGroupWithMembersStayAsTheyAre(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		topic, groups := prefix+"t", groupsOf(addr)
		testbed.CreateTopic(t, addr, topic, 1, nil)
		config := connect.Config{"consumer.override.group.id": prefix + "g"}
		tp := connect.TopicPartition{Topic: topic}
		require.NoError(t, groups.Commit(t.Context(), "c", config, connect.Offsets{tp: 0}))

		cfg := sarama.NewConfig()
		cfg.Consumer.Offsets.AutoCommit.Enable = false
		member, err := sarama.NewConsumerGroup([]string{addr}, prefix+"g", cfg)
		require.NoError(t, err)
		ctx, leave := context.WithCancel(t.Context())
		joined, left := make(chan struct{}), make(chan error, 1)
		go func() { left <- member.Consume(ctx, []string{topic}, idleMember{joined}) }()
		select {
		case <-joined:
		case <-time.After(30 * time.Second):
			t.Fatal("the group does not form")
		}
		require.ErrorIs(t, groups.Commit(t.Context(), "c", config, connect.Offsets{tp: 5}), ErrGroupActive)
		require.ErrorIs(t, groups.Commit(t.Context(), "c", config, connect.Offsets{tp: connect.NoOffset}), ErrGroupActive)
		require.ErrorIs(t, groups.Delete(t.Context(), "c", config), ErrGroupActive)
		committed, err := groups.Committed(t.Context(), "c", config)
		require.NoError(t, err)
		require.Equal(t, connect.Offsets{tp: 0}, committed)

		leave()
		require.NoError(t, <-left)
		require.NoError(t, member.Close())
		require.NoError(t, groups.Commit(t.Context(), "c", config, connect.Offsets{tp: 5}))
	})
}

func TestAKafkaThatIsAwayIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	groups := groupsOf("127.0.0.1:1")
	_, err := groups.Committed(t.Context(), "c", nil)
	require.ErrorContains(t, err, "Kafka at 127.0.0.1:1 cannot be reached")
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = groups.Committed(ended, "c", nil)
	require.EqualError(t, err, "asking Kafka about the consumer group of the worker: context canceled")
}

func TestACoordinatorThatIsNotReadyIsAskedAgain(t *testing.T) {
	answers := []error{sarama.ErrOffsetsLoadInProgress, fmt.Errorf("asked: %w", sarama.ErrNotCoordinatorForConsumer), nil}
	asked := 0
	ask := func() error { asked++; return answers[asked-1] }
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, coordinated(t.Context(), ask))
		require.Equal(t, 3, asked)

		answers = []error{sarama.ErrGroupAuthorizationFailed}
		asked = 0
		require.ErrorIs(t, coordinated(t.Context(), ask), sarama.ErrGroupAuthorizationFailed)
		require.Equal(t, 1, asked)
	})
}
