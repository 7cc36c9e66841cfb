package worker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// batchOf makes a slab with one record for each given partition; tags count up from first.
func batchOf(t *tracker, first uint64, partitions ...*connect.Partition) *slab {
	s := t.take(len(partitions))
	for i, p := range partitions {
		sl := &s.slots[i]
		sl.size = 10
		sl.receipt = connect.Receipt{Source: p, Offset: connect.At("n", int64(first)+int64(i)), Tag: first + uint64(i)}
		sl.arm()
	}
	return s
}

func pointers(s *slab) []*slot {
	out := make([]*slot, len(s.slots))
	for i := range s.slots {
		out[i] = &s.slots[i]
	}
	return out
}

func tags(receipts []connect.Receipt) []uint64 {
	var out []uint64
	for _, r := range receipts {
		out = append(out, r.Tag)
	}
	return out
}

func TestReceiptsLeaveInOrderOfEachSourcePartition(t *testing.T) {
	var names connect.Partitions
	a, b := names.Intern(connect.Strings("p", "a")...), names.Intern(connect.Strings("p", "b")...)
	tr := newTracker(100, 1<<20)
	s := batchOf(tr, 0, a, b, a, b)
	slots := pointers(s)
	require.False(t, tr.submit(s, time.Now()))
	tr.letGo(s)

	require.Empty(t, tr.settle([]*slot{slots[2]}, nil, time.Now()), "the record before it is not acknowledged")
	require.Equal(t, []uint64{1}, tags(tr.settle([]*slot{slots[1]}, nil, time.Now())), "the other partition does not wait")
	require.Equal(t, []uint64{0, 2}, tags(tr.settle([]*slot{slots[0]}, nil, time.Now())))

	due := tr.positions()
	require.Len(t, due, 2)
	require.Equal(t, int64(2), due[0].offset.Int64())
	require.Equal(t, int64(1), due[1].offset.Int64(), "what follows is not acknowledged")
	tr.stored(due)
	require.Empty(t, tr.positions())
}

func TestAFilteredRecordWaitsForThoseBeforeIt(t *testing.T) {
	var names connect.Partitions
	a := names.Intern(connect.Strings("p", "a")...)
	tr := newTracker(100, 1<<20)
	s := batchOf(tr, 0, a, a)
	s.slots[1].skipped = true
	s.slots[1].receipt.Outcome = connect.Filtered
	slots := pointers(s)
	require.True(t, tr.submit(s, time.Now()))
	tr.letGo(s)
	require.Empty(t, tr.settle(nil, nil, time.Now()))
	require.Equal(t, []uint64{0, 1}, tags(tr.settle(slots[:1], nil, time.Now())))
}

func TestWhatIsUnsettledIsSentAgainInTheOrderOfPoll(t *testing.T) {
	var names connect.Partitions
	a, b := names.Intern(connect.Strings("p", "a")...), names.Intern(connect.Strings("p", "b")...)
	tr := newTracker(100, 1<<20)
	first, second := batchOf(tr, 0, a, b, a), batchOf(tr, 3, b, a)
	tr.submit(first, time.Now())
	tr.letGo(first)
	tr.submit(second, time.Now())
	tr.letGo(second)
	tr.settle([]*slot{&first.slots[1], &second.slots[0]}, nil, time.Now())
	sent := func(until *slot) (again []uint64) {
		for _, s := range tr.unsettled(until) {
			again = append(again, s.receipt.Tag)
		}
		return again
	}
	require.Equal(t, []uint64{0, 2, 4}, sent(nil))
	require.Equal(t, []uint64{0}, sent(&first.slots[2]))
	require.Equal(t, []uint64{0, 2}, sent(&second.slots[0]))
}

func TestTheWindowIsBoundedAndOpensAgain(t *testing.T) {
	tr := newTracker(3, 1<<20)
	s := batchOf(tr, 0, nil, nil, nil)
	tr.submit(s, time.Now())
	tr.letGo(s)
	require.True(t, tr.full())
	tr.settle(pointers(s)[:1], nil, time.Now())
	require.False(t, tr.full())
	require.Len(t, tr.room, 1, "whoever waits for room is told")
}

func TestOneStuckPartitionDoesNotHoldTheMemoryOfTheOthers(t *testing.T) {
	var names connect.Partitions
	a, b := names.Intern(connect.Strings("p", "a")...), names.Intern(connect.Strings("p", "b")...)
	tr := newTracker(100, 1<<20)
	stuck := batchOf(tr, 0, a)
	tr.submit(stuck, time.Now())
	tr.letGo(stuck)
	for i := range 1000 {
		s := batchOf(tr, uint64(i+1), b)
		tr.submit(s, time.Now())
		tr.letGo(s)
		require.Len(t, tr.settle(pointers(s), nil, time.Now()), 1)
	}
	held := 0
	for s := tr.first; s != nil; s = s.next {
		held++
	}
	require.Equal(t, 1, held)
	require.Equal(t, 1, tr.records)
}

// In whatever order Kafka answers, each record is acknowledged once, in its partition's order, and nothing stays behind.
func TestRandomAnswersNeverReorderReceipts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	var names connect.Partitions
	all := []*connect.Partition{nil}
	for _, n := range []string{"a", "b", "c"} {
		all = append(all, names.Intern(connect.Strings("p", n)...))
	}
	tr := newTracker(1<<20, 1<<30)
	last := map[*connect.Partition]int64{}
	var waiting []*slot
	sent, received := 0, 0
	for sent < 20000 || len(waiting) > 0 {
		if sent < 20000 {
			ps := make([]*connect.Partition, 1+rnd.IntN(50))
			for i := range ps {
				ps[i] = all[rnd.IntN(len(all))]
			}
			s := batchOf(tr, uint64(sent+1), ps...)
			sent += len(ps)
			waiting = append(waiting, pointers(s)...)
			tr.submit(s, time.Now())
			tr.letGo(s)
		}
		rnd.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
		n := rnd.IntN(min(len(waiting), 60) + 1)
		for _, r := range tr.settle(waiting[:n], nil, time.Now()) {
			require.Greater(t, int64(r.Tag), last[r.Source], "seed %d", seed)
			last[r.Source] = int64(r.Tag)
			received++
		}
		waiting = waiting[n:]
	}
	require.Equal(t, sent, received, "seed %d", seed)
	require.Nil(t, tr.first)
	require.Zero(t, tr.bytes)
}

func BenchmarkAcknowledging(b *testing.B) {
	const batch = 1000
	var names connect.Partitions
	ps := make([]*connect.Partition, batch)
	for i := range ps {
		ps[i] = names.Intern(connect.Strings("p", string(rune('a'+i%8)))...)
	}
	tr := newTracker(1<<20, 1<<30)
	done := make([]connect.Receipt, 0, batch)
	slots := make([]*slot, batch)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s := tr.take(batch)
		for i := range s.slots {
			s.slots[i].receipt.Source = ps[i]
			slots[i] = &s.slots[i]
		}
		tr.submit(s, now)
		tr.letGo(s)
		done = tr.settle(slots, done[:0], now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/record")
}
