package wire

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// random makes records of all kinds.
type random struct {
	*rand.Rand
	schemas    []*connect.Schema
	partitions connect.Partitions
	topics     []string
}

func newRandom(seed uint64) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 8))}
	for range 1 + r.IntN(20) {
		r.schemas = append(r.schemas, r.schema(0))
	}
	for range 1 + r.IntN(5) {
		r.topics = append(r.topics, r.text()+"t")
	}
	return r
}

func (r *random) once(n int) bool { return r.IntN(n) == 0 }

func (r *random) text() string {
	switch r.IntN(60) {
	case 0, 1:
		return ""
	case 2, 3:
		return strings.Repeat("Grüße ", r.IntN(60))
	case 4:
		return strings.Repeat("x", r.IntN(40_000))
	}
	return fmt.Sprintf("text %d €", r.IntN(1000))
}

func (r *random) bytes() []byte {
	p := make([]byte, r.IntN(200))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func (r *random) scalar() connect.Kind {
	return connect.KindInt8 + connect.Kind(r.IntN(int(connect.KindBytes)))
}

func (r *random) schema(level int) *connect.Schema {
	var opts []connect.SchemaOption
	if r.once(3) {
		opts = append(opts, connect.Optional())
	}
	for _, o := range []connect.SchemaOption{connect.Named(r.text()), connect.Version(r.IntN(5) - 1), connect.Doc(r.text()), connect.Param("p"+r.text(), r.text()), connect.Param("q", "")} {
		if r.once(8) {
			opts = append(opts, o)
		}
	}
	var s *connect.Schema
	switch n := r.IntN(12); {
	case level < 4 && n < 2:
		s = connect.ArraySchema(r.maybeSchema(level+1), opts...)
	case level < 4 && n < 4:
		s = connect.MapSchema(r.maybeSchema(level+1), r.maybeSchema(level+1), opts...)
	case level < 4 && n < 8:
		var fields []connect.Field
		for i := range r.IntN(8) {
			fields = append(fields, connect.F(fmt.Sprint("field", i), r.schema(level+1)))
		}
		s, _ = connect.BuildStructSchema(fields, opts...)
	case n == 8:
		s = []*connect.Schema{connect.DecimalSchema(3), connect.DateSchema, connect.TimeSchema, connect.TimestampSchema}[r.IntN(4)].With(opts...)
	case n == 9:
		return []*connect.Schema{connect.StringSchema, connect.BytesSchema, connect.Int64Schema, connect.OptionalStringSchema}[r.IntN(4)]
	default:
		s = connect.NewSchema(r.scalar(), opts...)
	}
	if r.once(6) {
		s = s.With(connect.DefaultValue(r.under(s, level+1)))
	}
	return s
}

func (r *random) maybeSchema(level int) *connect.Schema {
	if r.once(4) {
		return nil
	}
	return r.schema(level)
}

// under makes a value that fits a schema, now and then with a struct of an equal schema that is another pointer.
func (r *random) under(s *connect.Schema, level int) connect.Value {
	switch {
	case s == nil:
		return r.free(level)
	case r.once(10):
		return connect.Value{}
	case s.Name() == connect.DecimalName:
		return r.decimal()
	case s.Name() == connect.DateName || s.Name() == connect.TimeName || s.Name() == connect.TimestampName:
		return connect.Instant(int64(r.Uint64()))
	}
	switch s.Kind() {
	case connect.KindArray:
		list := make([]connect.Value, r.few())
		for i := range list {
			list[i] = r.under(s.Elem(), level+1)
		}
		return connect.Array(list)
	case connect.KindMap:
		m := connect.NewMap(0)
		for range r.few() {
			m.Put(r.under(s.Keys(), level+1), r.under(s.Elem(), level+1))
		}
		return connect.MapOf(m)
	case connect.KindStruct:
		if r.once(5) {
			s = s.With()
		}
		st := connect.NewStruct(s)
		for i, f := range s.Fields() {
			st.SetAt(i, r.under(f.Schema, level+1))
		}
		return connect.StructOf(st)
	}
	return r.of(s.Kind())
}

// few is the length of a list, now and then beyond what is cut from common memory.
func (r *random) few() int {
	if r.once(40) {
		return r.IntN(150)
	}
	return r.IntN(4)
}

func (r *random) of(k connect.Kind) connect.Value {
	switch k {
	case connect.KindInt8:
		return connect.Int8(int8(r.Uint32()))
	case connect.KindInt16:
		return connect.Int16(int16(r.Uint32()))
	case connect.KindInt32:
		return connect.Int32(int32(r.Uint32()))
	case connect.KindInt64:
		return connect.Int64(int64(r.Uint64()) >> r.IntN(64))
	case connect.KindFloat32:
		return connect.Float32([]float32{0, -0.5, float32(r.NormFloat64()), float32(math.Inf(1))}[r.IntN(4)])
	case connect.KindFloat64:
		return connect.Float64([]float64{0, math.Copysign(0, -1), r.NormFloat64(), math.NaN(), math.Inf(-1)}[r.IntN(5)])
	case connect.KindBoolean:
		return connect.Boolean(r.once(2))
	case connect.KindBytes:
		return connect.Bytes(r.bytes())
	}
	return connect.String(r.text())
}

func (r *random) decimal() connect.Value {
	n := new(big.Int).SetBytes(r.bytes())
	if r.once(2) {
		n = big.NewInt([]int64{0, 1, -1, 127, 128, -128, -129, 255, 256, -32768}[r.IntN(10)])
	}
	if r.once(2) {
		n.Neg(n)
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: n, Scale: int32(r.IntN(40) - 10)})
}

// free makes a value without a schema.
func (r *random) free(level int) connect.Value {
	n := r.IntN(14)
	if level > 3 {
		n = min(n, 8)
	}
	switch n {
	case 9:
		return connect.Value{}
	case 10:
		return r.decimal()
	case 11:
		return r.under(connect.ArraySchema(nil), level)
	case 12:
		return r.under(connect.MapSchema(nil, nil), level)
	case 13:
		return r.under(r.pick(), level)
	}
	return r.of(r.scalar())
}

func (r *random) pick() *connect.Schema {
	if len(r.schemas) == 0 {
		return connect.StringSchema // within the first schema's default
	}
	return r.schemas[r.IntN(len(r.schemas))]
}

func (r *random) with() (*connect.Schema, connect.Value) {
	switch r.IntN(6) {
	case 0:
		return nil, r.free(0)
	case 1, 2:
		return connect.StringSchema, connect.String(r.text())
	case 3:
		s := r.pick().With() // built anew for the record
		return s, r.under(s, 0)
	}
	s := r.pick()
	return s, r.under(s, 0)
}

func (r *random) record(out *connect.Record) {
	if r.once(3) {
		out.Partition = int32(r.IntN(100))
	}
	if !r.once(3) {
		out.Timestamp = int64(r.Uint64())
	}
	out.KeySchema, out.Key = r.with()
	out.ValueSchema, out.Value = r.with()
	for range max(0, r.IntN(12)-7) * (1 + r.IntN(4)) {
		s, v := r.with()
		out.Header(r.text(), s, v)
	}
}

func (r *random) attrs() []connect.Attr {
	var attrs []connect.Attr
	for i := range r.IntN(4) {
		v := r.of(r.scalar())
		if r.once(5) {
			v = connect.Value{}
		}
		attrs = append(attrs, connect.Attr{Name: fmt.Sprint("attr", i), Value: v})
	}
	return attrs
}

func (r *random) offset() connect.Offset {
	switch r.IntN(4) {
	case 0:
		return connect.Offset{}
	case 1:
		return connect.NewOffset(r.attrs()...)
	}
	return connect.At("position", r.Int64())
}

func (r *random) source() *connect.Partition {
	if r.once(6) {
		return nil
	}
	if r.once(3) {
		return r.partitions.Intern(r.attrs()...)
	}
	return r.partitions.Intern(connect.Strings("file", fmt.Sprint("f", r.IntN(3)))...)
}

func (r *random) batch() *connect.Batch {
	b := connect.NewBatch(1000, 1<<20)
	for range r.IntN(12) {
		if r.once(10) {
			b.CommitTransaction()
		} else if r.once(10) {
			b.AbortTransaction()
		}
		if r.once(10) {
			b.Advance(r.source(), r.offset(), r.Uint64())
			continue
		}
		rec := b.Next(r.topics[r.IntN(len(r.topics))], r.source(), r.offset())
		r.record(&rec.Record)
		if r.once(2) {
			rec.Tag = r.Uint64() >> r.IntN(64)
		}
		if r.once(20) {
			rec.Reject(rejection(r.text()))
		}
	}
	if r.once(5) {
		b.CommitTransaction()
	}
	return b
}

func (r *random) sinkRecords() []connect.SinkRecord {
	out := make([]connect.SinkRecord, r.IntN(12))
	for i := range out {
		o := &out[i]
		o.Topic, o.Timestamp = r.topics[r.IntN(len(r.topics))], connect.NoTimestamp
		r.record(&o.Record)
		o.Consumed = connect.TopicPartition{Topic: o.Topic, Partition: o.Partition}
		if r.once(4) {
			o.Consumed = connect.TopicPartition{Topic: r.text(), Partition: int32(r.IntN(3))}
		}
		o.Offset, o.TimestampType = int64(r.Uint64()>>r.IntN(64)), connect.TimestampType(r.IntN(3))
	}
	return out
}

func equalRecords(t *testing.T, want, got *connect.Record) {
	t.Helper()
	require.Equal(t, want.Topic, got.Topic)
	require.Equal(t, want.Partition, got.Partition)
	require.Equal(t, want.Timestamp, got.Timestamp)
	equalData(t, "key", want.KeySchema, got.KeySchema, want.Key, got.Key)
	equalData(t, "value", want.ValueSchema, got.ValueSchema, want.Value, got.Value)
	require.Equal(t, len(want.Headers), len(got.Headers))
	for i := range want.Headers {
		w, g := want.Headers[i], got.Headers[i]
		require.Equal(t, w.Key, g.Key)
		equalData(t, "header", w.Schema, g.Schema, w.Value, g.Value)
	}
}

func equalData(t *testing.T, what string, ws, gs *connect.Schema, w, g connect.Value) {
	t.Helper()
	require.Truef(t, ws.Equal(gs), "schema of the %s", what)
	require.Truef(t, w.Equal(g), "%s: %s, not %s", what, g, w)
	require.Equalf(t, orders(w), orders(g), "%s: order of keys", what)
}

// orders is what Equal does not look at.
func orders(v connect.Value) string {
	if v.Kind() == connect.KindMap {
		return v.String()
	}
	return ""
}

func equalOffsets(t *testing.T, want, got connect.Offset) {
	t.Helper()
	require.Equal(t, want.IsZero(), got.IsZero())
	w, g := want.Attrs(), got.Attrs()
	require.Equal(t, len(w), len(g))
	for i := range w {
		require.Equal(t, w[i].Name, g[i].Name)
		require.Truef(t, w[i].Value.Equal(g[i].Value), "%s, not %s", got, want)
	}
}

func equalBatches(t *testing.T, want, got *connect.Batch) {
	t.Helper()
	require.Equal(t, want.Len(), got.Len())
	require.Equal(t, append([]connect.TransactionEnd{}, want.TransactionEnds()...), append([]connect.TransactionEnd{}, got.TransactionEnds()...))
	for i := range want.Records() {
		w, g := &want.Records()[i], &got.Records()[i]
		equalRecords(t, &w.Record, &g.Record)
		equalOffsets(t, w.Offset, g.Offset)
		require.Equal(t, w.Tag, g.Tag)
		require.Equal(t, w.Advances(), g.Advances())
		require.Equal(t, w.Rejected(), g.Rejected())
		require.Equal(t, w.Source == nil, g.Source == nil)
		if w.Source != nil {
			require.Equal(t, w.Source.String(), g.Source.String())
		}
	}
}

func equalSinkRecords(t *testing.T, want, got []connect.SinkRecord) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i := range want {
		w, g := &want[i], &got[i]
		equalRecords(t, &w.Record, &g.Record)
		require.Equal(t, w.Consumed, g.Consumed)
		require.Equal(t, w.Offset, g.Offset)
		require.Equal(t, w.TimestampType, g.TimestampType)
	}
}
