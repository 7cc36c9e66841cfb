package wire

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// seeds is how many streams of random batches a test looks at.
func seeds() uint64 {
	if testing.Short() {
		return 15
	}
	return 60
}

func bytesOf(t *testing.T, out *Outgoing) []byte {
	t.Helper()
	data, err := Codec().Marshal(out)
	require.NoError(t, err)
	defer data.Free()
	return data.Materialize()
}

func TestGeneratedCodeReadsBatches(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var there connect.Partitions
		var partitions []*connect.Partition
		var enc SourceEncoder
		ref := reader{t: t}
		for range 5 {
			b := r.batch()
			out := enc.Encode(b, nil)
			if len(out) > 1 {
				break // a matter of TestBatchesArriveAsTheyWereSent
			}
			m := new(contract.FromSource)
			require.NoErrorf(t, proto.Unmarshal(bytesOf(t, out[0]), m), "seed %d", seed)
			require.Empty(t, m.GetBatch().ProtoReflect().GetUnknown())
			equalBatches(t, b, ref.batch(m.GetBatch(), &partitions, &there))
		}
	}
}

func TestGeneratedCodeReadsPuts(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var enc PutEncoder
		ref := reader{t: t}
		for number := range uint64(5) {
			records := r.sinkRecords()
			out, n, err := enc.Encode(number, records)
			require.NoError(t, err)
			m := new(contract.ToSink)
			require.NoErrorf(t, proto.Unmarshal(bytesOf(t, out), m), "seed %d", seed)
			require.Equal(t, number, m.GetPut().GetNumber())
			equalSinkRecords(t, records[:n], ref.put(m.GetPut()))
		}
	}
}

func TestBatchesOfGeneratedCodeAreRead(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var there connect.Partitions
		dec := NewSourceDecoder(there.Intern)
		var ref writer
		for range 5 {
			b := r.batch()
			m := ref.batch(b)
			if len(ref.numbers) > maxKnown {
				break
			}
			raw, err := proto.Marshal(&contract.FromSource{Message: &contract.FromSource_Batch{Batch: m}})
			require.NoError(t, err)
			var f FromSource
			require.NoError(t, f.read(r.rewritten(raw, contract.File_plugin_proto.Messages().ByName("FromSource"))))
			got := connect.NewBatch(1000, 1<<20)
			_, err = dec.Decode(f.Batch, got)
			require.NoErrorf(t, err, "seed %d", seed)
			equalBatches(t, b, got)
		}
	}
}

func TestPutsOfGeneratedCodeAreRead(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var dec PutDecoder
		var ref writer
		for number := range uint64(5) {
			records := r.sinkRecords()
			m := ref.put(number, records)
			if len(ref.numbers) > maxKnown {
				break
			}
			raw, err := proto.Marshal(&contract.ToSink{Message: &contract.ToSink_Put{Put: m}})
			require.NoError(t, err)
			raw = r.rewritten(raw, contract.File_plugin_proto.Messages().ByName("ToSink"))
			var f ToSink
			require.NoError(t, f.read(raw))
			gotNumber, got, err := dec.Decode(f.Put)
			require.NoErrorf(t, err, "seed %d", seed)
			require.Equal(t, number, gotNumber)
			equalSinkRecords(t, records, got)
		}
	}
}

// rewritten is the same message in another of the ways that protobuf allows: the fields in another order, those that are repeated keeping theirs; messages in
// two pieces; numbers longer than they need be; fields that nobody knows; of a field that may be there once an earlier one that does not count.
func (r *random) rewritten(raw []byte, m protoreflect.MessageDescriptor) []byte {
	type piece struct {
		field protowire.Number
		raw   []byte
	}
	var pieces []piece
	for rest := raw; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		value := rest[n : n+size]
		rest = rest[n+size:]
		field := m.Fields().ByNumber(number)
		out := r.tag(number, kind)
		switch {
		case field.Message() != nil && !field.IsMap():
			p, _ := protowire.ConsumeBytes(value)
			inner := r.rewritten(p, field.Message())
			if !field.IsList() && r.once(4) {
				if cut, ok := r.half(inner); ok {
					out = append(r.varint(out, uint64(cut)), inner[:cut]...)
					out = append(out, r.tag(number, kind)...)
					inner = inner[cut:]
				}
			}
			out = append(r.varint(out, uint64(len(inner))), inner...)
		case kind == protowire.BytesType:
			p, _ := protowire.ConsumeBytes(value)
			out = append(r.varint(out, uint64(len(p))), p...)
		case kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			if !field.IsList() && r.once(4) {
				out = append(r.varint(out, r.Uint64()>>60), r.tag(number, kind)...)
			}
			out = r.varint(out, v)
		default:
			out = append(out, value...)
		}
		pieces = append(pieces, piece{number, out})
	}
	for range r.IntN(3) {
		unknown := protowire.AppendTag(nil, protowire.Number(900+r.IntN(5)), protowire.BytesType)
		unknown = protowire.AppendBytes(unknown, r.bytes())
		switch r.IntN(4) {
		case 0:
			unknown = protowire.AppendVarint(protowire.AppendTag(nil, 1<<28, protowire.VarintType), r.Uint64())
		case 1:
			unknown = protowire.AppendFixed64(protowire.AppendTag(nil, 77, protowire.Fixed64Type), r.Uint64())
		case 2:
			unknown = append(protowire.AppendTag(nil, 78, protowire.StartGroupType), unknown...)
			unknown = protowire.AppendTag(unknown, 78, protowire.EndGroupType)
		}
		pieces = append(pieces, piece{protowire.Number(math.MaxInt32), unknown})
	}
	// Exchange neighbours; fields of one name, or of one oneof, stay in their order.
	for range 2 * len(pieces) {
		i := r.IntN(len(pieces))
		if i+1 < len(pieces) && pieces[i].field != pieces[i+1].field {
			pieces[i], pieces[i+1] = pieces[i+1], pieces[i]
		}
	}
	var out []byte
	for _, p := range pieces {
		out = append(out, p.raw...)
	}
	return out
}

// half is a place between two fields of a message.
func (r *random) half(raw []byte) (int, bool) {
	var cuts []int
	for at := 0; at < len(raw); {
		_, _, size := protowire.ConsumeField(raw[at:])
		at += size
		cuts = append(cuts, at)
	}
	if len(cuts) == 0 {
		return 0, false
	}
	return cuts[r.IntN(len(cuts))], true
}

// tag and varint write a number, now and then longer than it need be.
func (r *random) tag(number protowire.Number, kind protowire.Type) []byte {
	return r.varint(nil, protowire.EncodeTag(number, kind))
}

func (r *random) varint(out []byte, v uint64) []byte {
	out = protowire.AppendVarint(out, v)
	if size := protowire.SizeVarint(v); r.once(10) && size < 4 {
		out[len(out)-1] |= 0x80
		out = append(out, 0x80, 0)
	}
	return out
}
