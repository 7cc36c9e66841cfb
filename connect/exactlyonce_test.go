package connect

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestABatchTellsWhereTransactionsEnd(t *testing.T) {
	b := NewBatch(10, 1<<20)
	b.CommitTransaction()
	b.Next("t", nil, Offset{})
	b.AbortTransaction()
	b.Next("t", nil, Offset{})
	b.Next("t", nil, Offset{})
	b.CommitTransaction()
	assert.Equal(t, []TransactionEnd{{Records: 0}, {Records: 1, Abort: true}, {Records: 3}}, b.TransactionEnds())
	b.Reset()
	assert.Empty(t, b.TransactionEnds())
}
