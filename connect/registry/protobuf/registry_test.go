package protobuf

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

// The schema comes from the registry, goes through protoc and reads the message.
func TestConfluentsDeserializerReadsWhatIsWritten(t *testing.T) {
	url := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, url), testbed.Prefix(t)+"t"
	data, err := registrystand.At(t, Definition, url).Encode(new(converters.Arena), topic, sample, sampleOf())
	require.NoError(t, err)
	assert.JSONEq(t, `{"i8":-8,"i32":-32,"i64":"1152921504606846976","f32":0.5,"f64":-2.5,"yes":true,"text":"für 🎈","raw":"AP8=",
		"amount":{"value":"/h3A","precision":6,"scale":2},"day":{"year":2022,"month":1,"day":8},"time":{"hours":12,"minutes":34,"seconds":56,"nanos":789000000},
		"at":"2023-11-14T22:13:20.123Z","list":[1,-1],"words":["a",""],"map":[{"key":"k","value":1}],"point":{"x":1.0},"points":[{"x":2.0},{}]}`,
		serdes.Read("PROTOBUF", topic, data))
	schema, v, err := registrystand.At(t, Definition, url).Decode(topic, data)
	require.NoError(t, err)
	assert.Equal(t, 1, schema.Version())
	assert.Equal(t, sampleOf().Struct().Get("amount").String(), v.Struct().Get("amount").String())

	each := registrystand.Recursive(t)["two that hold each other"]
	data, err = registrystand.At(t, Definition, url).Encode(new(converters.Arena), topic+"each", each.Schema, each.Value)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"Ada","employer":{"title":"Analytical","staff":[{"name":"Bob"}]},"former":[{"title":"Engines","staff":[{"name":"Cy","employer":{"title":"Mills"}}]}]}`,
		serdes.Read("PROTOBUF", topic+"each", data))
}

func TestWhatConfluentsSerializerWritesIsRead(t *testing.T) {
	url := testbed.SharedRegistry(t)
	serdes, topic := testbed.StartSerdes(t, url), testbed.Prefix(t)+"t"
	data := serdes.Write("PROTOBUF", topic, `syntax = "proto3"; package n; import "google/protobuf/timestamp.proto";
		message R { enum E { X = 0; Y = 1; } oneof k { string s = 1; int32 i = 2; } E e = 3; map<string, int64> m = 4; repeated double d = 5;
		google.protobuf.Timestamp at = 6; optional bool maybe = 7; }`, `{"s":"x","e":"Y","m":{"a":"5"},"d":[1.5,2],"at":"2023-11-14T22:13:20.123Z","maybe":false}`)
	_, v, err := registrystand.At(t, Definition, url).Decode(topic, data)
	require.NoError(t, err)
	assert.Equal(t, "Struct{k_0=Struct{s=x},e=Y,m={a: 5},d=[1.5 2],at=2023-11-14 22:13:20.123 +0000 UTC,maybe=false}", v.String())

	data = serdes.Write("PROTOBUF", topic+"tree", `syntax = "proto3"; package n; message T { int32 n = 1; repeated T kids = 2; T next = 3; }`, `{"n":1,"kids":[{"n":2}],"next":{"n":3}}`)
	_, v, err = registrystand.At(t, Definition, url).Decode(topic+"tree", data)
	require.NoError(t, err)
	assert.Equal(t, "Struct{n=1,kids=[Struct{n=2,kids=[]}],next=Struct{n=3,kids=[]}}", v.String())
}

func TestALaterSchemaOfTheSubjectIsUsedWhereAsked(t *testing.T) {
	url, topic := testbed.SharedRegistry(t), testbed.Prefix(t)+"t"
	narrow := connect.StructSchema("R", connect.F("a", connect.Int32Schema))
	wide := connect.StructSchema("R", connect.F("a", connect.Int32Schema), connect.F("b", connect.StringSchema))
	first, err := registrystand.At(t, Definition, url).Encode(new(converters.Arena), topic, narrow, connect.StructOf(connect.NewStruct(narrow).Set("a", connect.Int32(1))))
	require.NoError(t, err)
	_, err = registrystand.At(t, Definition, url).Encode(new(converters.Arena), topic, wide, connect.StructOf(connect.NewStruct(wide).Set("a", connect.Int32(1))))
	require.NoError(t, err)
	schema, v, err := registrystand.At(t, Definition, url, "use.latest.version=true").Decode(topic, first)
	require.NoError(t, err)
	assert.Equal(t, 2, schema.Version())
	assert.Equal(t, "Struct{a=1,b=}", v.String())
}
