package kafkaclient

import (
	"context"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func admin(t *testing.T, addr string) sarama.ClusterAdmin {
	t.Helper()
	s, err := AdminSettings(Properties{"bootstrap.servers": addr})
	require.NoError(t, err)
	a, err := sarama.NewClusterAdmin(s.Brokers, s.For(s.Dialer(nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestTopicIsCreatedOnceWithItsSettings(t *testing.T) {
	for name, addr := range map[string]func() string{
		"embedded": func() string { return testbed.Embedded(t) },
		"real":     func() string { return testbed.SharedKafka(t) },
	} {
		t.Run(name, func(t *testing.T) {
			at := addr()
			a := admin(t, at)
			topic := testbed.Prefix(t) + "t"
			spec := TopicSpec{Name: topic, Partitions: 2, ReplicationFactor: -1, Config: map[string]string{"cleanup.policy": "delete,compact"}}
			created, err := EnsureTopic(t.Context(), a, spec)
			require.NoError(t, err)
			assert.True(t, created)
			created, err = EnsureTopic(t.Context(), a, spec)
			require.NoError(t, err)
			assert.False(t, created)
			policies, err := CleanupPolicy(a, topic)
			require.NoError(t, err)
			assert.Equal(t, []string{"compact", "delete"}, policies)

			s, err := AdminSettings(Properties{"bootstrap.servers": at})
			require.NoError(t, err)
			client, err := sarama.NewClient(s.Brokers, s.Sarama)
			require.NoError(t, err)
			defer client.Close()
			id, err := ClusterID(client)
			require.NoError(t, err)
			assert.NotEmpty(t, id)
		})
	}
}

func TestTooFewBrokersForTheReplicationFactorAreWaitedForUntilTheContextEnds(t *testing.T) {
	a := admin(t, testbed.SharedKafka(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := EnsureTopic(ctx, a, TopicSpec{Name: testbed.Prefix(t) + "t", Partitions: 1, ReplicationFactor: 3})
	require.ErrorIs(t, err, sarama.ErrInvalidReplicationFactor)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestAnImpossibleTopicFailsAtOnce(t *testing.T) {
	a := admin(t, testbed.SharedKafka(t)) // the embedded Kafka takes any name
	begin := time.Now()
	_, err := EnsureTopic(t.Context(), a, TopicSpec{Name: "not a topic!", Partitions: 1, ReplicationFactor: 1})
	require.ErrorIs(t, err, sarama.ErrInvalidTopic)
	assert.Less(t, time.Since(begin), 5*time.Second)
}
