package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// stream is both ends of one Source stream.
type stream struct {
	t   *testing.T
	enc SourceEncoder
	dec *SourceDecoder
}

func newStream(t *testing.T) *stream {
	return &stream{t: t, dec: NewSourceDecoder(new(connect.Partitions).Intern)}
}

func (s *stream) send(b *connect.Batch) (got *connect.Batch, messages int) {
	s.t.Helper()
	got = connect.NewBatch(1000, 1<<20)
	out := s.enc.Encode(b, nil)
	for _, o := range out {
		var f FromSource
		across(s.t, o, &f)
		_, err := s.dec.Decode(f.Batch, got)
		require.NoError(s.t, err)
	}
	return got, len(out)
}

func batchOf(n int, fill func(i int, r *connect.SourceRecord)) *connect.Batch {
	b := connect.NewBatch(n, 1<<30)
	for i := range n {
		fill(i, b.Next("topic", nil, connect.Offset{}))
	}
	return b
}

func point(name string) *connect.Schema {
	return connect.StructSchema(name, connect.F("x", connect.Int64Schema))
}

func TestSchemasBuiltAnewForEachRecordAreOneSchema(t *testing.T) {
	s := newStream(t)
	var first *connect.Schema
	for range 5 {
		got, messages := s.send(batchOf(1000, func(_ int, r *connect.SourceRecord) { r.SetStruct(connect.NewStruct(point("p"))) }))
		require.Equal(t, 1, messages)
		for i := range got.Records() {
			r := &got.Records()[i]
			if first == nil {
				first = r.ValueSchema
			}
			require.Same(t, first, r.ValueSchema)
			require.Same(t, first, r.Value.Struct().Schema())
		}
	}
	require.LessOrEqual(t, len(s.enc.schemas.byPointer), maxSent)
	require.Len(t, s.dec.known.numbered, 1)
}

func TestMoreSchemasThanTheContractAllowsAreForgottenInTime(t *testing.T) {
	s := newStream(t)
	for round := range 4 {
		b := connect.NewBatch(2500, 1<<30)
		for i := range 2500 {
			b.Next("topic", nil, connect.At("n", int64(i))).SetStruct(connect.NewStruct(point(fmt.Sprint(round%2, "-", i))))
			if i%500 == 499 {
				b.CommitTransaction()
			}
		}
		b.AbortTransaction()
		got, messages := s.send(b)
		require.GreaterOrEqual(t, messages, 3)
		equalBatches(t, b, got)
		require.LessOrEqual(t, len(s.dec.known.numbered), maxKnown)
	}
}

func TestSchemasThatAreSentAgainAreTheSamePointer(t *testing.T) {
	s := newStream(t)
	b := batchOf(1, func(_ int, r *connect.SourceRecord) { r.SetStruct(connect.NewStruct(point("p"))) })
	got, _ := s.send(b)
	first := got.Records()[0].ValueSchema
	s.enc.schemas.full = true
	got, _ = s.send(b)
	require.Same(t, first, got.Records()[0].ValueSchema)
}

func TestASchemaIsSaidOnlyWhereItIsNotThatOfThePlace(t *testing.T) {
	inner := point("inner")
	outer := connect.StructSchema("outer", connect.F("a", inner), connect.F("b", inner))
	v := connect.NewStruct(outer)
	v.SetAt(0, connect.StructOf(connect.NewStruct(inner)))
	v.SetAt(1, connect.StructOf(connect.NewStruct(point("inner"))))
	var enc SourceEncoder
	out := enc.Encode(batchOf(1, func(_ int, r *connect.SourceRecord) { r.SetStruct(v) }), nil)
	m := new(contract.FromSource)
	require.NoError(t, proto.Unmarshal(bytesOf(t, out[0]), m))
	value := m.GetBatch().GetRecords()[0].GetValue().GetStruct()
	require.Zero(t, value.GetSchema())
	require.Zero(t, value.GetValues()[0].GetStruct().GetSchema())
	require.Equal(t, uint32(17), value.GetValues()[1].GetStruct().GetSchema())
	require.Len(t, m.GetBatch().GetSchemas(), 2)
}

func nest(levels int) connect.Value {
	v := connect.Int8(1)
	for range levels {
		v = connect.Array([]connect.Value{v})
	}
	return v
}

func TestWhatNestsTooDeepIsARejectedRecord(t *testing.T) {
	s := newStream(t)
	b := batchOf(3, func(i int, r *connect.SourceRecord) { r.Value = nest(maxDepth - 1 + i); r.Tag = uint64(i) })
	got, _ := s.send(b)
	require.Equal(t, 3, got.Len())
	require.True(t, b.Records()[1].Value.Equal(got.Records()[1].Value))
	for i := range 2 {
		require.NoError(t, got.Records()[i].Rejected())
	}
	require.ErrorContains(t, got.Records()[2].Rejected(), "deeper than 64")
	require.Equal(t, uint64(2), got.Records()[2].Tag)
}

func TestARecordOfARecursiveSchemaIsARejectedRecord(t *testing.T) {
	node := connect.DeclareStruct(connect.Named("Node"))
	optional := node.Schema().With(connect.Optional())
	schema, err := node.Define(connect.F("left", optional), connect.F("right", optional))
	require.NoError(t, err)
	holder := connect.StructSchema("Holder", connect.F("nodes", connect.ArraySchema(schema)))
	s := newStream(t)
	got, _ := s.send(batchOf(3, func(i int, r *connect.SourceRecord) {
		switch r.Tag = uint64(i); i {
		case 0:
			r.SetStruct(connect.NewStruct(schema))
		case 1:
			r.SetStruct(connect.NewStruct(holder).Set("nodes", connect.Array([]connect.Value{connect.StructOf(connect.NewStruct(schema))})))
		default:
			r.Value = connect.String("x")
		}
	}))
	require.Equal(t, 3, got.Len())
	require.ErrorContains(t, got.Records()[0].Rejected(), `its schema "Node" is recursive`)
	require.ErrorContains(t, got.Records()[1].Rejected(), `its schema "Holder" is recursive`)
	require.NoError(t, got.Records()[2].Rejected())
	require.Equal(t, "x", got.Records()[2].Value.Str())
	_, _, _, err = new(Sender).Value(schema, connect.StructOf(connect.NewStruct(schema)))
	require.ErrorIs(t, err, connect.ErrData)
}

// wide is a list of so many structs with a schema each.
func wide(n int) connect.Value {
	list := make([]connect.Value, n)
	for i := range list {
		list[i] = connect.StructOf(connect.NewStruct(point(fmt.Sprint(i))))
	}
	return connect.Array(list)
}

func TestARecordOfTooManySchemasIsARejectedRecord(t *testing.T) {
	s := newStream(t)
	b := batchOf(4, func(i int, r *connect.SourceRecord) {
		r.Value = []connect.Value{wide(2), wide(maxSent + 1), wide(maxSent), wide(3)}[i]
	})
	for range 2 {
		got, _ := s.send(b)
		require.Equal(t, 4, got.Len())
		for i := range got.Records() {
			if i == 1 {
				require.ErrorContains(t, got.Records()[i].Rejected(), "schemas")
				continue
			}
			require.NoError(t, got.Records()[i].Rejected())
			require.True(t, b.Records()[i].Value.Equal(got.Records()[i].Value))
		}
	}
}

func TestABatchOfManyBytesIsSeveralMessages(t *testing.T) {
	s := newStream(t)
	text := strings.Repeat("x", 1<<20)
	b := batchOf(10, func(i int, r *connect.SourceRecord) { r.SetString(text[i:]) })
	got, messages := s.send(b)
	require.Equal(t, 3, messages)
	equalBatches(t, b, got)
}

func TestAPutOfManyBytesOrSchemasIsSeveral(t *testing.T) {
	var enc PutEncoder
	var dec PutDecoder
	records := make([]connect.SinkRecord, 2000)
	for i := range records {
		records[i].Topic, records[i].Consumed.Topic, records[i].Timestamp = "t", "t", connect.NoTimestamp
		records[i].SetStruct(connect.NewStruct(point(fmt.Sprint(i))))
	}
	records[3].SetString(strings.Repeat("x", splitBytes))
	var sizes []int
	for rest := records; len(rest) > 0; {
		out, n, err := enc.Encode(uint64(len(sizes)), rest)
		require.NoError(t, err)
		var f ToSink
		across(t, out, &f)
		number, got, err := dec.Decode(f.Put)
		require.NoError(t, err)
		require.Equal(t, uint64(len(sizes)), number)
		equalSinkRecords(t, rest[:n], got)
		rest, sizes = rest[n:], append(sizes, n)
	}
	require.Equal(t, []int{4, maxSent - 3, maxSent, 2000 - 2*maxSent - 1}, sizes)
}

func TestAPutSaysWhichRecordItCannotCarry(t *testing.T) {
	var enc PutEncoder
	var dec PutDecoder
	records := make([]connect.SinkRecord, 3)
	for i := range records {
		records[i].Value, records[i].Consumed.Topic, records[i].Offset = connect.Int8(1), "t", int64(i)
	}
	records[1].Value = nest(maxDepth + 1)
	_, n, err := enc.Encode(1, records)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, n, err = enc.Encode(2, records[1:])
	require.ErrorIs(t, err, connect.ErrData)
	require.ErrorContains(t, err, "t-0 at 1")
	require.Zero(t, n)
	out, n, err := enc.Encode(3, records[2:])
	require.NoError(t, err)
	require.Equal(t, 1, n)
	var f ToSink
	across(t, out, &f)
	_, _, err = dec.Decode(f.Put)
	require.NoError(t, err)
}

func TestTextThatIsNotUTF8IsReplacedAsInJava(t *testing.T) {
	s := newStream(t)
	got, _ := s.send(batchOf(1, func(_ int, r *connect.SourceRecord) {
		r.SetString("a\xffb")
		r.SetKey(strings.Repeat("k", 50) + "\xc3")
	}))
	require.Equal(t, "a\uFFFDb", got.Records()[0].Value.Str())
	require.Equal(t, strings.Repeat("k", 50)+"\uFFFD", got.Records()[0].Key.Str())
}

func TestNullsTombstonesAndEmptyOnesStayWhatTheyAre(t *testing.T) {
	s := newStream(t)
	var b connect.Batch
	b.Next("t", nil, connect.Offset{}).ValueSchema = connect.OptionalStringSchema
	b.Next("t", nil, connect.NewOffset()).SetBytes([]byte{})
	b.Next("t", nil, connect.Offset{}).SetString("")
	r := b.Next("t", nil, connect.Offset{})
	r.Value, r.Key = connect.Array(nil), connect.MapOf(connect.NewMap(0))
	got, _ := s.send(&b)
	equalBatches(t, &b, got)
	require.Same(t, connect.OptionalStringSchema, got.Records()[0].ValueSchema)
	require.Same(t, connect.BytesSchema, got.Records()[1].ValueSchema)
	require.NotNil(t, got.Records()[1].Value.Bytes())
}

// within reports whether text lies in the memory of buf.
func within(text string, buf []byte) bool {
	at, from := uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	return at >= from && at < from+uintptr(len(buf))
}

func TestValuesShareTheMessageAndNamesDoNot(t *testing.T) {
	var enc SourceEncoder
	dec := NewSourceDecoder(new(connect.Partitions).Intern)
	b := connect.NewBatch(10, 1000)
	for range 3 {
		r := b.Next("some-topic", nil, connect.NewOffset(connect.Attr{Name: "file", Value: connect.String("name of a file")}))
		r.SetString("some value")
		r.Header("header", connect.BytesSchema, connect.Bytes([]byte("header value")))
		r.Key = connect.MapOf(connect.NewMap(1).Put(connect.String("map key"), connect.String("map value")))
	}
	var f FromSource
	across(t, enc.Encode(b, nil)[0], &f)
	got := connect.NewBatch(10, 1000)
	_, err := dec.Decode(f.Batch, got)
	require.NoError(t, err)
	topic, keys := got.Records()[0].Topic, got.Records()[0].Key.Map().Keys()
	for _, r := range got.Records() {
		require.True(t, within(r.Value.Str(), f.Batch))
		require.True(t, within(alias(r.Headers[0].Value.Bytes()), f.Batch))
		require.True(t, within(r.Key.Map().At(0).Str(), f.Batch))
		require.False(t, within(r.Topic, f.Batch))
		require.False(t, within(r.Headers[0].Key, f.Batch))
		require.False(t, within(r.Offset.Attrs()[0].Name, f.Batch))
		require.False(t, within(r.Offset.Attrs()[0].Value.Str(), f.Batch))
		require.False(t, within(r.Key.Map().Keys().At(0).Str(), f.Batch))
		require.Same(t, unsafe.StringData(topic), unsafe.StringData(r.Topic))
		require.Same(t, keys, r.Key.Map().Keys())
	}
}

func TestManyTopicsAreEachTheirOwn(t *testing.T) {
	s := newStream(t)
	var b connect.Batch
	for i := range 5000 {
		b.Next(fmt.Sprint("topic-", i*7919%1000), nil, connect.Offset{}).SetString("")
	}
	got, _ := s.send(&b)
	equalBatches(t, &b, got)
}

func TestNothingIsAllocatedForARecord(t *testing.T) {
	for _, kind := range benchKinds {
		var parts, there connect.Partitions
		b := connect.NewBatch(benchRecords, 1<<20)
		fill(b, kind, parts.Intern(connect.Strings("filename", "f")...))
		enc := SourceEncoder{Ledger: new(Ledger)}
		dec := NewSourceDecoder(there.Intern)
		got := connect.NewBatch(benchRecords, 1<<20)
		var done []connect.Receipt
		trip := func() {
			got.Reset()
			var f FromSource
			across(t, enc.Encode(b, nil)[0], &f)
			_, err := dec.Decode(f.Batch, got)
			require.NoError(t, err)
			done = done[:0]
			for i := range got.Records() {
				r := &got.Records()[i]
				done = append(done, connect.Receipt{Source: r.Source, Topic: r.Topic, KafkaOffset: int64(i)})
			}
			out := dec.Receipts(done)
			_, err = enc.Ledger.Expand(*out.body)
			require.NoError(t, err)
		}
		trip()
		pieces := 200.0 // of structs, values and headers
		if kind == "string" {
			pieces = 60
		}
		require.Lessf(t, testing.AllocsPerRun(20, trip), pieces, "%s: for %d records", kind, benchRecords)
	}
}

func TestMessagesGoThroughTheCodec(t *testing.T) {
	c := Codec()
	require.Equal(t, "proto", c.Name())
	out := new(SourceEncoder).Encode(new(connect.Batch), nil)[0]
	data, err := c.Marshal(out)
	require.NoError(t, err)
	require.Positive(t, data.Len())
	_, err = c.Marshal(out)
	require.ErrorIs(t, err, errSentTwice)

	var f FromSource
	require.NoError(t, c.Unmarshal(data, &f))
	require.NotNil(t, f.Batch)
	ping, err := c.Marshal(&contract.FromSource{Message: &contract.FromSource_Log{Log: &contract.LogLine{Text: "hello"}}})
	require.NoError(t, err)
	require.NoError(t, c.Unmarshal(ping, &f))
	require.Nil(t, f.Batch)
	require.Equal(t, "hello", f.Message.GetLog().GetText())
	var plain contract.FromSource
	require.NoError(t, c.Unmarshal(ping, &plain))
	require.ErrorContains(t, c.Unmarshal(mem.BufferSlice{mem.SliceBuffer{0x12, 0x09}}, &f), "FromSource: a length beyond the end")
	require.NoError(t, c.Unmarshal(nil, &f))
	require.Nil(t, f.Message.GetMessage())
}

func TestTheLastMemberOfAOneofCounts(t *testing.T) {
	log, _ := proto.Marshal(&contract.FromSource{Message: &contract.FromSource_Log{Log: &contract.LogLine{Text: "hello"}}})
	batch, _ := proto.Marshal(&contract.FromSource{Message: &contract.FromSource_Batch{Batch: &contract.SourceBatch{Forget: true}}})
	var f FromSource
	require.NoError(t, f.read(append(append([]byte{}, batch...), log...)))
	require.Nil(t, f.Batch)
	require.Equal(t, "hello", f.Message.GetLog().GetText())
	require.NoError(t, f.read(append(append([]byte{}, log...), batch...)))
	require.Equal(t, []byte{0x08, 1}, f.Batch)
	require.Nil(t, f.Message)

	put, _ := proto.Marshal(&contract.ToSink{Message: &contract.ToSink_Put{Put: &contract.Put{Number: 1}}})
	drain, _ := proto.Marshal(&contract.ToSink{Message: &contract.ToSink_Drain{Drain: &contract.Drain{Number: 2}}})
	var s ToSink
	require.NoError(t, s.read(append(put, drain...)))
	require.Nil(t, s.Put)
	require.Equal(t, uint64(2), s.Message.GetDrain().GetNumber())
}

func TestFaultsKeepTheirClass(t *testing.T) {
	require.Nil(t, ToFault(nil))
	require.NoError(t, FromFault(nil))
	trip := func(err error) error { return FromFault(ToFault(err)) }
	var retry *connect.RetryError
	require.ErrorAs(t, trip(fmt.Errorf("reading: %w", connect.Retry(errors.New("down"), 1500e6))), &retry)
	require.Equal(t, "reading: down", retry.Error())
	require.Equal(t, int64(1500), retry.After.Milliseconds())
	var config *connect.ConfigError
	require.ErrorAs(t, trip(&connect.ConfigError{Key: "file", Reason: "is missing"}), &config)
	require.Equal(t, connect.ConfigError{Key: "file", Reason: "is missing"}, *config)
	data := trip(fmt.Errorf("%w: odd", connect.ErrData))
	require.ErrorIs(t, data, connect.ErrData)
	require.Equal(t, "data error: odd", data.Error())
	require.ErrorIs(t, trip(connect.ErrUnsupported), connect.ErrUnsupported)
	require.EqualError(t, trip(errors.New("broken")), "broken")
	require.EqualError(t, FromFault(&contract.Fault{Class: 77, Message: "new"}), "new")
	require.ErrorAs(t, FromFault(&contract.Fault{Class: contract.Fault_RETRY, RetryAfterMs: 1 << 62}), &retry)
	require.Positive(t, retry.After)
}

func TestSpecsArriveAsTheyWereSent(t *testing.T) {
	spec := connect.NewSpec("org.Example", "1.2",
		connect.StringKey("file", "The file.").Must(connect.NonEmpty),
		connect.IntKey("batch.size", "So many.").Default(7).Importance(connect.Low).Group("g", 2, connect.WidthShort, "Batch size").Dependents("file"),
		connect.PasswordKey("secret", "").Optional())
	spec.Aliases, spec.Prefixes, spec.DeadLetterTopic, spec.TaskClass = []string{"Example"}, []string{"source."}, "dlq", "org.ExampleTask"
	class := FromSpec(spec)
	require.True(t, class.Keys[0].Checked)
	spec.Keys[0].Check = nil
	require.Equal(t, spec, ToSpec(class))
}

func TestPartsOfRecordsGoThroughTheGeneratedCode(t *testing.T) {
	for seed := range seeds() {
		r := newRandom(seed)
		var send Sender
		var receive Receiver
		for range 10 {
			records := r.sinkRecords()
			for i := range records {
				m, schemas, err := send.SinkRecord(&records[i])
				require.NoError(t, err)
				require.NoError(t, receive.Learn(schemas.Forget, schemas.New))
				var got connect.SinkRecord
				require.NoError(t, receive.SinkRecord(m, &got))
				equalSinkRecords(t, records[i:i+1], []connect.SinkRecord{got})

				plain, schemas, err := send.Record(&records[i].Record)
				require.NoError(t, err)
				require.NoError(t, receive.Learn(schemas.Forget, schemas.New))
				require.NoError(t, receive.Record(plain, &got.Record))
				equalRecords(t, &records[i].Record, &got.Record)

				number, v, schemas, err := send.Value(records[i].ValueSchema, records[i].Value)
				require.NoError(t, err)
				require.NoError(t, receive.Learn(schemas.Forget, schemas.New))
				s, back, err := receive.Value(number, v)
				require.NoError(t, err)
				equalData(t, "value", records[i].ValueSchema, s, records[i].Value, back)
			}
			o := r.offset()
			m, err := ToOffset(o)
			require.NoError(t, err)
			back, err := FromOffset(m)
			require.NoError(t, err)
			equalOffsets(t, o, back)
			attrs, err := ToAttrs(r.attrs())
			require.NoError(t, err)
			_, err = FromAttrs(attrs)
			require.NoError(t, err)
		}
	}
	_, err := ToValue(connect.StructOf(connect.NewStruct(point("p"))))
	require.ErrorIs(t, err, connect.ErrData)
	_, _, _, err = new(Sender).Value(nil, nest(maxDepth+1))
	require.ErrorIs(t, err, connect.ErrData)
}
