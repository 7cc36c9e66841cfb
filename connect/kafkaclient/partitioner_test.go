package kafkaclient

import (
	"encoding/hex"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/golden"
)

func TestGoldenKeysGoToThePartitionsThatJavaGivesThem(t *testing.T) {
	p := NewPartitioner(16384)("t")
	for _, c := range golden.Load[struct {
		ID         string           `json:"id"`
		Key        string           `json:"key_hex"`
		Partitions map[string]int32 `json:"partitions"`
	}](t, "partitioner.json") {
		key, err := hex.DecodeString(c.Key)
		require.NoError(t, err)
		for count, want := range c.Partitions {
			n, err := strconv.ParseInt(count, 10, 32)
			require.NoError(t, err)
			got, err := p.Partition(&sarama.ProducerMessage{Key: sarama.ByteEncoder(key), Partition: NoPartition}, int32(n))
			require.NoError(t, err)
			assert.Equal(t, want, got, "%s of %d", c.ID, n)
		}
	}
}

func TestRecordThatNamesItsPartitionGoesThere(t *testing.T) {
	p := NewPartitioner(16384)("t")
	got, err := p.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder("abc"), Partition: 4}, 6)
	require.NoError(t, err)
	assert.EqualValues(t, 4, got)
	_, err = p.Partition(&sarama.ProducerMessage{Topic: "t", Partition: 6}, 6)
	assert.ErrorIs(t, err, sarama.ErrInvalidPartition)
	assert.Equal(t, RecordRefused, Classify(err))
}

func TestRecordsWithoutKeyStayOnAPartitionForABatchAndThenMoveOn(t *testing.T) {
	p := NewPartitioner(1000)("t")
	m := &sarama.ProducerMessage{Value: sarama.ByteEncoder(make([]byte, 100)), Partition: NoPartition}
	perBatch := (1000 + m.ByteSize(2) - 1) / m.ByteSize(2)
	seen := map[int32]int{}
	last := int32(-1)
	for batch := range 40 {
		var first int32
		for i := range perBatch {
			got, err := p.Partition(m, 4)
			require.NoError(t, err)
			if i == 0 {
				first = got
				require.NotEqual(t, last, got, "batch %d must go elsewhere", batch)
			}
			require.Equal(t, first, got)
		}
		last = first
		seen[first]++
	}
	assert.Len(t, seen, 4)
}

func TestPartitioningAllocatesNothing(t *testing.T) {
	p := NewPartitioner(16384)("t")
	keyed := &sarama.ProducerMessage{Key: sarama.ByteEncoder("some-key"), Partition: NoPartition}
	free := &sarama.ProducerMessage{Value: sarama.ByteEncoder("v"), Partition: NoPartition}
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		_, _ = p.Partition(keyed, 7)
		_, _ = p.Partition(free, 7)
	}))
}
