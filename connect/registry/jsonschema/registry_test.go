package jsonschema

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

func TestMain(m *testing.M) { testbed.Main(m) }

var sample = connect.StructSchema("com.example.Reading",
	connect.F("i8", connect.Int8Schema), connect.F("i64", connect.Int64Schema), connect.F("f64", connect.Float64Schema), connect.F("yes", connect.BooleanSchema),
	connect.F("text", connect.StringSchema), connect.F("raw", connect.BytesSchema), connect.F("amount", connect.DecimalSchema(2)),
	connect.F("at", connect.TimestampSchema), connect.F("none", connect.OptionalStringSchema), connect.F("some", connect.OptionalInt32Schema),
	connect.F("list", connect.ArraySchema(connect.OptionalStringSchema)), connect.F("map", connect.MapSchema(connect.StringSchema, connect.Int32Schema)),
	connect.F("pairs", connect.MapSchema(connect.Int32Schema, connect.StringSchema)), connect.F("point", point),
)

func sampleOf() connect.Value {
	return connect.StructOf(connect.NewStruct(sample).Set("i8", connect.Int8(-8)).Set("i64", connect.Int64(1<<60)).Set("f64", connect.Float64(1.5)).
		Set("yes", connect.Boolean(true)).Set("text", connect.String("für \"alle\" 🎈")).Set("raw", connect.Bytes([]byte{0, 255})).
		Set("amount", decimalOf(-123456, 2)).Set("at", connect.Instant(1700000000123)).Set("some", connect.Int32(-1)).
		Set("list", connect.Array([]connect.Value{connect.String("a"), connect.Value{}})).
		Set("map", connect.MapOf(connect.NewMap(1).Put(connect.String("k"), connect.Int32(1)))).
		Set("pairs", connect.MapOf(connect.NewMap(1).Put(connect.Int32(7), connect.String("seven")))).
		Set("point", connect.StructOf(connect.NewStruct(point).Set("x", connect.Float64(2)))))
}

// Confluent's deserializer also validates the message against its schema.
func TestConfluentsDeserializerReadsWhatIsWritten(t *testing.T) {
	url := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, url), testbed.Prefix(t)+"t"
	data, err := registrystand.At(t, Definition, url, "object.additional.properties=false").Encode(new(converters.Arena), topic, sample, sampleOf())
	require.NoError(t, err)
	assert.JSONEq(t, `{"i8": -8, "i64": 1152921504606846976, "f64": 1.5, "yes": true, "text": "für \"alle\" 🎈", "raw": "AP8=", "amount": "/h3A",
		"at": 1700000000123, "none": null, "some": -1, "list": ["a", null], "map": {"k": 1}, "pairs": [{"key": 7, "value": "seven"}],
		"point": {"x": 2.0, "note": null}}`, serdes.Read("JSON", topic, data))
	schema, v, err := registrystand.At(t, Definition, url, "json.fail.invalid.schema=true").Decode(topic, data)
	require.NoError(t, err)
	assert.Equal(t, sampleOf().String(), v.String())
	assert.True(t, sample.With(connect.Version(1)).Equal(schema))

	list := registrystand.List(t, 1, 2)
	data, err = registrystand.At(t, Definition, url).Encode(new(converters.Arena), topic+"list", list.Schema, list.Value)
	require.NoError(t, err)
	assert.JSONEq(t, `{"value":1,"next":{"value":2,"next":null}}`, serdes.Read("JSON", topic+"list", data))
}

func TestWhatConfluentsSerializerWritesIsRead(t *testing.T) {
	url := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, url), testbed.Prefix(t)+"t"
	data := serdes.Write("JSON", topic, `{"$schema":"http://json-schema.org/draft-07/schema#","title":"R","type":"object","properties":{"a":{"type":["null","integer"]},
		"b":{"type":"array","items":{"$ref":"#/definitions/B"}},"c":{"type":"string","enum":["X","Y"]}},"required":["b"],
		"definitions":{"B":{"type":"object","properties":{"v":{"type":"number"}}}}}`, `{"a":5,"b":[{"v":1.5},{"v":2}],"c":"Y"}`)
	schema, v, err := registrystand.At(t, Definition, url).Decode(topic, data)
	require.NoError(t, err)
	assert.Equal(t, "R", schema.Name())
	assert.Equal(t, "Struct{a=5,b=[Struct{v=1.5} Struct{v=2}],c=Y}", v.String())

	data = serdes.Write("JSON", topic+"tree", `{"title":"T","type":"object","properties":{"n":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#"}}}}`,
		`{"n":1,"kids":[{"n":2,"kids":[]}]}`)
	_, v, err = registrystand.At(t, Definition, url).Decode(topic+"tree", data)
	require.NoError(t, err)
	assert.Equal(t, "Struct{n=1,kids=[Struct{n=2,kids=[]}]}", v.String())
}
