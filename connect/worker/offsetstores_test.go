package worker

import (
	"context"
	"log/slog"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
)

// onTopics gives the stage's worker a store of offsets on a topic of Kafka's, and returns the store.
func (s *stage) onTopics() stores.OffsetStore {
	s.t.Helper()
	s.worker.settings.Clients = map[string]string{"bootstrap.servers": s.kafka.ListenAddrs()[0]}
	log := slog.New(slog.DiscardHandler)
	clients, err := kafkaclient.AdminSettings(kafkaclient.Properties{"bootstrap.servers": s.kafka.ListenAddrs()[0]})
	require.NoError(s.t, err)
	config := clients.For(clients.Dialer(nil))
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	topic := stores.OffsetTopic("worker-offsets", 3, 1, nil)
	store := stores.NewOffsetStore(stores.Kafka{Brokers: clients.Brokers, Config: config}, topic)
	require.NoError(s.t, store.Start(s.t.Context()))
	s.t.Cleanup(func() { assert.NoError(s.t, store.Close(context.Background())) })
	s.worker.offsets = NewOffsetStores(store, topic, s.worker.settings, log)
	return store
}

// storedOn is the offset of a source of numbers in a store, 0 for none.
func storedOn(t *testing.T, store stores.OffsetStore, id TaskID, n *numbers) int64 {
	t.Helper()
	n.mu.Lock()
	part := n.part
	n.mu.Unlock()
	found, err := store.Get(t.Context(), id.Connector, []*connect.Partition{part})
	require.NoError(t, err)
	return found[0].Int64()
}

// open opens the store of a connector, until the test ends.
func (s *stage) openOffsets(id TaskID) stores.OffsetStore {
	s.t.Helper()
	store, end, err := s.worker.offsets.Open(s.t.Context(), Owner{Connector: id.Connector}, s.tasks[id].Connector)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { assert.NoError(s.t, end(context.Background())) })
	return store
}

func TestAConnectorsOwnOffsetsTopicIsMadeAndTheWorkersHasACopy(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	shared := s.onTopics()
	n := &numbers{topic: "t", last: 1000, batch: 100}
	id := s.start("flow", n.script(), connect.Config{"offsets.storage.topic": "own-offsets"})
	s.acknowledged(n)
	own := s.openOffsets(id)
	assert.Equal(t, "own-offsets", own.Topic())
	s.eventually("stored", func() bool { return storedOn(t, own, id, n) == 1000 })
	s.eventually("copied", func() bool { return storedOn(t, shared, id, n) == 1000 })
}

func TestAConnectorThatIsGivenATopicGoesOnWhereTheWorkersTopicSays(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	shared := s.onTopics()
	first := &numbers{topic: "t", last: 500, batch: 100}
	id := s.start("flow", first.script(), nil)
	s.acknowledged(first)
	s.eventually("stored", func() bool { return storedOn(t, shared, id, first) == 500 })
	s.stop(id)
	s.released()

	second := &numbers{topic: "t", last: 1000, batch: 100}
	s.start("flow", second.script(), connect.Config{"offsets.storage.topic": "own-offsets"})
	s.eventually("the rest", func() bool { return second.acked() == 500 })
	assert.Equal(t, numbersUpTo(1000), s.values("t"))
}

func TestAnOffsetsTopicThatIsNotCompactedFailsTheTask(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "own-offsets"})
	s.onTopics()
	n := &numbers{topic: "t", last: 10, batch: 10}
	id := s.start("flow", n.script(), connect.Config{"offsets.storage.topic": "own-offsets"})
	s.shows(id, Failed, "Topic 'own-offsets' supplied via the 'offsets.storage.topic' property is required to have 'cleanup.policy=compact'")
}
