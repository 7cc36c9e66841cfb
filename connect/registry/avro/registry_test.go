package avro

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

// everything has all that Avro has a form for.
var everything = connect.StructSchema("com.example.Everything",
	connect.F("i8", connect.Int8Schema), connect.F("i16", connect.Int16Schema), connect.F("i32", connect.Int32Schema),
	connect.F("i64", connect.Int64Schema), connect.F("f32", connect.Float32Schema), connect.F("f64", connect.Float64Schema),
	connect.F("yes", connect.BooleanSchema), connect.F("text", connect.StringSchema), connect.F("raw", connect.BytesSchema),
	connect.F("amount", connect.DecimalSchema(2, connect.Param("connect.decimal.precision", "9"))), connect.F("day", connect.DateSchema), connect.F("time", connect.TimeSchema),
	connect.F("at", connect.TimestampSchema), connect.F("none", connect.OptionalStringSchema), connect.F("some", connect.OptionalInt64Schema),
	connect.F("list", connect.ArraySchema(connect.OptionalStringSchema)), connect.F("map", connect.MapSchema(connect.StringSchema, connect.Int32Schema)),
	connect.F("pairs", connect.MapSchema(connect.Int32Schema, connect.StringSchema)), connect.F("point", point),
	connect.F("points", connect.ArraySchema(point)),
)

func everythingOf() connect.Value {
	st := connect.NewStruct(everything)
	for name, v := range map[string]connect.Value{
		"i8": connect.Int8(-8), "i16": connect.Int16(1600), "i32": connect.Int32(-32), "i64": connect.Int64(1 << 60), "f32": connect.Float32(0.5),
		"f64": connect.Float64(1e300), "yes": connect.Boolean(true), "text": connect.String("für \"alle\" 🎈"), "raw": connect.Bytes([]byte{0, 255}),
		"amount": decimal(-123456, 2), "day": connect.Instant(19000 * 86400000), "time": connect.Instant(45296789), "at": connect.Instant(1700000000123),
		"some": connect.Int64(-1), "list": connect.Array([]connect.Value{connect.String("a"), connect.Value{}}),
		"map":   connect.MapOf(connect.NewMap(1).Put(connect.String("k"), connect.Int32(1))),
		"pairs": connect.MapOf(connect.NewMap(1).Put(connect.Int32(7), connect.String("seven"))),
		"point": pointOf(1, -1), "points": connect.Array([]connect.Value{pointOf(2, 3)}),
	} {
		st.Set(name, v)
	}
	return connect.StructOf(st)
}

func TestConfluentsDeserializerReadsWhatIsWritten(t *testing.T) {
	registry := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, registry), testbed.Prefix(t)+"t"
	data, err := registrystand.At(t, Definition, registry).Encode(new(converters.Arena), topic, everything, everythingOf())
	require.NoError(t, err)
	assert.JSONEq(t, `{"i8": -8, "i16": 1600, "i32": -32, "i64": 1152921504606846976, "f32": 0.5, "f64": 1e300, "yes": true,
		"text": "für \"alle\" 🎈", "raw": {"$bytes": "00ff"}, "amount": {"$decimal": "-1234.56"}, "day": {"$time": "2022-01-08"},
		"time": {"$time": "12:34:56.789000"}, "at": {"$time": "2023-11-14T22:13:20.123000+00:00"}, "none": null, "some": -1, "list": ["a", null],
		"map": {"k": 1}, "pairs": [{"key": 7, "value": "seven"}], "point": {"x": 1.0, "y": -1.0}, "points": [{"x": 2.0, "y": 3.0}]}`,
		serdes.Read("AVRO", topic, data))
	// Another worker reads the same.
	schema, v, err := registrystand.At(t, Definition, registry).Decode(topic, data)
	require.NoError(t, err)
	assert.Equal(t, everythingOf().String(), v.String())
	assert.Equal(t, 1, schema.Version())
	again, err := registrystand.At(t, Definition, registry).Encode(new(converters.Arena), topic+"2", schema, v)
	require.NoError(t, err)
	assert.Equal(t, data[5:], again[5:])

	list := registrystand.List(t, 1, 2)
	for name, m := range map[string]struct {
		schema *connect.Schema
		value  connect.Value
		json   string
	}{
		"recursive":  {list.Schema, list.Value, `{"value":1,"next":{"value":2,"next":null}}`},
		"string":     {connect.StringSchema, connect.String("x"), `"x"`},
		"optional":   {connect.OptionalInt32Schema, connect.Int32(4), `4`},
		"schemaless": {nil, connect.String("x"), `{"boolean":null,"bytes":null,"double":null,"float":null,"int":null,"long":null,"string":"x","array":null,"map":null}`},
	} {
		data, err := registrystand.At(t, Definition, registry).Encode(new(converters.Arena), topic+name, m.schema, m.value)
		require.NoError(t, err, name)
		assert.JSONEq(t, m.json, serdes.Read("AVRO", topic+name, data), name)
	}
}

func TestWhatConfluentsSerializerWritesIsRead(t *testing.T) {
	registry := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, registry), testbed.Prefix(t)+"t"
	c := registrystand.At(t, Definition, registry)
	for i, m := range []struct{ schema, value, shown string }{
		{`"long"`, `-5`, "-5"},
		{`{"type":"record","name":"T","fields":[{"name":"n","type":"int"},{"name":"kids","type":{"type":"array","items":"T"}},{"name":"next","type":["null","T"]}]}`,
			`{"n":1,"kids":[{"n":2,"kids":[],"next":null}],"next":{"n":3,"kids":[],"next":null}}`, "Struct{n=1,kids=[Struct{n=2,kids=[]}],next=Struct{n=3,kids=[]}}"},
		{`{"type":"record","name":"R","namespace":"a.b","fields":[{"name":"u","type":["null","int","string"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},` +
			`{"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}},` +
			`{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"m","type":{"type":"map","values":{"type":"array","items":"double"}}},` +
			`{"name":"next","type":["null",{"type":"record","name":"S","fields":[{"name":"v","type":"boolean"}]}]}]}`,
			`{"u":"x","e":"Y","f":{"$bytes":"0102"},"d":{"$decimal":"-3.50"},"t":{"$time":"2023-11-14T22:13:20.123+00:00"},"m":{"k":[1.5,2]},"next":{"v":true}}`,
			"Struct{u=Struct{string=x},e=Y,f=0102,d=-3.50,t=2023-11-14 22:13:20.123 +0000 UTC,m={k: [1.5 2]},next=Struct{v=true}}"},
	} {
		at := topic + string(rune('a'+i))
		_, v, err := c.Decode(at, serdes.Write("AVRO", at, m.schema, m.value))
		require.NoError(t, err)
		assert.Equal(t, m.shown, v.String())
	}
}

func TestTheRealRegistrysSubjectsAndVersions(t *testing.T) {
	registry := testbed.SharedRegistry(t)
	topic := testbed.Prefix(t) + "t"
	narrow := connect.StructSchema("R", connect.F("a", connect.Int32Schema))
	wide := connect.StructSchema("R", connect.F("a", connect.Int32Schema), connect.F("b", connect.OptionalStringSchema))
	first, err := registrystand.At(t, Definition, registry).Encode(new(converters.Arena), topic, narrow, connect.StructOf(connect.NewStruct(narrow).Set("a", connect.Int32(1))))
	require.NoError(t, err)
	second, err := registrystand.At(t, Definition, registry).Encode(new(converters.Arena), topic, wide, connect.StructOf(connect.NewStruct(wide).Set("a", connect.Int32(2))))
	require.NoError(t, err)
	assert.NotEqual(t, first[:5], second[:5])

	schema, v, err := registrystand.At(t, Definition, registry).Decode(topic, second)
	require.NoError(t, err)
	assert.Equal(t, 2, schema.Version())
	assert.Equal(t, "Struct{a=2}", v.String())
	latest := registrystand.At(t, Definition, registry, "use.latest.version=true", "auto.register.schemas=false")
	schema, _, err = latest.Decode(topic, first)
	require.NoError(t, err)
	assert.Len(t, schema.Fields(), 2, "read as the latest")
	written, err := latest.Encode(new(converters.Arena), topic, narrow, connect.StructOf(connect.NewStruct(narrow).Set("a", connect.Int32(3))))
	require.NoError(t, err)
	assert.Equal(t, append(second[:5:5], 6, 0), written, "written as the latest")

	_, err = registrystand.At(t, Definition, registry, "auto.register.schemas=false").Encode(new(converters.Arena), topic+"-new", narrow, connect.StructOf(connect.NewStruct(narrow).Set("a", connect.Int32(1))))
	assert.ErrorContains(t, err, "register it, or set auto.register.schemas=true")
}
