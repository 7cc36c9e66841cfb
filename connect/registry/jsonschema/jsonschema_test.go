package jsonschema

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

// stand is a converter at a registry in memory.
type stand struct{ *registrystand.Stand }

func newStand(t testing.TB, keys ...string) *stand {
	return &stand{registrystand.New(t, Definition, keys...)}
}

// other is a stand at the same registry whose converter has other keys.
func (s *stand) other(keys ...string) *stand { return &stand{s.Other(keys...)} }

// text is the schema that was registered under a message's id.
func (s *stand) text(message []byte) string { return s.Schema(message).Schema }

// seed puts a schema into the registry and returns a message under it.
func (s *stand) seed(schema, payload string) []byte {
	return s.Seed(sr.Schema{Schema: schema, Type: sr.TypeJSON}, []byte(payload))
}

func decimalOf(unscaled int64, scale int32) connect.Value {
	return connect.DecimalOf(&connect.Decimal{Unscaled: big.NewInt(unscaled), Scale: scale})
}

var point = connect.StructSchema("geo.Point", connect.F("x", connect.Float64Schema), connect.F("note", connect.OptionalStringSchema))

// Schema texts follow JsonSchemaData.rawSchemaFromConnectSchema.
var mappings = []struct {
	name    string
	schema  *connect.Schema
	value   connect.Value
	json    string
	payload string
}{
	{"int8", connect.Int8Schema, connect.Int8(-3), `{"type":"integer","connect.type":"int8"}`, `-3`},
	{"int64", connect.Int64Schema, connect.Int64(math.MaxInt64), `{"type":"integer","connect.type":"int64"}`, `9223372036854775807`},
	{"float32", connect.Float32Schema, connect.Float32(0.5), `{"type":"number","connect.type":"float32"}`, `0.5`},
	{"not a number", connect.Float64Schema, connect.Float64(math.Inf(-1)), `{"type":"number","connect.type":"float64"}`, `"-Infinity"`},
	{"boolean", connect.BooleanSchema, connect.Boolean(true), `{"type":"boolean"}`, `true`},
	{"string", connect.StringSchema, connect.String("a\"b"), `{"type":"string"}`, `"a\"b"`},
	{"bytes", connect.BytesSchema, connect.Bytes([]byte{1, 255}), `{"type":"string","connect.type":"bytes"}`, `"Af8="`},
	{"optional", connect.OptionalInt32Schema, connect.Int32(1), `{"oneOf":[{"type":"null"},{"type":"integer","connect.type":"int32"}]}`, `1`},
	{"Decimal", connect.DecimalSchema(2), decimalOf(-12345, 2), `{"title":"org.apache.kafka.connect.data.Decimal","type":"string",` +
		`"connect.version":1,"connect.parameters":{"scale":"2"},"connect.type":"bytes"}`, `"z8c="`},
	{"Timestamp", connect.TimestampSchema, connect.Instant(1700000000123), `{"title":"org.apache.kafka.connect.data.Timestamp","type":"integer",` +
		`"connect.version":1,"connect.type":"int64"}`, `1700000000123`},
	{"Date", connect.DateSchema, connect.Instant(19000 * 86400000), `{"title":"org.apache.kafka.connect.data.Date","type":"integer",` +
		`"connect.version":1,"connect.type":"int32"}`, `19000`},
	{"array", connect.ArraySchema(connect.Int32Schema), connect.Array([]connect.Value{connect.Int32(1), connect.Int32(2)}),
		`{"type":"array","items":{"type":"integer","connect.type":"int32"}}`, `[1,2]`},
	{"map", connect.MapSchema(connect.StringSchema, connect.BooleanSchema), connect.MapOf(connect.NewMap(1).Put(connect.String("a"), connect.Boolean(false))),
		`{"type":"object","additionalProperties":{"type":"boolean"},"connect.type":"map"}`, `{"a":false}`},
	{"map with keys of another type", connect.MapSchema(connect.Int32Schema, connect.StringSchema),
		connect.MapOf(connect.NewMap(1).Put(connect.Int32(5), connect.String("x"))),
		`{"type":"array","items":{"type":"object","properties":{"key":{"type":"integer","connect.index":0,"connect.type":"int32"},` +
			`"value":{"type":"string","connect.index":1}}},"connect.type":"map"}`, `[{"key":5,"value":"x"}]`},
	{"struct", point, connect.StructOf(connect.NewStruct(point).Set("x", connect.Float64(1))),
		`{"title":"geo.Point","type":"object","properties":{"x":{"type":"number","connect.index":0,"connect.type":"float64"},` +
			`"note":{"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":1}}}`, `{"x":1.0,"note":null}`},
	{"document, version and default", connect.NewSchema(connect.KindString, connect.Doc("what"), connect.Version(3), connect.DefaultValue(connect.String("d"))),
		connect.String("v"), `{"description":"what","default":"d","type":"string","connect.version":3}`, `"v"`},
}

func TestEachTypeIsWrittenAsConfluentDoesAndComesBack(t *testing.T) {
	for _, m := range mappings {
		t.Run(m.name, func(t *testing.T) {
			s := newStand(t)
			message := s.Encode(m.schema, m.value)
			assert.Equal(t, m.json, s.text(message))
			assert.Equal(t, m.payload, string(message[registry.HeaderSize:]))
			schema, v := s.Decode(message)
			assert.Equal(t, m.value.String(), v.String())
			want := m.schema
			if !want.HasVersion() {
				want = want.With(connect.Version(1)) // the subject's
			}
			assert.True(t, want.Equal(schema), "the schema came back as %s %q", schema.Kind(), schema.Name())
			assert.Equal(t, m.payload, string(s.Encode(schema, v)[registry.HeaderSize:]))
		})
	}
}

func TestDecimalsAreNumbersWhereAsked(t *testing.T) {
	s := newStand(t, "decimal.format=numeric")
	message := s.Encode(connect.DecimalSchema(2), decimalOf(-12340, 2))
	assert.Equal(t, "-123.40", string(message[registry.HeaderSize:]))
	_, v := s.Decode(message)
	assert.True(t, decimalOf(-12340, 2).Equal(v))
	_, v = s.Decode(append(message[:registry.HeaderSize:registry.HeaderSize], "7"...))
	assert.True(t, decimalOf(700, 2).Equal(v), "with the scale of its schema, so that it can be written again")
}

func TestSchemasOfOthersAreRead(t *testing.T) {
	for _, c := range []struct{ name, schema, payload, shown string }{
		{"several types", `{"type":["null","string"]}`, `"x"`, "x"},
		{"plain numbers", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"number"}}}`, `{"b":2,"a":1,"c":{}}`, "Struct{a=1,b=2}"},
		{"references", `{"$ref":"#/definitions/P","definitions":{"P":{"properties":{"q":{"$ref":"#/definitions/Q"}}},"Q":{"type":"boolean"}}}`, `{"q":true}`, "Struct{q=true}"},
		{"one of several objects", `{"oneOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}]}`,
			`{"a":"1","b":"2"}`, "Struct{io.confluent.connect.json.OneOf.field.1=Struct{a=1,b=2}}"},
		{"one of several scalars", `{"anyOf":[{"type":"integer"},{"type":"string"},{"type":"array","items":{"type":"number"}}]}`, `[1.5]`,
			"Struct{io.confluent.connect.json.OneOf.field.2=[1.5]}"},
		{"all of several objects", `{"allOf":[{"$ref":"#/$defs/A"},{"properties":{"b":{"type":"boolean"}}}],"$defs":{"A":{"properties":{"a":{"type":"string"}}}}}`,
			`{"a":"x","b":false}`, "Struct{a=x,b=false}"},
		{"enums", `{"type":"string","enum":["A","B"]}`, `"B"`, "B"},
		{"missing properties", `{"type":"object","properties":{"a":{"type":"string","default":"d"},"b":{"type":"string"}}}`, `{}`, "Struct{a=d}"},
	} {
		s := newStand(t)
		_, v := s.Decode(s.seed(c.schema, c.payload))
		assert.Equal(t, c.shown, v.String(), c.name)
	}
}

func TestEnumsAndOptionalPropertiesInConnect(t *testing.T) {
	const text = `{"type":"object","required":["a"],"properties":{"a":{"enum":["X","Y",null]},"b":{"type":"integer"}}}`
	s := newStand(t, "use.optional.for.nonrequired=true")
	schema, _ := s.Decode(s.seed(text, `{"a":"X"}`))
	assert.Equal(t, map[string]string{"io.confluent.connect.json.Enum": "", "io.confluent.connect.json.Enum.X": "X",
		"io.confluent.connect.json.Enum.Y": "Y", "io.confluent.connect.json.Enum.<NULL>": "<NULL>"}, schema.Fields()[0].Schema.Params())
	assert.False(t, schema.Fields()[0].Schema.Optional())
	assert.True(t, schema.Fields()[1].Schema.Optional())
	s = newStand(t, "generalized.sum.type.support=true")
	schema, v := s.Decode(s.seed(text, `{"a":"Y","b":1}`))
	assert.Equal(t, "1", schema.Fields()[0].Schema.Params()["org.apache.kafka.connect.data.Enum.Y"])
	assert.Contains(t, s.text(s.Encode(schema, v)), `{"enum":["X","Y",null],"connect.index":0,"connect.parameters":{"org.apache.kafka.connect.data.Enum":""`)
}

func TestMessagesAreValidatedWhereAsked(t *testing.T) {
	const text = `{"type":"object","properties":{"a":{"type":"integer","maximum":5}}}`
	s := newStand(t, "json.fail.invalid.schema=true")
	good, bad := s.seed(text, `{"a":5}`), s.seed(text, `{"a":6}`)
	_, v := s.Decode(good)
	assert.Equal(t, "Struct{a=5}", v.String())
	_, _, err := s.Converter.Decode("readings", bad)
	require.ErrorIs(t, err, connect.ErrData)
	assert.Contains(t, err.Error(), "maximum")
	_, v = s.Other().Decode(bad)
	assert.Equal(t, "Struct{a=6}", v.String())
}

func TestTheLatestSchemaOfASubject(t *testing.T) {
	s := newStand(t)
	s.seed(`{"type":"object","properties":{"a":{"type":"integer","maximum":5},"b":{"type":"string","default":"new"}}}`, "")
	s = s.other("auto.register.schemas=false", "use.latest.version=true")
	own := connect.StructSchema("", connect.F("a", connect.Int32Schema))
	message := s.Encode(own, connect.StructOf(connect.NewStruct(own).Set("a", connect.Int32(5))))
	_, v := s.Decode(message)
	assert.Equal(t, "Struct{a=5,b=new}", v.String())
	_, err := s.Converter.Encode(new(converters.Arena), "readings", own, connect.StructOf(connect.NewStruct(own).Set("a", connect.Int32(6))))
	require.ErrorIs(t, err, connect.ErrData, "the latest schema must allow what is written")
	s = s.other("auto.register.schemas=false", "use.latest.version=true", "latest.compatibility.strict=false")
	s.Encode(own, connect.StructOf(connect.NewStruct(own).Set("a", connect.Int32(6))))
}

func TestNullsAndTombstones(t *testing.T) {
	s := newStand(t)
	assert.Nil(t, s.Encode(nil, connect.Value{}))
	assert.Nil(t, s.Encode(connect.StringSchema, connect.Value{}))
	assert.Equal(t, "null", string(s.Encode(connect.OptionalStringSchema, connect.Value{})[registry.HeaderSize:]))
	_, v := s.Decode(nil)
	assert.True(t, v.IsNull())
	_, err := s.Converter.Encode(new(converters.Arena), "readings", nil, connect.Int32(1))
	require.ErrorIs(t, err, connect.ErrData)
}

func TestBrokenMessagesAndSchemasAreDataErrors(t *testing.T) {
	s := newStand(t)
	for _, c := range []struct{ schema, payload string }{
		{`{"type":"integer"}`, `"x"`}, {`{"type":"integer"}`, ``}, {`{"type":"object","properties":{}}`, `[`}, {`{}`, `1`}, {`{"type":"array"}`, `[]`},
		{`{"$ref":"#/nowhere"}`, `1`}, {`{"$ref":"other.json"}`, `1`}, {`{"$ref":"#"}`, `1`},
	} {
		_, _, err := s.Converter.Decode("readings", s.seed(c.schema, c.payload))
		require.ErrorIs(t, err, connect.ErrData, c.schema)
	}
}

func TestReferencedSchemasAreReadToo(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Registry.RegisterSchema("point", sr.Schema{Schema: `{"type":"object","properties":{"x":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"integer"}}}`, Type: sr.TypeJSON})
	require.NoError(t, err)
	id, _, err := s.Registry.RegisterSchema("readings-value", sr.Schema{Type: sr.TypeJSON,
		Schema: `{"type":"object","properties":{"p":{"$ref":"point.json"}}}`, References: []sr.SchemaReference{{Name: "point.json", Subject: "point", Version: 1}}})
	require.NoError(t, err)
	_, v := s.Decode(append([]byte{0, 0, 0, 0, byte(id)}, `{"p":{"x":2}}`...))
	assert.Equal(t, "Struct{p=Struct{x=2}}", v.String())
}

// Whatever the bytes are, reading ends with a value or an error.
func FuzzJSONSchemaMessage(f *testing.F) {
	s, err := options{flatten: true}.toConnect(registry.Schema{Text: `{"type":"object","properties":{"a":{"type":"array","items":{"oneOf":[{"type":"integer"},` +
		`{"type":"object","properties":{"x":{"type":"string"}}},{"type":"object","additionalProperties":{"type":"number"},"connect.type":"map"},{"$ref":"#"}]}},"self":{"$ref":"#"},"all":{"type":"array","items":{"$ref":"#"}}}}`}, 0)
	require.NoError(f, err)
	f.Add([]byte(`{"a":[1,{"x":"y"},{"k":1.5}]}`))
	f.Add([]byte(`{"a":[{"all":[{},{"self":{"a":[1]}}],"self":{}}],"self":{"self":{"all":[]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := reader{}
		r.Data = data
		if v, err := r.value(s); err == nil {
			if _, err := (options{}).appendValue(nil, s, v); err != nil {
				t.Errorf("read %v, which cannot be written: %v", v, err)
			}
		}
	})
}

func TestASchemaThatCannotBeReadIsToldOfWithItsSubject(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Converter.Decode("readings", s.seed(`{"type":"object","properties":{"a":{}}}`, `{}`))
	require.ErrorIs(t, err, connect.ErrData)
	assert.ErrorContains(t, err, "of subject readings-value: ")
	assert.ErrorContains(t, err, "property a: a part of it accepts any value")
}
