package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// receipts are what a host says of the records of batches, in the order of each source partition but with partitions between one another.
func (r *random) receipts(records []connect.SourceRecord) []connect.Receipt {
	var done []connect.Receipt
	at := int64(1000)
	for i := range records {
		rec := &records[i]
		d := connect.Receipt{Source: rec.Source, Offset: rec.Offset, Tag: rec.Tag, KafkaPartition: -1, KafkaOffset: -1, Outcome: connect.Filtered}
		if r.once(6) {
			d.Outcome = connect.Outcome(1 + r.IntN(4))
		} else {
			if r.once(5) {
				at += int64(r.IntN(3))
			}
			at++
			d.Topic, d.KafkaPartition, d.KafkaOffset, d.Outcome = rec.Topic, int32(r.IntN(8)/7), at, connect.Produced
		}
		done = append(done, d)
	}
	for range len(done) { // neighbours of other partitions may be ahead
		if i := r.IntN(len(done)); i+1 < len(done) && done[i].Source != done[i+1].Source {
			done[i], done[i+1] = done[i+1], done[i]
		}
	}
	return done
}

func TestReceiptsArriveWithOffsetsAndTags(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		here, there := &r.partitions, new(connect.Partitions)
		enc := SourceEncoder{Ledger: new(Ledger)}
		dec := NewSourceDecoder(there.Intern)
		for range 10 {
			got := connect.NewBatch(1000, 1<<20)
			for range 1 + r.IntN(3) {
				for _, out := range enc.Encode(r.batch(), nil) {
					var f FromSource
					across(t, out, &f)
					_, err := dec.Decode(f.Batch, got)
					require.NoError(t, err)
				}
			}
			done := r.receipts(got.Records())
			for len(done) > 0 { // in as many messages as it pleases
				n := 1 + r.IntN(len(done))
				var f ToSource
				across(t, dec.Receipts(done[:n]), &f)
				back, err := enc.Ledger.Expand(f.Receipts)
				require.NoErrorf(t, err, "seed %d", seed)
				require.Len(t, back, n)
				for i := range back {
					want, got := done[i], back[i]
					equalOffsets(t, want.Offset, got.Offset)
					if want.Source != nil {
						require.Same(t, here.Intern(want.Source.Attrs()...), got.Source)
					}
					want.Offset, got.Offset, want.Source, got.Source = connect.Offset{}, connect.Offset{}, nil, nil
					require.Equal(t, want, got)
				}
				done = done[n:]
			}
		}
		for _, q := range enc.Ledger.rings {
			require.Equal(t, q.sent, q.first)
		}
	}
}

func TestReceiptsOfWhatWasNotSentAreRefused(t *testing.T) {
	for want, run := range map[string]*contract.Run{
		"run 1 of the receipts: source 5: nothing was sent of it":                  {Source: 5, Count: 1},
		"run 1 of the receipts: source 0: 3 records, of 2 that were not receipted": {Count: 3},
	} {
		enc := SourceEncoder{Ledger: new(Ledger)}
		enc.Encode(batchOf(3, func(i int, r *connect.SourceRecord) { r.Tag = uint64(i) }), nil)
		raw, err := proto.Marshal(&contract.Receipts{Runs: []*contract.Run{{Count: 1}, run}})
		require.NoError(t, err)
		_, err = enc.Ledger.Expand(raw)
		require.EqualError(t, err, want)
	}
}

func TestAnOutcomeOfALaterVersionMeansDoneWith(t *testing.T) {
	enc := SourceEncoder{Ledger: new(Ledger)}
	enc.Encode(batchOf(1, func(_ int, r *connect.SourceRecord) { r.Tag = 7 }), nil)
	raw, err := proto.Marshal(&contract.Receipts{Runs: []*contract.Run{{Count: 1, Outcome: 99}}})
	require.NoError(t, err)
	done, err := enc.Ledger.Expand(raw)
	require.NoError(t, err)
	require.Equal(t, []connect.Receipt{{Tag: 7, Outcome: connect.Dropped, KafkaPartition: -1, KafkaOffset: -1}}, done)
}

func TestRunsAreAsLongAsKafkaLetsThem(t *testing.T) {
	dec := NewSourceDecoder(new(connect.Partitions).Intern)
	var done []connect.Receipt
	for i := range 100 {
		done = append(done, connect.Receipt{Topic: "t", KafkaPartition: int32(i / 50), KafkaOffset: int64(i)})
	}
	done = append(done, connect.Receipt{Outcome: connect.Filtered, KafkaPartition: -1, KafkaOffset: -1}, connect.Receipt{Outcome: connect.Filtered, KafkaPartition: -1, KafkaOffset: -1})
	m := new(contract.ToSource)
	require.NoError(t, proto.Unmarshal(bytesOf(t, dec.Receipts(done)), m))
	runs := m.GetReceipts().GetRuns()
	require.Len(t, runs, 3)
	require.Equal(t, []uint32{50, 50, 2}, []uint32{runs[0].Count, runs[1].Count, runs[2].Count})
	require.Equal(t, int64(50), runs[1].KafkaOffset)
	require.Equal(t, contract.Run_FILTERED, runs[2].Outcome)
}
