package connect_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestAValueComesBackAsItWasGiven(t *testing.T) {
	reading := newReading()
	decimal := &connect.Decimal{Unscaled: big.NewInt(-12345), Scale: 2}
	for _, c := range []struct {
		value connect.Value
		kind  connect.Kind
		any   any
		text  string
	}{
		{connect.Value{}, connect.KindNull, nil, "null"},
		{connect.Int8(-128), connect.KindInt8, int8(-128), "-128"},
		{connect.Int16(-1), connect.KindInt16, int16(-1), "-1"},
		{connect.Int32(math.MinInt32), connect.KindInt32, int32(math.MinInt32), "-2147483648"},
		{connect.Int64(math.MaxInt64), connect.KindInt64, int64(math.MaxInt64), "9223372036854775807"},
		{connect.Float32(1.5), connect.KindFloat32, float32(1.5), "1.5"},
		{connect.Float64(-0.25), connect.KindFloat64, -0.25, "-0.25"},
		{connect.Boolean(true), connect.KindBoolean, true, "true"},
		{connect.String(""), connect.KindString, "", ""},
		{connect.String("ü"), connect.KindString, "ü", "ü"},
		{connect.Bytes([]byte{}), connect.KindBytes, []byte{}, ""},
		{connect.Bytes([]byte{0xca, 0xfe}), connect.KindBytes, []byte{0xca, 0xfe}, "cafe"},
		{connect.Bytes(nil), connect.KindNull, nil, "null"},
		{connect.Array([]connect.Value{connect.Int8(1), {}}), connect.KindArray, []any{int8(1), nil}, "[1 null]"},
		{connect.StructOf(reading), connect.KindStruct, reading, reading.String()},
		{connect.DecimalOf(decimal), connect.KindDecimal, decimal, "-123.45"},
		{connect.Instant(1), connect.KindInstant, time.UnixMilli(1).UTC(), "1970-01-01 00:00:00.001 +0000 UTC"},
	} {
		require.Equal(t, c.kind, c.value.Kind(), c.text)
		require.Equal(t, c.any, c.value.Any(), c.text)
		require.Equal(t, c.text, c.value.String())
		require.True(t, c.value.Equal(c.value), c.text)
	}
}

// The bits of a number may be those that another kind has beside its length, and do not make it that kind.
func TestAnyBitsAreANumber(t *testing.T) {
	for k := range uint64(256) {
		bits := k<<56 | 3
		for _, v := range []connect.Value{connect.Int64(int64(bits)), connect.Instant(int64(bits))} {
			require.Equal(t, int64(bits), v.Int64())
			require.False(t, v.IsNull())
			require.Panics(t, func() { _ = v.Str() })
		}
		if f := math.Float64frombits(bits); f == f {
			require.Equal(t, f, connect.Float64(f).Float64())
		}
	}
	require.PanicsWithError(t, "connect: value is int64, not a string", func() { _ = connect.Int64(0).Str() })
	require.False(t, connect.Int64(0).IsNull())
	require.False(t, connect.Array(nil).IsNull())
	require.False(t, connect.String("").IsNull())
}

func TestValuesAreEqualByWhatTheyHold(t *testing.T) {
	text := []byte("abc")
	require.True(t, connect.String("abc").Equal(connect.String(string(text))))
	require.False(t, connect.String("abc").Equal(connect.String("abd")))
	require.False(t, connect.String("abc").Equal(connect.Bytes(text)))
	require.True(t, connect.Float64(math.NaN()).Equal(connect.Float64(-math.NaN())), "as java.lang.Double.equals")
	require.False(t, connect.Float64(0).Equal(connect.Float64(math.Copysign(0, -1))), "as java.lang.Double.equals")
	require.True(t, connect.StructOf(newReading()).Equal(connect.StructOf(newReading())))
	require.False(t, connect.StructOf(newReading()).Equal(connect.StructOf(newReading().Set("temp", connect.Float64(0)))))

	one := connect.NewMap(2).Put(connect.String("a"), connect.Int8(1)).Put(connect.String("b"), connect.Int8(2))
	two := connect.NewMap(2).Put(connect.String("b"), connect.Int8(2)).Put(connect.String("a"), connect.Int8(1))
	require.True(t, connect.MapOf(one).Equal(connect.MapOf(two)), "order does not count")
	two.Put(connect.String("a"), connect.Int8(3))
	require.False(t, connect.MapOf(one).Equal(connect.MapOf(two)))
}

func TestTheWrongQuestionToAValuePanics(t *testing.T) {
	require.Panics(t, func() { connect.String("1").Int64() })
	require.Panics(t, func() { connect.Int8(1).Str() })
	require.Panics(t, func() { connect.Value{}.Struct() })
}

func TestAnEditDoesNotReachOtherRecordsWithTheSameStruct(t *testing.T) {
	shared := newReading()
	var a, b connect.Record
	a.SetStruct(shared)
	b.SetStruct(shared)
	a.Edit().Set("temp", connect.Float64(1))
	require.Same(t, a.Edit(), a.Value.Struct(), "a chain of transforms works in one copy")
	require.Equal(t, 1.0, a.Value.Struct().Get("temp").Float64())
	require.Equal(t, 21.5, b.Value.Struct().Get("temp").Float64())
}

func TestAValueIsHeldAgainstItsSchema(t *testing.T) {
	optional := connect.OptionalStringSchema
	for _, c := range []struct {
		schema *connect.Schema
		value  connect.Value
		want   string // "" for a value that fits
	}{
		{connect.StringSchema, connect.String("a"), ""},
		{connect.StringSchema, connect.Value{}, "null"},
		{optional, connect.Value{}, ""},
		{connect.Int32Schema, connect.Int64(1), "int32"},
		{connect.ArraySchema(connect.Int8Schema), connect.Array([]connect.Value{connect.String("a")}), "int8"},
		{connect.MapSchema(connect.StringSchema, optional), connect.MapOf(connect.NewMap(1).Put(connect.Int8(1), connect.Value{})), "string"},
		{connect.ArraySchema(nil), connect.Array(nil), "without a schema for its elements"},
		{connect.MapSchema(connect.StringSchema, nil), connect.MapOf(connect.NewMap(0)), "without a schema for its keys or values"},
		{nil, connect.Array(nil), ""},
		{connect.TimestampSchema, connect.Instant(1), ""},
		{benchReading, connect.StructOf(newReading()), ""},
		{benchReading, connect.StructOf(connect.NewStruct(benchReading)), "device"},
	} {
		err := connect.CheckValue(c.schema, c.value)
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestPartitionsAreInterned(t *testing.T) {
	var all connect.Partitions
	a := all.Intern(connect.Strings("file", "a")...)
	require.Same(t, a, all.Intern(connect.Strings("file", "a")...))
	require.NotSame(t, a, all.Intern(connect.Strings("file", "b")...))
	one := all.Intern(connect.Attr{Name: "n", Value: connect.Int64(1)})
	text := all.Intern(connect.Attr{Name: "n", Value: connect.String("1")})
	require.NotSame(t, one, text, "a number is not its text")
	require.Equal(t, []int{0, 2, 3}, []int{a.Index(), one.Index(), text.Index()})
}

func TestABatchIsFullByRecordsOrByBytes(t *testing.T) {
	b := connect.NewBatch(3, 4096)
	for !b.Full() {
		b.Next("t", nil, connect.Offset{}).SetString("x")
	}
	require.Equal(t, 3, b.Len())
	b.Reset()
	require.Zero(t, b.Len())
	b.Next("t", nil, connect.Offset{}).SetBytes(make([]byte, 5000))
	require.True(t, b.Full())
	b.Reset()
	r := b.Next("u", nil, connect.Offset{})
	require.True(t, r.Value.IsNull(), "nothing is left of an earlier record")
	require.Equal(t, connect.NoPartition, r.Partition)
	require.Equal(t, connect.NoTimestamp, r.Timestamp)
}

func TestCopiedBytesOutliveTheBuffer(t *testing.T) {
	b := connect.NewBatch(1000, 1<<20)
	buffer := []byte("....")
	var kept [][]byte
	for n := range 1000 {
		copy(buffer, []byte{byte(n), byte(n >> 8), 1, 2})
		kept = append(kept, b.Copy(buffer))
	}
	b.Reset()
	for n, p := range kept {
		require.Equal(t, []byte{byte(n), byte(n >> 8), 1, 2}, p)
	}
}

func TestAStructThatIsTheRecordsOwnIsEditedInPlace(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.Int32Schema))
	shared := connect.NewStruct(schema).Set("a", connect.Int32(1))
	var r connect.Record
	r.SetStruct(shared)
	r.Edit().Set("a", connect.Int32(2))
	require.Equal(t, int32(1), shared.At(0).Any(), "what an author shares is copied first")

	own := connect.NewStruct(schema).Set("a", connect.Int32(1))
	r.Own(own)
	require.Same(t, own, r.Edit())
	r.OwnKey(own.Clone())
	require.Same(t, r.Key.Struct(), r.EditKey())
	require.Same(t, schema, r.KeySchema)

	// A struct that was the record's own and has gone into another one may be somewhere else too by the time it comes back.
	outer := connect.StructSchema("o", connect.F("s", schema))
	r.Own(connect.NewStruct(outer).Set("s", connect.StructOf(own)))
	r.SetStruct(own)
	require.NotSame(t, own, r.Edit())
}

func TestAClonedMapIsItsOwn(t *testing.T) {
	m := connect.NewMap(0)
	for i := range 40 {
		m.Put(connect.String(string(rune('a'+i))), connect.Int32(int32(i)))
	}
	c := m.Clone(1).Put(connect.String("new"), connect.Int32(1)).Put(connect.String("a"), connect.Int32(7))
	require.Equal(t, 41, c.Len())
	require.Equal(t, 40, m.Len())
	v, _ := m.Get(connect.String("a"))
	require.Equal(t, int32(0), v.Any())
	_, ok := m.Get(connect.String("new"))
	require.False(t, ok)
}

func TestNullFitsWhatIsOptionalAndAFieldWithADefault(t *testing.T) {
	withDefault := connect.Int32Schema.With(connect.DefaultValue(connect.Int32(1)))
	require.Error(t, connect.CheckValue(withDefault, connect.Value{}))
	require.NoError(t, connect.CheckValue(connect.OptionalInt32Schema, connect.Value{}))
	schema := connect.StructSchema("s", connect.F("a", withDefault), connect.F("l", connect.ArraySchema(withDefault)))
	st := connect.NewStruct(schema).Set("l", connect.Array(nil))
	require.NoError(t, connect.CheckValue(schema, connect.StructOf(st)))
	st.Set("l", connect.Array([]connect.Value{connect.Int32(1), {}}))
	require.EqualError(t, connect.CheckValue(schema, connect.StructOf(st)), "data error: value.l[1] is null, and its schema is not optional")
}
