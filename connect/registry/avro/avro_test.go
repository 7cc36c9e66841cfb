package avro

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	library "github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

// stand is a converter at a registry in memory.
type stand struct {
	*registrystand.Stand
	t testing.TB
}

func newStand(t testing.TB, keys ...string) *stand {
	return &stand{registrystand.New(t, Definition, keys...), t}
}

// other is a stand at the same registry whose converter has other keys.
func (s *stand) other(keys ...string) *stand { return &stand{s.Other(keys...), s.t} }

// text is the schema that was registered under a message's id.
func (s *stand) text(message []byte) string { return s.Schema(message).Schema }

// seed puts a schema into the registry and returns a message under it; the payload is hexadecimal.
func (s *stand) seed(avro, payload string) []byte {
	s.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(payload, " ", ""))
	require.NoError(s.t, err)
	return s.Seed(sr.Schema{Schema: avro}, b)
}

var (
	decimal = func(unscaled int64, scale int32) connect.Value {
		return connect.DecimalOf(&connect.Decimal{Unscaled: big.NewInt(unscaled), Scale: scale})
	}
	point = connect.StructSchema("geo.Point", connect.F("x", connect.Float64Schema), connect.F("y", connect.Float64Schema))
)

// Schema texts are those of AvroData.fromConnectSchema and org.apache.avro.Schema.toString; the bytes follow from the specification of Avro.
var mappings = []struct {
	name    string
	schema  *connect.Schema
	value   connect.Value
	avro    string
	payload string
}{
	{"int8", connect.Int8Schema, connect.Int8(-3), `{"type":"int","connect.type":"int8"}`, "05"},
	{"int16", connect.Int16Schema, connect.Int16(300), `{"type":"int","connect.type":"int16"}`, "d804"},
	{"int32", connect.Int32Schema, connect.Int32(-64), `"int"`, "7f"},
	{"int64", connect.Int64Schema, connect.Int64(-9223372036854775808), `"long"`, "ffffffffffffffffff01"},
	{"float32", connect.Float32Schema, connect.Float32(1.5), `"float"`, "0000c03f"},
	{"float64", connect.Float64Schema, connect.Float64(-2.25), `"double"`, "00000000000002c0"},
	{"boolean", connect.BooleanSchema, connect.Boolean(true), `"boolean"`, "01"},
	{"string", connect.StringSchema, connect.String("grüße"), `"string"`, "0e6772c3bcc39f65"},
	{"bytes stand alone without their length", connect.BytesSchema, connect.Bytes([]byte{1, 2, 3}), `"bytes"`, "010203"},
	{"optional", connect.OptionalStringSchema, connect.String("a"), `["null","string"]`, "020261"},
	{"optional with a default", connect.NewSchema(connect.KindInt32, connect.Optional(), connect.DefaultValue(connect.Int32(7))), connect.Int32(8),
		`[{"type":"int","connect.default":7},"null"]`, "0010"},
	{"Decimal", connect.DecimalSchema(2), decimal(-12345, 2),
		`{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},` +
			`"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}`, "cfc7"},
	{"Date", connect.DateSchema, connect.Instant(20000 * 86400000),
		`{"type":"int","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Date","logicalType":"date"}`, "c0b802"},
	{"Time", connect.TimeSchema, connect.Instant(1000),
		`{"type":"int","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Time","logicalType":"time-millis"}`, "d00f"},
	{"Timestamp", connect.TimestampSchema, connect.Instant(1700000000000),
		`{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}`, "80a0abfef962"},
	{"array", connect.ArraySchema(connect.Int32Schema), connect.Array([]connect.Value{connect.Int32(1), connect.Int32(2)}),
		`{"type":"array","items":"int"}`, "04020400"},
	{"map", connect.MapSchema(connect.StringSchema, connect.OptionalInt64Schema),
		connect.MapOf(connect.NewMap(2).Put(connect.String("a"), connect.Int64(1)).Put(connect.String("b"), connect.Value{})),
		`{"type":"map","values":["null","long"]}`, "04026102020262 00 00"},
	{"map with keys of another type", connect.MapSchema(connect.Int32Schema, connect.StringSchema),
		connect.MapOf(connect.NewMap(1).Put(connect.Int32(5), connect.String("x"))),
		`{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro",` +
			`"fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}]}}`, "020a027800"},
	{"struct", connect.StructSchema("geo.Reading", connect.F("at", point), connect.F("note", connect.OptionalStringSchema),
		connect.F("again", point), connect.F("level", connect.NewSchema(connect.KindInt32, connect.DefaultValue(connect.Int32(3))))),
		connect.StructOf(connect.NewStruct(connect.StructSchema("geo.Reading", connect.F("at", point), connect.F("note", connect.OptionalStringSchema),
			connect.F("again", point), connect.F("level", connect.NewSchema(connect.KindInt32, connect.DefaultValue(connect.Int32(3)))))).
			Set("at", pointOf(1, 2)).Set("again", pointOf(0, 0)).Set("level", connect.Int32(4))),
		`{"type":"record","name":"Reading","namespace":"geo","fields":[` +
			`{"name":"at","type":{"type":"record","name":"Point","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"}],"connect.name":"geo.Point"}},` +
			`{"name":"note","type":["null","string"],"default":null},{"name":"again","type":"Point"},` +
			`{"name":"level","type":{"type":"int","connect.default":3},"default":3}],"connect.name":"geo.Reading"}`,
		"000000000000f03f 0000000000000040 00 0000000000000000 0000000000000000 08"},
	{"struct without a name", connect.StructSchema("", connect.F("a", connect.Int32Schema)),
		connect.StructOf(connect.NewStruct(connect.StructSchema("", connect.F("a", connect.Int32Schema))).Set("a", connect.Int32(1))),
		`{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"a","type":"int"}]}`, "02"},
	{"document, version and parameters", connect.NewSchema(connect.KindString, connect.Doc(`say "x"`), connect.Version(3), connect.Named("my.Text"),
		connect.Param("unit", "K")), connect.String(""),
		`{"type":"string","connect.doc":"say \"x\"","connect.version":3,"connect.parameters":{"unit":"K"},"connect.name":"my.Text"}`, "00"},
}

func pointOf(x, y float64) connect.Value {
	return connect.StructOf(connect.NewStruct(point).Set("x", connect.Float64(x)).Set("y", connect.Float64(y)))
}

func TestEachTypeIsWrittenAsConfluentDoesAndComesBack(t *testing.T) {
	for _, m := range mappings {
		t.Run(m.name, func(t *testing.T) {
			s := newStand(t)
			message := s.Encode(m.schema, m.value)
			assert.Equal(t, m.avro, s.text(message))
			assert.Equal(t, strings.ReplaceAll(m.payload, " ", ""), hex.EncodeToString(message[5:]))
			schema, v := s.Decode(message)
			assert.True(t, m.value.Equal(v) || v.Kind() == connect.KindStruct, "%v came back as %v", m.value, v)
			assert.Equal(t, m.value.String(), v.String())
			assert.Equal(t, m.schema.Kind(), schema.Kind())
			assert.Equal(t, m.schema.Name(), schema.Name())
			assert.Equal(t, m.schema.Optional(), schema.Optional())
			// What was read can be written again.
			assert.Equal(t, message[5:], s.Encode(schema, v)[5:])
		})
	}
}

// Another implementation of Avro reads what is written here.
func TestAnotherLibraryReadsTheBytes(t *testing.T) {
	for _, m := range mappings {
		if m.schema.Kind() == connect.KindBytes {
			continue // alone they are no Avro
		}
		s := newStand(t)
		message := s.Encode(m.schema, m.value)
		schema, err := library.Parse(s.text(message))
		require.NoError(t, err, m.name)
		var out any
		rest, err := schema.Decode(message[5:], &out)
		require.NoError(t, err, m.name)
		assert.Empty(t, rest, m.name)
	}
}
