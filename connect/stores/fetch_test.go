package stores

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBatchesWithoutRecordsAreSteppedOver(t *testing.T) {
	block := &sarama.FetchResponseBlock{HighWaterMarkOffset: 7, LastStableOffset: 5}
	for _, c := range []struct {
		from      int64
		isolation sarama.IsolationLevel
		next      int64
	}{
		{4, sarama.ReadUncommitted, 5}, {7, sarama.ReadUncommitted, unmoved},
		{4, sarama.ReadCommitted, 5}, {5, sarama.ReadCommitted, unmoved},
	} {
		share := part{next: unmoved}
		stepOverEmptyBatch(&share, c.from, block, c.isolation)
		assert.Equal(t, c.next, share.next, "from %d", c.from)
	}
}

func TestReadingEndsBehindTheBatchWhateverOfItIsLeft(t *testing.T) {
	batch := func(first int64, last int32, deltas ...int64) *sarama.Records {
		b := &sarama.RecordBatch{FirstOffset: first, LastOffsetDelta: last}
		for _, d := range deltas {
			b.Records = append(b.Records, &sarama.Record{OffsetDelta: d, Key: []byte{byte(first + d)}})
		}
		return &sarama.Records{RecordBatch: b}
	}
	partial := &sarama.Records{RecordBatch: &sarama.RecordBatch{FirstOffset: 30, PartialTrailingRecord: true}}
	found, next, err := entries(0, 12, &sarama.FetchResponseBlock{
		RecordsSet: []*sarama.Records{batch(10, 4, 0, 2, 3), batch(20, 9, 1), partial}}, sarama.ReadUncommitted)
	require.NoError(t, err)
	assert.Equal(t, int64(30), next)
	var offsets []int64
	for _, e := range found {
		offsets = append(offsets, e.Offset)
	}
	assert.Equal(t, []int64{12, 13, 21}, offsets, "what lies before the position is not delivered again")
}
