package connecttest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect"
)

// groups is a source of numbers in transactions of three, of which every second is aborted; only says how many numbers there are.
type groups struct {
	*scripted
	defines bool
}

func (g groups) DefinesTransactions(connect.Config) bool { return g.defines }

func grouped(only int64, told func([]connect.Receipt)) groups {
	var part *connect.Partition
	var next int64
	s := &scripted{ack: func(done []connect.Receipt) error { told(done); return nil }}
	s.open = func(rt connect.SourceContext) error {
		part = rt.Partition("of", "groups")
		at, err := rt.Offset(context.Background(), part)
		next = at.Int64()
		return err
	}
	s.poll = func(ctx context.Context, b *connect.Batch) error {
		if next == only {
			<-ctx.Done()
			return ctx.Err()
		}
		for range 2 { // ends of transactions lie within batches and between them
			if next == only {
				break
			}
			next++
			b.Next("t", part, connect.At("n", next)).SetString(string(rune('a' + next - 1)))
			switch next % 6 {
			case 3:
				b.CommitTransaction()
			case 0:
				b.AbortTransaction()
			}
		}
		return nil
	}
	return groups{s, true}
}

func TestRecordsAreSeenWhenTheirTransactionHasEnded(t *testing.T) {
	told := make(chan connect.Receipt, 100)
	src := StartSource(t, grouped(10, func(done []connect.Receipt) {
		for _, r := range done {
			told <- r
		}
	}), nil, Transactions())
	assert.Equal(t, []string{"a", "b", "c", "g", "h", "i"}, texts(src.Take(6)), "the second three are aborted")
	for n := range 9 {
		want := connect.Produced
		if n >= 3 && n < 6 {
			want = connect.Aborted
		}
		r := <-told
		assert.Equal(t, want, r.Outcome, "number %d", n+1)
		assert.Equal(t, int64(n+1), r.Offset.Int64())
	}
	src.Stop()
	assert.Equal(t, int64(9), src.Offset("of", "groups").Int64(), "the tenth is in no transaction that has ended")
	assert.Empty(t, told)
}

func TestWithoutTransactionsTheirEndsHaveNoEffect(t *testing.T) {
	src := StartSource(t, grouped(10, func([]connect.Receipt) {}), nil)
	assert.Len(t, src.Take(10), 10)
}

func TestASourceThatDefinesNoTransactionsIsRefused(t *testing.T) {
	undefined := grouped(1, func([]connect.Receipt) {})
	undefined.defines = false
	for _, c := range []connect.SourceConnector{undefined, undefined.scripted} {
		assert.Contains(t, verdict(t, func(t testing.TB) { StartSource(t, c, nil, Transactions()) }), "does not define transactions")
	}
}
