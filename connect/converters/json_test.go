package converters

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestASchemaIsReadOnceForAllMessagesThatCarryIt(t *testing.T) {
	c := NewJSON(JSONOptions{Schemas: true})
	first, _, err := c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":1}`))
	require.NoError(t, err)
	second, v, err := c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":2}`))
	require.NoError(t, err)
	assert.Same(t, first, second)
	assert.Equal(t, int64(2), v.Int64())
	other, _, err := c.Decode("t", []byte(`{"payload":"x", "schema": {"type":"string"}}`))
	require.NoError(t, err)
	assert.Equal(t, connect.KindString, other.Kind())
	again, _, err := c.Decode("t", []byte(`{"payload":3,"schema":{"type":"int32"}}`))
	require.NoError(t, err)
	assert.Same(t, first, again)
}

func TestAMessageThatOnlyBeginsLikeTheLastIsStillReadWhole(t *testing.T) {
	c := NewJSON(JSONOptions{Schemas: true})
	_, _, err := c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":1}`))
	require.NoError(t, err)
	_, _, err = c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":1,"more":2}`))
	require.ErrorIs(t, err, connect.ErrData)
	schema, v, err := c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":1,"schema":{"type":"string"},"payload":"x"}`))
	require.NoError(t, err)
	assert.Equal(t, connect.KindString, schema.Kind())
	assert.Equal(t, "x", v.Str())
	_, _, err = c.Decode("t", []byte(`{"schema":{"type":"int32"},"payload":1`))
	require.ErrorIs(t, err, connect.ErrData)
}

func TestSchemasMadeAnewForEachRecordDoNotFillTheMemory(t *testing.T) {
	c := NewJSON(JSONOptions{Schemas: true, CacheSize: 10})
	for i := range 100 {
		schema := connect.NewSchema(connect.KindInt32, connect.Version(i))
		out, err := c.Encode(&Arena{}, "t", schema, connect.Int32(1))
		require.NoError(t, err)
		_, _, err = c.Decode("t", out)
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, len(c.prefixes), 10)
	assert.LessOrEqual(t, len(c.schemas), 10)
}

func TestACachedSchemaDoesNotChangeWithTheBytesItCameFrom(t *testing.T) {
	c := NewJSON(JSONOptions{Schemas: true})
	data := []byte(`{"schema":{"type":"int32","name":"first"},"payload":1}`)
	schema, _, err := c.Decode("t", data)
	require.NoError(t, err)
	clear(data)
	assert.Equal(t, "first", schema.Name())
}

func TestNestingEndsWhereJacksonEndsIt(t *testing.T) {
	c := NewJSON(JSONOptions{})
	_, _, err := c.Decode("t", []byte(strings.Repeat("[", 1000)+strings.Repeat("]", 1000)))
	require.NoError(t, err)
	_, _, err = c.Decode("t", []byte(strings.Repeat("[", 1001)+strings.Repeat("]", 1001)))
	require.ErrorIs(t, err, connect.ErrData)
	_, _, err = c.Decode("t", []byte(strings.Repeat(`{"a":`, 1001)))
	require.ErrorIs(t, err, connect.ErrData)
}

func TestAllEncodingsOfUnicodeAreRead(t *testing.T) {
	const text = `{"k":"zł😀"}`
	var be16, le16, be32, le32 []byte
	for _, u := range utf16.Encode([]rune(text)) {
		be16, le16 = binary.BigEndian.AppendUint16(be16, u), binary.LittleEndian.AppendUint16(le16, u)
	}
	for _, r := range text {
		be32, le32 = binary.BigEndian.AppendUint32(be32, uint32(r)), binary.LittleEndian.AppendUint32(le32, uint32(r))
	}
	for name, data := range map[string]string{
		"UTF-8": text, "UTF-8 with mark": "\ufeff" + text, "UTF-16BE": string(be16), "UTF-16LE": string(le16),
		"UTF-16BE with mark": "\xfe\xff" + string(be16), "UTF-16LE with mark": "\xff\xfe" + string(le16), "UTF-32BE": string(be32),
		"UTF-32LE": string(le32), "UTF-32LE with mark": "\xff\xfe\x00\x00" + string(le32),
	} {
		t.Run(name, func(t *testing.T) {
			_, v, err := NewJSON(JSONOptions{}).Decode("t", []byte(data))
			require.NoError(t, err)
			got, _ := v.Map().Get(connect.String("k"))
			assert.Equal(t, "zł😀", got.Str())
		})
	}
}

func TestAnErrorNamesThePlaceOfTheValue(t *testing.T) {
	inner := connect.StructSchema("inner", connect.F("temp", connect.Int32Schema))
	outer := connect.StructSchema("outer", connect.F("list", connect.ArraySchema(inner)))
	bad := connect.NewStruct(outer).Set("list", connect.Array([]connect.Value{connect.StructOf(connect.NewStruct(inner))}))
	_, err := NewJSON(JSONOptions{}).Encode(&Arena{}, "t", outer, connect.StructOf(bad))
	require.ErrorContains(t, err, "field list: element 0: field temp: data error: null")
}

func TestFieldsInAnotherOrderAndBeyond256AreFound(t *testing.T) {
	var fields []connect.Field
	var text strings.Builder
	for i := range 300 {
		fields = append(fields, connect.F("f"+strconv.Itoa(i), connect.OptionalInt32Schema))
	}
	for i := 299; i >= 0; i -= 2 {
		text.WriteString(`,"f` + strconv.Itoa(i) + `":` + strconv.Itoa(i))
	}
	schema := connect.StructSchema("wide", fields...)
	c := NewJSON(JSONOptions{Schemas: true})
	prefix, err := c.prefix(schema)
	require.NoError(t, err)
	_, v, err := c.Decode("t", []byte(string(prefix)+"{"+text.String()[1:]+"}}"))
	require.NoError(t, err)
	assert.Equal(t, int64(299), v.Struct().Get("f299").Int64())
	assert.Equal(t, int64(1), v.Struct().Get("f1").Int64())
	assert.True(t, v.Struct().Get("f298").IsNull())
}

func TestTextAndBytesPassWithoutACopy(t *testing.T) {
	data := []byte("text")
	for _, c := range []Converter{&stringConverter{}, bytesConverter{}} {
		schema, v, err := c.Decode("t", data)
		require.NoError(t, err)
		out, err := c.Encode(nil, "t", schema, v)
		require.NoError(t, err)
		assert.Same(t, &data[0], &out[0])
	}
}

func TestEmptyIsNotNull(t *testing.T) {
	for _, c := range []Converter{&stringConverter{}, bytesConverter{}} {
		schema, v, err := c.Decode("t", []byte{})
		require.NoError(t, err)
		require.False(t, v.IsNull())
		out, err := c.Encode(nil, "t", schema, v)
		require.NoError(t, err)
		assert.NotNil(t, out)
		assert.Empty(t, out)
	}
}

func TestARecursiveSchemaIsRefusedByItsNameAndItsValuesAreWrittenAlone(t *testing.T) {
	node := connect.DeclareStruct(connect.Named("Node"))
	schema, err := node.Define(connect.F("n", connect.Int32Schema), connect.F("next", node.Schema().With(connect.Optional())))
	require.NoError(t, err)
	next := schema.Fields()[1].Schema
	v := connect.StructOf(connect.NewStruct(schema).Set("n", connect.Int32(1)).Set("next", connect.StructOf(connect.NewStruct(next).Set("n", connect.Int32(2)))))
	for s, value := range map[*connect.Schema]connect.Value{schema: v, connect.ArraySchema(schema): connect.Array([]connect.Value{v})} {
		_, err = NewJSON(JSONOptions{Schemas: true}).Encode(new(Arena), "t", s, value)
		require.ErrorIs(t, err, connect.ErrData)
		assert.ErrorContains(t, err, "is recursive: JsonConverter cannot write such a schema")
	}
	data, err := NewJSON(JSONOptions{}).Encode(new(Arena), "t", schema, v)
	require.NoError(t, err)
	assert.Equal(t, `{"n":1,"next":{"n":2,"next":null}}`, string(data))
}
