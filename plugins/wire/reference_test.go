package wire

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// reader and writer read and write the contract through the generated code alone, as a plugin in another language would, and in the most literal way. What is
// coded by hand is held against them.
type reader struct {
	t       *testing.T
	schemas []*connect.Schema
}

func (r *reader) learn(forget bool, schemas []*contract.Schema) {
	if forget {
		r.schemas = nil
	}
	for _, s := range schemas {
		r.schemas = append(r.schemas, r.schema(s))
	}
	require.LessOrEqual(r.t, len(r.schemas), 999)
}

func (r *reader) number(n uint32) *connect.Schema {
	if n < 16 {
		return plainSchemas[n]
	}
	require.Less(r.t, int(n-16), len(r.schemas))
	return r.schemas[n-16]
}

func (r *reader) schema(in *contract.Schema) *connect.Schema {
	var opts []connect.SchemaOption
	if in.GetOptional() {
		opts = append(opts, connect.Optional())
	}
	if in.Name != nil {
		opts = append(opts, connect.Named(in.GetName()))
	}
	if in.Version != nil {
		opts = append(opts, connect.Version(int(in.GetVersion())))
	}
	if in.Doc != nil {
		opts = append(opts, connect.Doc(in.GetDoc()))
	}
	for k, v := range in.GetParams() {
		opts = append(opts, connect.Param(k, v))
	}
	var s *connect.Schema
	switch in.GetKind() {
	case contract.Kind_ARRAY:
		s = connect.ArraySchema(r.maybe(in.GetValues()), opts...)
	case contract.Kind_MAP:
		s = connect.MapSchema(r.maybe(in.GetKeys()), r.maybe(in.GetValues()), opts...)
	case contract.Kind_STRUCT:
		var fields []connect.Field
		for _, f := range in.GetFields() {
			fields = append(fields, connect.F(f.GetName(), r.schema(f.GetSchema())))
		}
		var err error
		s, err = connect.BuildStructSchema(fields, opts...)
		require.NoError(r.t, err)
	default:
		s = connect.NewSchema(connect.Kind(in.GetKind()), opts...)
	}
	return s.With(connect.DefaultValue(r.value(in.GetDefault(), s)))
}

func (r *reader) maybe(in *contract.Schema) *connect.Schema {
	if in == nil {
		return nil
	}
	return r.schema(in)
}

func (r *reader) value(in *contract.Value, place *connect.Schema) connect.Value {
	switch v := in.GetKind().(type) {
	case *contract.Value_Int8:
		return connect.Int8(int8(v.Int8))
	case *contract.Value_Int16:
		return connect.Int16(int16(v.Int16))
	case *contract.Value_Int32:
		return connect.Int32(v.Int32)
	case *contract.Value_Int64:
		return connect.Int64(v.Int64)
	case *contract.Value_Float32:
		return connect.Float32(v.Float32)
	case *contract.Value_Float64:
		return connect.Float64(v.Float64)
	case *contract.Value_Boolean:
		return connect.Boolean(v.Boolean)
	case *contract.Value_String_:
		return connect.String(v.String_)
	case *contract.Value_Bytes:
		return connect.Bytes(append([]byte{}, v.Bytes...))
	case *contract.Value_Instant:
		return connect.Instant(v.Instant)
	case *contract.Value_Decimal:
		n := new(big.Int)
		raw := v.Decimal.GetUnscaled()
		for _, b := range raw {
			n.Or(n.Lsh(n, 8), big.NewInt(int64(b)))
		}
		if raw[0] >= 128 {
			n.Sub(n, new(big.Int).Exp(big.NewInt(256), big.NewInt(int64(len(raw))), nil))
		}
		return connect.DecimalOf(&connect.Decimal{Unscaled: n, Scale: v.Decimal.GetScale()})
	case *contract.Value_Array:
		list := make([]connect.Value, len(v.Array.GetValues()))
		for i, e := range v.Array.GetValues() {
			list[i] = r.value(e, elem(place))
		}
		return connect.Array(list)
	case *contract.Value_Map:
		m := connect.NewMap(0)
		for _, e := range v.Map.GetEntries() {
			var keys *connect.Schema
			if place != nil {
				keys = place.Keys()
			}
			m.Put(r.value(e.GetKey(), keys), r.value(e.GetValue(), elem(place)))
		}
		return connect.MapOf(m)
	case *contract.Value_Struct:
		schema := place
		if n := v.Struct.GetSchema(); n != 0 {
			schema = r.number(n)
		}
		s := connect.NewStruct(schema)
		require.Len(r.t, v.Struct.GetValues(), len(schema.Fields()))
		for i, f := range v.Struct.GetValues() {
			s.SetAt(i, r.value(f, schema.Fields()[i].Schema))
		}
		return connect.StructOf(s)
	}
	return connect.Value{}
}

func elem(place *connect.Schema) *connect.Schema {
	if place == nil {
		return nil
	}
	return place.Elem()
}

func (r *reader) headers(in []*contract.Header, out *connect.Record) {
	for _, h := range in {
		s := r.number(h.GetSchema())
		out.Header(h.GetKey(), s, r.value(h.GetValue(), s))
	}
}

func (r *reader) attrs(in []*contract.Attr) (out []connect.Attr) {
	for _, a := range in {
		out = append(out, connect.Attr{Name: a.GetName(), Value: r.value(a.GetValue(), nil)})
	}
	return out
}

// batch reads a SourceBatch; partitions are those of the stream so far.
func (r *reader) batch(in *contract.SourceBatch, partitions *[]*connect.Partition, intern *connect.Partitions) *connect.Batch {
	b := connect.NewBatch(1000, 1<<20)
	r.learn(in.GetForget(), in.GetSchemas())
	for _, p := range in.GetPartitions() {
		*partitions = append(*partitions, intern.Intern(r.attrs(p.GetAttrs())...))
	}
	ends := in.GetEnds()
	for i := 0; ; i++ {
		for len(ends) > 0 && int(ends[0].GetRecords()) == i {
			if ends[0].GetAbort() {
				b.AbortTransaction()
			} else {
				b.CommitTransaction()
			}
			ends = ends[1:]
		}
		if i == len(in.GetRecords()) {
			return b
		}
		rec := in.GetRecords()[i]
		var source *connect.Partition
		if n := rec.GetSource(); n != 0 {
			source = (*partitions)[n-1]
		}
		var at connect.Offset
		if rec.Offset != nil {
			at = connect.NewOffset(r.attrs(rec.GetOffset().GetAttrs())...)
		}
		if rec.GetAdvance() {
			b.Advance(source, at, rec.GetTag())
			continue
		}
		o := b.Next(rec.GetTopic(), source, at)
		o.Tag = rec.GetTag()
		if rec.Partition != nil {
			o.Partition = rec.GetPartition()
		}
		if rec.Timestamp != nil {
			o.Timestamp = rec.GetTimestamp()
		}
		o.KeySchema, o.ValueSchema = r.number(rec.GetKeySchema()), r.number(rec.GetValueSchema())
		o.Key, o.Value = r.value(rec.GetKey(), o.KeySchema), r.value(rec.GetValue(), o.ValueSchema)
		r.headers(rec.GetHeaders(), &o.Record)
		if rec.Rejected != nil {
			o.Reject(rejection(rec.GetRejected()))
		}
	}
}

func (r *reader) put(in *contract.Put) []connect.SinkRecord {
	r.learn(in.GetForget(), in.GetSchemas())
	out := make([]connect.SinkRecord, len(in.GetRecords()))
	for i, rec := range in.GetRecords() {
		o := &out[i]
		o.Topic, o.Partition, o.Offset, o.Timestamp = rec.GetTopic(), rec.GetPartition(), rec.GetOffset(), connect.NoTimestamp
		if rec.Timestamp != nil {
			o.Timestamp = rec.GetTimestamp()
		}
		o.TimestampType = connect.TimestampType(rec.GetTimestampType())
		o.KeySchema, o.ValueSchema = r.number(rec.GetKeySchema()), r.number(rec.GetValueSchema())
		o.Key, o.Value = r.value(rec.GetKey(), o.KeySchema), r.value(rec.GetValue(), o.ValueSchema)
		r.headers(rec.GetHeaders(), &o.Record)
		o.Consumed = connect.TopicPartition{Topic: o.Topic, Partition: o.Partition}
		if rec.ConsumedTopic != nil {
			o.Consumed.Topic = rec.GetConsumedTopic()
		}
		if rec.ConsumedPartition != nil {
			o.Consumed.Partition = rec.GetConsumedPartition()
		}
	}
	return out
}

// writer sends each schema the first time that it sees the pointer, and says the schema of each struct.
type writer struct {
	numbers    map[*connect.Schema]uint32
	fresh      []*contract.Schema
	partitions map[*connect.Partition]uint32
}

func (w *writer) number(s *connect.Schema) uint32 {
	if s == nil {
		return 0
	}
	for n, p := range plainSchemas {
		if p == s {
			return uint32(n)
		}
	}
	n, ok := w.numbers[s]
	if !ok {
		described := w.schema(s)
		if w.numbers == nil {
			w.numbers = map[*connect.Schema]uint32{}
		}
		n = 16 + uint32(len(w.numbers))
		w.numbers[s] = n
		w.fresh = append(w.fresh, described)
	}
	return n
}

func (w *writer) schema(s *connect.Schema) *contract.Schema {
	if s == nil {
		return nil
	}
	out := &contract.Schema{Kind: contract.Kind(s.Kind()), Optional: s.Optional(), Params: s.Params(), Keys: w.schema(s.Keys()), Values: w.schema(s.Elem())}
	if s.HasName() {
		out.Name = proto.String(s.Name())
	}
	if s.HasVersion() {
		out.Version = proto.Int32(int32(s.Version()))
	}
	if s.HasDoc() {
		out.Doc = proto.String(s.Doc())
	}
	if !s.Default().IsNull() {
		out.Default = w.value(s.Default())
	}
	for _, f := range s.Fields() {
		out.Fields = append(out.Fields, &contract.Field{Name: f.Name, Schema: w.schema(f.Schema)})
	}
	return out
}

func (w *writer) value(v connect.Value) *contract.Value {
	switch v.Kind() {
	case connect.KindInt8:
		return &contract.Value{Kind: &contract.Value_Int8{Int8: int32(v.Int64())}}
	case connect.KindInt16:
		return &contract.Value{Kind: &contract.Value_Int16{Int16: int32(v.Int64())}}
	case connect.KindInt32:
		return &contract.Value{Kind: &contract.Value_Int32{Int32: int32(v.Int64())}}
	case connect.KindInt64:
		return &contract.Value{Kind: &contract.Value_Int64{Int64: v.Int64()}}
	case connect.KindFloat32:
		return &contract.Value{Kind: &contract.Value_Float32{Float32: float32(v.Float64())}}
	case connect.KindFloat64:
		return &contract.Value{Kind: &contract.Value_Float64{Float64: v.Float64()}}
	case connect.KindBoolean:
		return &contract.Value{Kind: &contract.Value_Boolean{Boolean: v.Bool()}}
	case connect.KindString:
		return &contract.Value{Kind: &contract.Value_String_{String_: v.Str()}}
	case connect.KindBytes:
		return &contract.Value{Kind: &contract.Value_Bytes{Bytes: v.Bytes()}}
	case connect.KindInstant:
		return &contract.Value{Kind: &contract.Value_Instant{Instant: v.Int64()}}
	case connect.KindDecimal:
		return &contract.Value{Kind: &contract.Value_Decimal{Decimal: &contract.Decimal{Unscaled: twosComplement(v.Decimal().Unscaled), Scale: v.Decimal().Scale}}}
	case connect.KindArray:
		out := new(contract.Array)
		for _, e := range v.Array() {
			out.Values = append(out.Values, w.value(e))
		}
		return &contract.Value{Kind: &contract.Value_Array{Array: out}}
	case connect.KindMap:
		out := new(contract.Map)
		for _, e := range v.Map().Entries() {
			out.Entries = append(out.Entries, &contract.Entry{Key: w.value(e.Key), Value: w.value(e.Value)})
		}
		return &contract.Value{Kind: &contract.Value_Map{Map: out}}
	case connect.KindStruct:
		out := &contract.Struct{Schema: w.number(v.Struct().Schema())}
		for i := range v.Struct().Schema().Fields() {
			out.Values = append(out.Values, w.value(v.Struct().At(i)))
		}
		return &contract.Value{Kind: &contract.Value_Struct{Struct: out}}
	}
	return &contract.Value{}
}

func (w *writer) attrs(in []connect.Attr) (out []*contract.Attr) {
	for _, a := range in {
		out = append(out, &contract.Attr{Name: a.Name, Value: w.value(a.Value)})
	}
	return out
}

func (w *writer) headers(in []connect.Header) (out []*contract.Header) {
	for _, h := range in {
		out = append(out, &contract.Header{Key: h.Key, Schema: w.number(h.Schema), Value: w.value(h.Value)})
	}
	return out
}

func (w *writer) batch(b *connect.Batch) *contract.SourceBatch {
	out := new(contract.SourceBatch)
	for i := range b.Records() {
		r := &b.Records()[i]
		o := &contract.SourceRecord{
			Topic: r.Topic, KeySchema: w.number(r.KeySchema), Key: w.value(r.Key), ValueSchema: w.number(r.ValueSchema), Value: w.value(r.Value),
			Headers: w.headers(r.Headers), Tag: r.Tag, Advance: r.Advances(),
		}
		if r.Partition != connect.NoPartition {
			o.Partition = &r.Partition
		}
		if r.Timestamp != connect.NoTimestamp {
			o.Timestamp = &r.Timestamp
		}
		if r.Rejected() != nil {
			o.Rejected = proto.String(r.Rejected().Error())
		}
		if !r.Offset.IsZero() {
			o.Offset = &contract.Offset{Attrs: w.attrs(r.Offset.Attrs())}
		}
		if r.Source != nil {
			n, ok := w.partitions[r.Source]
			if !ok {
				if w.partitions == nil {
					w.partitions = map[*connect.Partition]uint32{}
				}
				n = uint32(len(w.partitions) + 1)
				w.partitions[r.Source] = n
				out.Partitions = append(out.Partitions, &contract.SourcePartition{Attrs: w.attrs(r.Source.Attrs())})
			}
			o.Source = n
		}
		out.Records = append(out.Records, o)
	}
	for _, e := range b.TransactionEnds() {
		out.Ends = append(out.Ends, &contract.TransactionEnd{Records: uint32(e.Records), Abort: e.Abort})
	}
	out.Schemas, w.fresh = w.fresh, nil
	return out
}

func (w *writer) put(number uint64, records []connect.SinkRecord) *contract.Put {
	out := &contract.Put{Number: number}
	for i := range records {
		r := &records[i]
		o := &contract.SinkRecord{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, TimestampType: contract.SinkRecord_TimestampType(r.TimestampType),
			KeySchema: w.number(r.KeySchema), Key: w.value(r.Key), ValueSchema: w.number(r.ValueSchema), Value: w.value(r.Value),
			Headers: w.headers(r.Headers), ConsumedTopic: &r.Consumed.Topic, ConsumedPartition: &r.Consumed.Partition,
		}
		if r.Timestamp != connect.NoTimestamp {
			o.Timestamp = &r.Timestamp
		}
		out.Records = append(out.Records, o)
	}
	out.Schemas, w.fresh = w.fresh, nil
	return out
}
