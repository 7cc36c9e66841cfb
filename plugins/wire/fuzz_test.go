package wire

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// What a decoder may allocate for bytes that somebody sent: so many times their length, and what it makes room for in advance.
const (
	amplified = 160
	inAdvance = 64 << 10
)

// bounded reports what f allocates for raw beyond what is allowed.
func bounded(t *testing.T, raw []byte, f func()) {
	t.Helper()
	if used := testbed.Allocated(f); used > uint64(amplified*len(raw)+inAdvance) {
		t.Fatalf("%d bytes were allocated for a message of %d", used, len(raw))
	}
}

// touch looks at all that a record has, as whoever is given it will.
func touch(r *connect.Record) {
	_, _ = r.Key.String(), r.Value.String()
	for _, h := range r.Headers {
		_ = h.Key + h.Value.String()
	}
}

func FuzzSourceBatch(f *testing.F) {
	for seed := range uint64(25) {
		r := newRandom(seed)
		var enc SourceEncoder
		for range 3 {
			for _, out := range enc.Encode(r.batch(), &contract.Fault{Message: "broken"}) {
				if raw := append(append([]byte{}, out.head...), *out.body...); len(raw) < 1500 {
					f.Add(raw)
				}
			}
		}
		m, _ := proto.Marshal(&contract.FromSource{Message: &contract.FromSource_Batch{Batch: new(writer).batch(r.batch())}})
		if len(m) < 1500 {
			f.Add(m)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var there connect.Partitions
		dec := NewSourceDecoder(there.Intern)
		var frame FromSource
		if frame.read(raw) != nil || frame.Batch == nil {
			return
		}
		b := connect.NewBatch(1000, 1<<20)
		var err error
		bounded(t, raw, func() { _, err = dec.Decode(frame.Batch, b) })
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Equal(t, b.Len(), Count(frame.Batch))
		for i := range b.Records() {
			touch(&b.Records()[i].Record)
		}
		// What is understood can be sent on, and says the same.
		var enc SourceEncoder
		again := connect.NewBatch(1000, 1<<20)
		back := NewSourceDecoder(new(connect.Partitions).Intern)
		for _, out := range enc.Encode(b, nil) {
			var frame FromSource
			across(t, out, &frame)
			_, err := back.Decode(frame.Batch, again)
			require.NoError(t, err)
		}
		require.Equal(t, b.Len(), again.Len())
	})
}

func FuzzPut(f *testing.F) {
	for seed := range uint64(25) {
		r := newRandom(seed)
		var enc PutEncoder
		for number := range uint64(3) {
			if out, _, err := enc.Encode(number, r.sinkRecords()); err == nil && out.Len() < 1500 {
				f.Add(append(append([]byte{}, out.head...), *out.body...))
			}
		}
		m, _ := proto.Marshal(&contract.ToSink{Message: &contract.ToSink_Put{Put: new(writer).put(7, r.sinkRecords())}})
		if len(m) < 1500 {
			f.Add(m)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var dec PutDecoder
		var frame ToSink
		if frame.read(raw) != nil || frame.Put == nil {
			return
		}
		var records []connect.SinkRecord
		var err error
		bounded(t, raw, func() { _, records, err = dec.Decode(frame.Put) })
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for i := range records {
			touch(&records[i].Record)
		}
		var enc PutEncoder
		for len(records) > 0 {
			_, n, err := enc.Encode(1, records)
			if errors.Is(err, connect.ErrData) {
				return
			}
			require.NoError(t, err)
			records = records[n:]
		}
	})
}

func FuzzReceipts(f *testing.F) {
	m, _ := proto.Marshal(&contract.ToSource{Message: &contract.ToSource_Receipts{Receipts: &contract.Receipts{Runs: []*contract.Run{
		{Source: 1, Count: 3, Topic: "t", KafkaPartition: 2, KafkaOffset: 1 << 40}, {Count: 2, Outcome: contract.Run_ABORTED},
	}}}})
	f.Add(m)
	f.Add(protowire.AppendVarint([]byte{0x1a, 0x0d, 0x0a, 0x0b, 0x10}, 1<<63))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var frame ToSource
		if frame.read(raw) != nil || frame.Receipts == nil {
			return
		}
		var parts connect.Partitions
		enc := SourceEncoder{Ledger: new(Ledger)}
		b := connect.NewBatch(1000, 1<<20)
		for i := range 40 {
			b.Next("t", []*connect.Partition{nil, parts.Intern(connect.Strings("p", "1")...)}[i%2], connect.At("n", int64(i)))
		}
		const sent = 40
		enc.Encode(b, nil)
		bounded(t, raw, func() {
			done, err := enc.Ledger.Expand(frame.Receipts)
			if err == nil && len(done) > sent {
				t.Fatalf("%d receipts of %d records", len(done), sent)
			}
		})
	})
}
