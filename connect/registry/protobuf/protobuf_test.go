package protobuf

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry"
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

// seed puts a schema into the registry and returns a message under it; indexes and payload are hexadecimal.
func (s *stand) seed(schema, indexes, payload string) []byte {
	s.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(indexes+payload, " ", ""))
	require.NoError(s.t, err)
	return s.Seed(sr.Schema{Schema: schema, Type: sr.TypeProtobuf}, b)
}

// json is what Google's library reads in a message.
func (s *stand) json(message []byte) string {
	s.t.Helper()
	file, err := parse(s.text(message), nil)
	require.NoError(s.t, err)
	indexes, payload, err := registry.CutIndexes(nil, message[registry.HeaderSize:])
	require.NoError(s.t, err)
	m, err := messageAt(file, indexes)
	require.NoError(s.t, err)
	d := dynamicpb.NewMessage(m)
	require.NoError(s.t, proto.Unmarshal(payload, d))
	out, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(d)
	require.NoError(s.t, err)
	return string(out)
}

func decimalOf(unscaled int64, scale int32) connect.Value {
	return connect.DecimalOf(&connect.Decimal{Unscaled: big.NewInt(unscaled), Scale: scale})
}

var (
	point = connect.StructSchema("com.example.Point", connect.F("x", connect.Float64Schema))
	// sample has all that Protobuf has a form for.
	sample = connect.StructSchema("com.example.Reading",
		connect.F("i8", connect.Int8Schema), connect.F("i32", connect.Int32Schema), connect.F("i64", connect.Int64Schema), connect.F("f32", connect.Float32Schema),
		connect.F("f64", connect.Float64Schema), connect.F("yes", connect.BooleanSchema), connect.F("text", connect.StringSchema), connect.F("raw", connect.BytesSchema),
		connect.F("amount", connect.DecimalSchema(2)), connect.F("day", connect.DateSchema), connect.F("time", connect.TimeSchema), connect.F("at", connect.TimestampSchema),
		connect.F("none", connect.OptionalStringSchema), connect.F("list", connect.ArraySchema(connect.Int32Schema)),
		connect.F("words", connect.ArraySchema(connect.StringSchema)), connect.F("map", connect.MapSchema(connect.StringSchema, connect.Int32Schema)),
		connect.F("point", point), connect.F("points", connect.ArraySchema(point)),
	)
)

func sampleOf() connect.Value {
	p := func(x float64) connect.Value {
		return connect.StructOf(connect.NewStruct(point).Set("x", connect.Float64(x)))
	}
	return connect.StructOf(connect.NewStruct(sample).Set("i8", connect.Int8(-8)).Set("i32", connect.Int32(-32)).Set("i64", connect.Int64(1<<60)).
		Set("f32", connect.Float32(0.5)).Set("f64", connect.Float64(-2.5)).Set("yes", connect.Boolean(true)).Set("text", connect.String("für 🎈")).
		Set("raw", connect.Bytes([]byte{0, 255})).Set("amount", decimalOf(-123456, 2)).Set("day", connect.Instant(19000*86400000)).
		Set("time", connect.Instant(45296789)).Set("at", connect.Instant(1700000000123)).
		Set("list", connect.Array([]connect.Value{connect.Int32(1), connect.Int32(-1)})).
		Set("words", connect.Array([]connect.Value{connect.String("a"), connect.String("")})).
		Set("map", connect.MapOf(connect.NewMap(1).Put(connect.String("k"), connect.Int32(1)))).
		Set("point", p(1)).Set("points", connect.Array([]connect.Value{p(2), p(0)})))
}

const sampleText = `syntax = "proto3";
package com.example;

import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";

message Reading {
  int32 i8 = 1 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int8" }] }];
  int32 i32 = 2;
  int64 i64 = 3;
  float f32 = 4;
  double f64 = 5;
  bool yes = 6;
  string text = 7;
  bytes raw = 8;
  confluent.type.Decimal amount = 9 [(confluent.field_meta) = { params: [{ key: "scale", value: "2" }] }];
  google.type.Date day = 10;
  google.type.TimeOfDay time = 11;
  google.protobuf.Timestamp at = 12;
  string none = 13;
  repeated int32 list = 14;
  repeated string words = 15;
  repeated ConnectDefault2Entry map = 16;
  Point point = 17;
  repeated Point points = 18;
  message ConnectDefault2Entry {
    string key = 1;
    int32 value = 2;
  }
  message Point {
    double x = 1;
  }
}
`

func TestAStructIsWrittenAsConfluentDoesAndComesBack(t *testing.T) {
	s := newStand(t)
	message := s.Encode(sample, sampleOf())
	assert.Equal(t, sampleText, s.text(message))
	assert.JSONEq(t, `{"i8":-8,"i32":-32,"i64":"1152921504606846976","f32":0.5,"f64":-2.5,"yes":true,"text":"für 🎈","raw":"AP8=",
		"amount":{"value":"/h3A","precision":6,"scale":2},"day":{"year":2022,"month":1,"day":8},"time":{"hours":12,"minutes":34,"seconds":56,"nanos":789000000},
		"at":"2023-11-14T22:13:20.123Z","list":[1,-1],"words":["a",""],"map":[{"key":"k","value":1}],"point":{"x":1},"points":[{"x":2},{}]}`, s.json(message))
	schema, v := s.Decode(message)
	want := strings.Replace(sampleOf().String(), ",list=", ",none=,list=", 1) // what Protobuf leaves out is a zero, not null
	assert.Equal(t, want, v.String())
	assert.Equal(t, "Reading", schema.Name())
	assert.Equal(t, 1, schema.Version())
	assert.Equal(t, connect.KindInt8, schema.Fields()[0].Schema.Kind())
	assert.Equal(t, map[string]string{tagParam: "5"}, schema.Fields()[4].Schema.Params())
	assert.True(t, schema.Fields()[4].Schema.Optional())
	// What was read can be written again, with the numbers that it had.
	again := s.Encode(schema, v)
	assert.Equal(t, message[registry.HeaderSize:], again[registry.HeaderSize:])
}

func TestScalarsAloneTravelInWrappers(t *testing.T) {
	for name, v := range map[string]struct {
		schema *connect.Schema
		value  connect.Value
		want   string
	}{
		"int32": {connect.Int32Schema, connect.Int32(5), "0208 0805"}, "zero": {connect.Int32Schema, connect.Int32(0), "0208"},
		"string": {connect.OptionalStringSchema, connect.String("a"), "020e 0a0161"}, "boolean": {connect.BooleanSchema, connect.Boolean(true), "020c 0801"},
		"double": {connect.Float64Schema, connect.Float64(1), "00 09000000000000f03f"},
	} {
		s := newStand(t)
		message := s.Encode(v.schema, v.value)
		assert.Equal(t, strings.ReplaceAll(v.want, " ", ""), hex.EncodeToString(message[registry.HeaderSize:]), name)
		schema, back := s.Decode(message)
		assert.True(t, v.value.Equal(back), name)
		assert.Equal(t, v.schema.Kind(), schema.Kind(), name)
	}
	s := newStand(t)
	message := s.Encode(connect.Int32Schema, connect.Int32(5))
	s = s.other("wrapper.for.raw.primitives=false")
	_, v := s.Decode(message)
	assert.Equal(t, "Struct{value=5}", v.String())
}

const foreign = `syntax = "proto3"; package n;
message Other { int32 a = 1; }
message R {
  message Inner { sint32 z = 1; fixed64 f = 2; uint32 u = 3; }
  enum Color { RED = 0; BLUE = 5; }
  oneof kind { string name = 1; Inner inner = 2; }
  optional int32 maybe = 3;
  Color color = 4;
  repeated Color colors = 5;
  map<string, Inner> many = 6;
  google.protobuf.StringValue wrapped = 7;
  int64 plain = 8;
}
` + "\n"

var foreignText = strings.Replace(foreign, "package n;", `package n; import "google/protobuf/wrappers.proto";`, 1)

func TestSchemasOfOthersAreRead(t *testing.T) {
	for _, c := range []struct{ keys, indexes, payload, want string }{
		{"", "00", "0807", "Struct{a=7}"},
		{"", "0202", "12 07 0803 18ffffffff0f 20 05 2a 03 00 05 07 32 09 0a0161 1204 0801 1802 3a 03 0a0162",
			"Struct{kind_0=Struct{inner=Struct{z=-2,f=0,u=4294967295}},color=BLUE,colors=[RED BLUE UNKNOWN_ENUM_VALUE_Color_7]," +
				"many={a: Struct{z=-1,f=0,u=2}},wrapped=Struct{value=b},plain=0}"},
		{"", "0202", "0a0178 1800", "Struct{kind_0=Struct{name=x},maybe=0,color=RED,colors=[],many={},plain=0}"},
		{"wrapper.for.nullables=true", "0202", "3a00", "Struct{color=RED,colors=[],many={},wrapped=,plain=0}"},
		{"flatten.unions=true", "0202", "0a0178", "Struct{name=x,color=RED,colors=[],many={},plain=0}"},
		{"int.for.enums=true", "0202", "2005", "Struct{color=5,colors=[],many={},plain=0}"},
		{"generate.index.for.unions=false", "0202", "0a0178", "Struct{kind=Struct{name=x},color=RED,colors=[],many={},plain=0}"},
		{"generate.struct.for.nulls=true", "0202", "", "Struct{maybe=0,color=RED,colors=[],many={},wrapped=Struct{value=},plain=0}"},
		{"", "04 02 00", "0803", "Struct{z=-2,f=0,u=0}"},
	} {
		s := newStand(t, c.keys)
		payload := strings.Replace(c.payload, "12 07 0803 18ffffffff0f", "12 08 0803 18ffffffff0f", 1)
		schema, v := s.Decode(s.seed(foreignText, c.indexes, payload))
		assert.Equal(t, c.want, v.String(), c.keys)
		if c.keys == "" {
			_, err := s.Converter.Encode(new(converters.Arena), "others", schema, v)
			require.NoError(t, err, "what was read can be written")
		}
	}
}

func TestOptionalLabelsAndWrappersSayWhatMayBeNull(t *testing.T) {
	schema := connect.StructSchema("R", connect.F("a", connect.OptionalInt32Schema), connect.F("b", connect.Int32Schema), connect.F("c", connect.OptionalStringSchema))
	v := connect.StructOf(connect.NewStruct(schema).Set("a", connect.Int32(0)).Set("b", connect.Int32(0)))
	s := newStand(t, "optional.for.nullables=true")
	message := s.Encode(schema, v)
	assert.Contains(t, s.text(message), "optional int32 a = 1;\n  int32 b = 2;\n  optional string c = 3;")
	assert.Equal(t, "000800", hex.EncodeToString(message[registry.HeaderSize:]))
	back, got := s.Decode(message)
	assert.Equal(t, "Struct{a=0,b=0}", got.String())
	assert.True(t, back.Fields()[0].Schema.Optional())
	assert.False(t, back.Fields()[1].Schema.Optional())

	s = newStand(t, "wrapper.for.nullables=true")
	message = s.Encode(schema, v)
	assert.Contains(t, s.text(message), "google.protobuf.Int32Value a = 1;")
	assert.Equal(t, "000a00", hex.EncodeToString(message[registry.HeaderSize:]))
	_, got = s.Decode(message)
	assert.Equal(t, "Struct{a=0,b=0}", got.String())
}

func TestTheLatestSchemaOfASubjectIsWrittenByNamesAndRead(t *testing.T) {
	s := newStand(t)
	s.seed(`syntax = "proto3"; message Before {} message R { string more = 4; int32 b = 7; }`, "", "")
	s = s.other("auto.register.schemas=false", "use.latest.version=true")
	own := connect.StructSchema("R", connect.F("b", connect.Int32Schema))
	message := s.Encode(own, connect.StructOf(connect.NewStruct(own).Set("b", connect.Int32(1))))
	assert.Equal(t, "02023801", hex.EncodeToString(message[registry.HeaderSize:]))
	_, v := s.Decode(message)
	assert.Equal(t, "Struct{more=,b=1}", v.String())
	other := connect.StructSchema("R", connect.F("missing", connect.Int32Schema))
	_, err := s.Converter.Encode(new(converters.Arena), "readings", other, connect.StructOf(connect.NewStruct(other)))
	require.ErrorIs(t, err, connect.ErrData)
	assert.Contains(t, err.Error(), "has no field missing")
}

func TestWhatProtobufCannotHoldIsRefused(t *testing.T) {
	s := newStand(t)
	nested := connect.StructSchema("R", connect.F("l", connect.ArraySchema(connect.ArraySchema(connect.Int32Schema))))
	null := connect.StructSchema("R", connect.F("l", connect.ArraySchema(connect.OptionalInt32Schema)))
	bad := connect.StructSchema("R", connect.F("no name", connect.Int32Schema))
	for name, c := range map[string]struct {
		schema *connect.Schema
		value  connect.Value
	}{
		"a list of lists":     {nested, connect.StructOf(connect.NewStruct(nested))},
		"a null in a list":    {null, connect.StructOf(connect.NewStruct(null).Set("l", connect.Array([]connect.Value{{}})))},
		"a name with a blank": {bad, connect.StructOf(connect.NewStruct(bad))},
		"a list alone":        {connect.ArraySchema(connect.Int32Schema), connect.Array(nil)},
		"a timestamp alone":   {connect.TimestampSchema, connect.Instant(1)},
		"no schema":           {nil, connect.String("x")},
		"another kind":        {point, connect.String("x")},
	} {
		_, err := s.Converter.Encode(new(converters.Arena), "readings", c.schema, c.value)
		require.ErrorIs(t, err, connect.ErrData, name)
	}
	for _, c := range []struct{ schema, indexes, payload string }{
		{`syntax = "proto3"; message R { int32 a = 1; }`, "0206", ""},
		{`syntax = "proto3"; message R { int32 a = 1; }`, "00", "08"}, {`syntax = "proto3"; message R { string a = 1; }`, "00", "0aff"}, {`no protobuf`, "00", ""},
	} {
		_, _, err := s.Converter.Decode("readings", s.seed(c.schema, c.indexes, c.payload))
		require.ErrorIs(t, err, connect.ErrData, c.schema)
	}
	assert.Nil(t, s.Encode(point, connect.Value{}))
}

func TestReferencedFilesAreReadToo(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Registry.RegisterSchema("point", sr.Schema{Schema: `syntax = "proto3"; package g; message P { int32 x = 1; }`, Type: sr.TypeProtobuf})
	require.NoError(t, err)
	id, _, err := s.Registry.RegisterSchema("readings-value", sr.Schema{Type: sr.TypeProtobuf,
		Schema: `syntax = "proto3"; import "geo/point.proto"; message R { g.P p = 1; }`, References: []sr.SchemaReference{{Name: "geo/point.proto", Subject: "point", Version: 1}}})
	require.NoError(t, err)
	_, v := s.Decode([]byte{0, 0, 0, 0, byte(id), 0, 0x0a, 2, 8, 3})
	assert.Equal(t, "Struct{p=Struct{x=3}}", v.String())
}

func TestWritingAllocatesNothing(t *testing.T) {
	s := newStand(t)
	v := sampleOf()
	var room converters.Arena
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		room.Reset()
		_, err := s.Converter.Encode(&room, "readings", point, v.Struct().Get("point"))
		require.NoError(t, err)
	}))
}

// Whatever the bytes are, reading ends with a value or an error, and Google's library refuses what is refused here.
func FuzzProtobufMessage(f *testing.F) {
	file, err := parse(foreignText, nil)
	require.NoError(f, err)
	own, err := parse(sampleText, nil)
	require.NoError(f, err)
	tree, err := parse(treeText, nil)
	require.NoError(f, err)
	var decoders []*decoder
	for _, o := range []options{{proto2: true, unionIndex: true}, {wrap: true, flatten: true, structs: true}} {
		d, err := o.compileDecoder(file.Messages().Get(1), 0)
		require.NoError(f, err)
		e, err := o.compileDecoder(own.Messages().Get(0), 0)
		require.NoError(f, err)
		within, err := o.compileDecoder(tree.Messages().Get(0), 0)
		require.NoError(f, err)
		decoders = append(decoders, d, e, within)
	}
	f.Add([]byte{0x12, 2, 8, 3, 0x32, 5, 0x0a, 1, 'a', 0x12, 0, 0x3a, 0})
	f.Add([]byte{0x0a, 4, 0x0a, 0, 0x12, 0, 0x1a, 5, 0x0a, 1, 'a', 0x12, 0, 0x22, 2, 0x22, 0, 0x32, 7, 0x0a, 5, 0x0a, 1, 'k', 0x12, 0})
	f.Add([]byte{0x4a, 4, 0x0a, 2, 1, 1, 0x52, 6, 8, 0xe6, 0x0f, 0x10, 1, 0x18, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range decoders {
			v, err := d.value(data, 0)
			if err != nil {
				continue
			}
			if err := connect.CheckValue(d.schema, v); err != nil {
				t.Errorf("read %v, which does not fit its schema: %v", v, err)
			}
		}
	})
}

func TestASchemaThatCannotBeReadIsToldOfWithItsSubject(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Converter.Decode("readings", s.seed(`syntax = "proto2"; package geo; message R { optional group G = 1 { } }`, "00", ""))
	require.ErrorIs(t, err, connect.ErrData)
	assert.ErrorContains(t, err, "of subject readings-value: ")
	assert.ErrorContains(t, err, "field g: groups have no form in Connect")
}
