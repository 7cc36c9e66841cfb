package avro

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

func TestUnionsAreStructsWithOneFieldSet(t *testing.T) {
	const avro = `{"type":"record","name":"R","namespace":"n","fields":[{"name":"u","type":["null","string",` +
		`{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},{"type":"enum","name":"E","symbols":["A","B"]}]}]}`
	for _, c := range []struct{ keys, field, payload string }{
		{"", "string", "02 0261"}, {"", "P", "04 0e"}, {"", "E", "06 02"}, {"enhanced.avro.schema.support=true", "n.P", "04 0e"},
		{"generalized.sum.type.support=true", "connect_union_field_3", "06 02"},
	} {
		s := newStand(t, c.keys)
		message := s.seed(avro, c.payload)
		schema, v := s.Decode(message)
		u := v.Struct().Get("u").Struct()
		assert.False(t, u.Get(c.field).IsNull(), "%s is not set in %s", c.field, u)
		assert.True(t, schema.Fields()[0].Schema.Optional())
		// The way back needs the names of enums and of branches.
		if c.keys != "" {
			assert.Equal(t, message[5:], s.Encode(schema, v)[5:])
		}
	}
	s := newStand(t)
	_, v := s.Decode(s.seed(avro, "00"))
	assert.True(t, v.Struct().Get("u").IsNull())
}

func TestWhatAvroSaysBeyondTypesBecomesParametersAndNames(t *testing.T) {
	s := newStand(t)
	schema, v := s.Decode(s.seed(`{"type":"record","name":"R","namespace":"n","doc":"all","fields":[`+
		`{"name":"a","type":"int","default":5,"doc":"one"},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"],"default":"X"}},`+
		`{"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"d","type":{"type":"fixed","name":"D","size":3,"logicalType":"decimal","precision":5,"scale":1}},`+
		`{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"p","type":{"type":"string","avro.java.string":"String"}},`+
		`{"name":"n","type":["null","string"],"default":null},{"name":"z","type":["string","null"],"default":"zz"}]}`,
		"08 02 0102 ffff38 0a 0278 00 00 027a"))
	assert.Equal(t, "n.R", schema.Name())
	assert.Equal(t, 1, schema.Version(), "the version within the subject")
	assert.Equal(t, map[string]string{"io.confluent.connect.avro.record.doc": "all", "io.confluent.connect.avro.field.doc.a": "one"}, schema.Params())
	field := func(name string) *connect.Schema { return schema.Fields()[schema.Index(name)].Schema }
	assert.True(t, field("a").Default().Equal(connect.Int32(5)))
	assert.Equal(t, map[string]string{"io.confluent.connect.avro.field.default": "true"}, field("a").Params())
	assert.Equal(t, map[string]string{"io.confluent.connect.avro.Enum": "n.E", "io.confluent.connect.avro.Enum.X": "X",
		"io.confluent.connect.avro.Enum.Y": "Y", "io.confluent.connect.avro.enum.default.E": "X"}, field("e").Params())
	assert.Equal(t, "n.F", field("f").Name())
	assert.Equal(t, connect.DecimalName, field("d").Name())
	assert.Equal(t, map[string]string{"scale": "1", "connect.decimal.precision": "5", "connect.fixed.size": "3"}, field("d").Params())
	assert.Equal(t, connect.KindInt64, field("t").Kind())
	assert.Equal(t, map[string]string{"avro.java.string": "String"}, field("p").Params())
	assert.True(t, field("z").Optional())
	assert.True(t, field("z").Default().IsNull(), "of a nullable type Java forgets the field's default")
	assert.Equal(t, "Struct{a=4,e=Y,f=0102,d=-20.0,t=5,p=x,z=z}", v.Struct().String())
}

func TestADefaultOfTheWrongTypeIsNone(t *testing.T) {
	s := newStand(t)
	schema, _ := s.Decode(s.seed(`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"},{"name":"b","type":{"type":"array",`+
		`"items":"int"},"default":[1,2]},{"name":"c","type":{"type":"map","values":"string"},"default":{"k":"v"}}]}`, "02 00 00"))
	assert.True(t, schema.Fields()[0].Schema.Default().IsNull())
	assert.Equal(t, "[1 2]", schema.Fields()[1].Schema.Default().String())
	assert.Equal(t, "{k: v}", schema.Fields()[2].Schema.Default().String())
}

func TestASchemaThatCannotBeReadIsToldOfWithItsSubject(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Converter.Decode("readings", s.seed(`{"type":"record","name":"R","fields":[{"name":"a","type":"null"}]}`, ""))
	require.ErrorIs(t, err, connect.ErrData)
	assert.ErrorContains(t, err, "of subject readings-value: ")
	assert.ErrorContains(t, err, "field a: a type of null alone")
}

func TestSchemalessDataTravelAsAnything(t *testing.T) {
	s := newStand(t)
	v := connect.MapOf(connect.NewMap(4).
		Put(connect.String("list"), connect.Array([]connect.Value{connect.Int64(1), connect.String("x"), connect.Value{}, connect.Boolean(true)})).
		Put(connect.Int32(7), connect.Float64(1.5)).
		Put(connect.String("raw"), connect.Bytes([]byte{1})).
		Put(connect.String("short"), connect.Float32(0.5)))
	message := s.Encode(nil, v)
	schema, back := s.Decode(message)
	assert.Nil(t, schema)
	assert.True(t, v.Equal(back), "%v came back as %v", v, back)
	assert.Equal(t, anything.String(), s.text(message))
}

func TestANullIsATombstoneUnlessItsSchemaForbidsIt(t *testing.T) {
	s := newStand(t)
	for _, schema := range []*connect.Schema{nil, connect.OptionalInt32Schema} {
		assert.Nil(t, s.Encode(schema, connect.Value{}))
	}
	_, err := s.Converter.Encode(new(converters.Arena), "readings", connect.Int32Schema, connect.Value{})
	require.ErrorIs(t, err, connect.ErrData)
	schema, v, err := s.Converter.Decode("readings", nil)
	require.NoError(t, err)
	assert.Nil(t, schema)
	assert.True(t, v.IsNull())
}

func TestANullInAFieldWithADefaultIsTheDefaultUnlessAskedOtherwise(t *testing.T) {
	schema := connect.StructSchema("R", connect.F("a", connect.NewSchema(connect.KindInt32, connect.Optional(), connect.DefaultValue(connect.Int32(7)))))
	v := connect.StructOf(connect.NewStruct(schema))
	s := newStand(t)
	assert.Equal(t, []byte{0, 14}, s.Encode(schema, v)[5:])
	s = newStand(t, "ignore.default.for.nullables=true")
	assert.Equal(t, []byte{2}, s.Encode(schema, v)[5:])
}

func TestNamesAreScrubbedWhereAsked(t *testing.T) {
	schema := connect.StructSchema("my-app.2nd Reading", connect.F("température", connect.Int32Schema), connect.F("1st", connect.Int32Schema))
	v := connect.StructOf(connect.NewStruct(schema).Set("1st", connect.Int32(1)).Set("température", connect.Int32(2)))
	s := newStand(t, "scrub.invalid.names=true", "connect.meta.data=false")
	message := s.Encode(schema, v)
	assert.Equal(t, `{"type":"record","name":"x2nd_Reading","namespace":"my_app","fields":[{"name":"temp_C3_A9rature","type":"int"},{"name":"x1st","type":"int"}]}`,
		s.text(message))
	s = newStand(t)
	_, err := s.Converter.Encode(new(converters.Arena), "readings", schema, v)
	require.ErrorIs(t, err, connect.ErrData)
	assert.Contains(t, err.Error(), "scrub.invalid.names=true")
}

func TestTheLatestSchemaOfASubjectIsWrittenAndRead(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Registry.RegisterSchema("readings-value", sr.Schema{Schema: `{"type":"record","name":"R","fields":[` +
		`{"name":"b","type":"long"},{"name":"a","type":["null","string"]},{"name":"c","type":"string","default":"new"}]}`})
	require.NoError(t, err)
	s = s.other("auto.register.schemas=false", "use.latest.version=true")
	own := connect.StructSchema("R", connect.F("a", connect.OptionalStringSchema), connect.F("b", connect.Int32Schema))
	message := s.Encode(own, connect.StructOf(connect.NewStruct(own).Set("a", connect.String("x")).Set("b", connect.Int32(1))))
	assert.Equal(t, []byte{2, 2, 2, 'x', 6, 'n', 'e', 'w'}, message[5:], "fields in the order of the latest schema, b widened, c with its default")

	old := s.other().Converter
	message, err = old.Encode(new(converters.Arena), "others", own, connect.StructOf(connect.NewStruct(own).Set("b", connect.Int32(1))))
	require.NoError(t, err)
	schema, v := s.Decode(message)
	assert.Equal(t, "Struct{b=1,c=new}", v.String())
	assert.Equal(t, connect.KindInt64, schema.Fields()[0].Schema.Kind())
}

func TestALatestSchemaThatCannotReadTheRecordIsRefused(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Registry.RegisterSchema("readings-value", sr.Schema{Schema: `"string"`})
	require.NoError(t, err)
	s = s.other("auto.register.schemas=false", "use.latest.version=true")
	_, err = s.Converter.Encode(new(converters.Arena), "readings", connect.Int32Schema, connect.Int32(1))
	require.ErrorIs(t, err, connect.ErrData)
	assert.Contains(t, err.Error(), "latest.compatibility.strict")
}

func TestASchemaThatMustBeThereIsLookedUp(t *testing.T) {
	s := newStand(t, "auto.register.schemas=false")
	_, err := s.Converter.Encode(new(converters.Arena), "readings", connect.Int32Schema, connect.Int32(1))
	assert.ErrorContains(t, err, "auto.register.schemas=true")
	_, _, err = s.Registry.RegisterSchema("readings-value", sr.Schema{Schema: `"int"`})
	require.NoError(t, err)
	assert.Equal(t, []byte{2}, s.Encode(connect.Int32Schema, connect.Int32(1))[5:])
}

func TestReferencedSchemasAreReadToo(t *testing.T) {
	s := newStand(t)
	_, _, err := s.Registry.RegisterSchema("point", sr.Schema{Schema: `{"type":"record","name":"P","namespace":"n","fields":[{"name":"x","type":"int"}]}`})
	require.NoError(t, err)
	id, _, err := s.Registry.RegisterSchema("readings-value", sr.Schema{
		Schema:     `{"type":"record","name":"R","namespace":"n","fields":[{"name":"p","type":"P"}]}`,
		References: []sr.SchemaReference{{Name: "n.P", Subject: "point", Version: 1}},
	})
	require.NoError(t, err)
	_, v := s.Decode([]byte{0, 0, 0, 0, byte(id), 4})
	assert.Equal(t, "Struct{p=Struct{x=2}}", v.String())
}

func TestEachSchemaIsAskedForOnce(t *testing.T) {
	s := newStand(t)
	asked := 0
	s.Registry.Intercept(func(http.ResponseWriter, *http.Request) bool { asked++; return false })
	var message []byte
	for range 100 {
		message = s.Encode(point, pointOf(1, 2))
	}
	assert.Equal(t, 1, asked, "to register")
	asked = 0
	for range 100 {
		s.Decode(message)
	}
	assert.Equal(t, 2, asked, "the schema, and its version within the subject")
}

func TestBrokenMessagesAreDataErrors(t *testing.T) {
	s := newStand(t)
	good := s.Encode(point, pointOf(1, 2))
	unknown := append([]byte{0, 0, 0, 9, 9}, good[5:]...)
	for name, message := range map[string][]byte{
		"too short": {0, 0}, "other magic": {1, 0, 0, 0, 1, 2}, "cut": good[:10], "an id that nobody knows": unknown, "empty": {},
	} {
		_, _, err := s.Converter.Decode("readings", message)
		require.ErrorIs(t, err, connect.ErrData, name)
		assert.NotErrorAs(t, err, new(*connect.RetryError), name)
	}
	for _, v := range []connect.Value{connect.String("x"), connect.StructOf(connect.NewStruct(connect.StructSchema("other")))} {
		_, err := s.Converter.Encode(new(converters.Arena), "readings", point, v)
		require.ErrorIs(t, err, connect.ErrData)
	}
}
