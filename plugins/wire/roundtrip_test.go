package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// across is what gRPC does with a message: out of the codec, and into it in pieces.
func across(t testing.TB, out *Outgoing, into any) {
	t.Helper()
	data, err := Codec().Marshal(out)
	require.NoError(t, err)
	whole := data.Materialize()
	data.Free()
	half := len(whole) / 2
	require.NoError(t, Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(whole[:half]), mem.SliceBuffer(whole[half:])}, into))
}

func TestBatchesArriveAsTheyWereSent(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var there connect.Partitions
		var enc SourceEncoder
		dec := NewSourceDecoder(there.Intern)
		for range 10 {
			b := r.batch()
			var fault *contract.Fault
			if r.once(4) {
				fault = &contract.Fault{Message: r.text(), Class: contract.Fault_RETRY}
			}
			got := connect.NewBatch(1000, 1<<20)
			out := enc.Encode(b, fault)
			var back *contract.Fault
			for i := range out { // more than one where there are too many schemas
				require.Nil(t, back)
				before := got.Len()
				var f FromSource
				across(t, out[i], &f)
				require.Nil(t, f.Message)
				var err error
				back, err = dec.Decode(f.Batch, got)
				require.NoErrorf(t, err, "seed %d", seed)
				require.Equal(t, got.Len()-before, Count(f.Batch))
			}
			equalBatches(t, b, got)
			require.Equal(t, fault.GetMessage(), back.GetMessage())
			require.Equal(t, fault.GetClass(), back.GetClass())
		}
	}
}

func TestPutsArriveAsTheyWereSent(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var enc PutEncoder
		var dec PutDecoder
		for number := range uint64(10) {
			records := r.sinkRecords()
			for len(records) > 0 { // more than once where there are too many schemas
				out, n, err := enc.Encode(number, records)
				require.NoError(t, err)
				var f ToSink
				across(t, out, &f)
				require.Nil(t, f.Message)
				gotNumber, got, err := dec.Decode(f.Put)
				require.NoErrorf(t, err, "seed %d", seed)
				require.Equal(t, number, gotNumber)
				equalSinkRecords(t, records[:n], got)
				records = records[n:]
			}
		}
	}
}
