//go:build !race

// See exactlyonce_test.go.

package worker

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// zombies fences on the stage's Kafka.
func (s *stage) zombies() *Zombies {
	return NewZombies(s.worker.settings)
}

func TestAFencedTaskCommitsNothingAndWhatItLeftOpenIsAborted(t *testing.T) {
	t.Parallel()
	s, _, offsets := exactly(t, []string{"t"})
	n := &numbers{topic: "t", last: 300, batch: 100}
	id := s.start("flow", n.script(), connect.Config{"transaction.boundary": "interval", "transaction.boundary.interval.ms": "30000"})
	s.eventually("written", func() bool { return s.kafka.PartitionInfo("t", 0).HighWatermark == 300 })
	require.NoError(t, s.zombies().Fence(t.Context(), "flow", s.tasks[id].Connector, 1))
	s.eventually("aborted", func() bool {
		info := s.kafka.PartitionInfo("t", 0)
		return info.LastStableOffset == info.HighWatermark
	})
	s.stop(id)
	s.released()
	assert.Empty(t, s.committed("t"))
	assert.Zero(t, storedOn(t, offsets, id, n))
	assert.Zero(t, n.acked())
}

func TestFencingWaitsForACoordinatorThatIsBusy(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	for _, busy := range []*kerr.Error{kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator} {
		fault := s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: busy, Count: 2})
		require.NoError(t, s.zombies().Fence(t.Context(), "flow", nil, 2))
		assert.EqualValues(t, 2, fault.Hits(), busy.Message)
	}
}

func TestFencingThatIsForbiddenSaysSo(t *testing.T) {
	t.Parallel()
	s, _, _ := exactly(t, []string{"t"})
	s.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1})
	require.ErrorContains(t, s.zombies().Fence(t.Context(), "flow", nil, 2), "fencing the transactional.id g-flow-0")
}

func TestOffsetsThatAUserWantsAreStoredInATransaction(t *testing.T) {
	t.Parallel()
	s, _, shared := exactly(t, []string{"t"})
	for _, config := range []connect.Config{{}, {"offsets.storage.topic": "own-offsets"}} {
		store, end, err := s.worker.offsets.Open(t.Context(), Owner{Connector: "flow"}, config)
		require.NoError(t, err)
		var intern connect.Partitions
		part := intern.Intern(connect.Strings("source", "t")...)
		for _, want := range []connect.Offset{connect.At("n", 7), {}} {
			records, err := stores.EncodeAll(store, "flow", []stores.StoredOffset{{Partition: part, Offset: want}})
			require.NoError(t, err)
			require.NoError(t, s.worker.offsets.Modify(t.Context(), store, "flow", config, records))
			for _, from := range []stores.OffsetStore{store, shared} {
				s.eventually("stored", func() bool {
					found, err := from.Get(t.Context(), "flow", []*connect.Partition{part})
					return err == nil && found[0].Int64() == want.Int64() && found[0].IsZero() == want.IsZero()
				})
			}
		}
		require.NoError(t, end(t.Context()))
	}
	offsets := s.kafka.PartitionInfo("own-offsets", 0)
	assert.Equal(t, offsets.HighWatermark, offsets.LastStableOffset)
}
