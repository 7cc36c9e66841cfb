package avro

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

func TestWhatHoldsItselfComesBack(t *testing.T) {
	for name, sample := range registrystand.Recursive(t) {
		newStand(t).ComesBack(name, sample)
		newStand(t, "enhanced.avro.schema.support=true", "connect.meta.data=false").ComesBack(name, sample)
	}
	for seed := range int64(100) {
		newStand(t).ComesBack("seed", registrystand.Random(t, seed))
	}
}

func TestARecordWithinItselfIsANameAndHasItsAttributes(t *testing.T) {
	list := registrystand.List(t, 1, -2)
	s := newStand(t)
	message := s.Encode(list.Schema, list.Value)
	assert.Equal(t, `{"type":"record","name":"Node","namespace":"com.example","fields":[{"name":"value","type":"int"},`+
		`{"name":"next","type":["null","Node"],"default":null}],"connect.name":"com.example.Node"}`, s.Schema(message).Schema)
	assert.Equal(t, []byte{2, 2, 3, 0}, message[5:])
	schema, _ := s.Decode(message)
	next := schema.Fields()[1].Schema
	assert.True(t, next.Equal(schema.With(connect.Optional())))
	assert.Equal(t, 1, next.Version(), "the version that it has outside")
	assert.Equal(t, "com.example.Node", next.Name())
	assert.Same(t, next, next.Fields()[1].Schema)

	s = newStand(t)
	schema, v := s.Decode(s.seed(`{"type":"record","name":"T","doc":"all","fields":[{"name":"kids","doc":"own","type":{"type":"array","items":"T"},"default":[]},`+
		`{"name":"other","type":["null",{"type":"record","name":"O","fields":[{"name":"t","type":["null","T"],"default":null},{"name":"many","type":{"type":"map","values":"O"}}]}]}]}`,
		"02 00 02 00 02 026b 00 00 00"+"00 00"))
	assert.Equal(t, "Struct{kids=[Struct{kids=[],other=Struct{many={k: Struct{many={}}}}}]}", v.String())
	kids := schema.Fields()[0].Schema
	assert.Equal(t, map[string]string{recordDocParam: "all", fieldDocParam + "kids": "own"}, kids.Elem().Params())
	assert.Equal(t, "[]", kids.Default().String())
	assert.True(t, kids.Elem().Equal(schema))
}

// The latest schema of the subject is another, also within itself.
func TestALaterRecordOfItselfIsReadAndWrittenByNames(t *testing.T) {
	s := newStand(t)
	old := s.seed(`{"type":"record","name":"Node","namespace":"com.example","fields":[{"name":"value","type":"int"},{"name":"gone","type":"string"},{"name":"next","type":["null","Node"]}]}`,
		"02 0261 02 04 0262 00")
	s.seed(`{"type":"record","name":"Node","namespace":"com.example","fields":[{"name":"next","type":["null","Node"]},{"name":"added","type":"string","default":"x"},`+
		`{"name":"value","type":"long"}]}`, "")
	s = s.other("use.latest.version=true", "auto.register.schemas=false", "latest.compatibility.strict=false")
	_, v := s.Decode(old)
	assert.Equal(t, "Struct{next=Struct{added=x,value=2},added=x,value=1}", v.String())
	list := registrystand.List(t, 1, 2)
	assert.Equal(t, []byte{2, 0, 2, 'x', 4, 2, 'x', 2}, s.Encode(list.Schema, list.Value)[5:])
}

func TestMessagesThatNestWithoutEndAreRefused(t *testing.T) {
	var s *stand
	for schema, level := range map[string][]byte{
		`{"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","Node"]}]}`:                    {2, 2},
		`{"type":"record","name":"Node","fields":[{"name":"folders","type":{"type":"array","items":"Node"}}]}`:                               {2},
		`{"type":"record","name":"Node","fields":[{"name":"folders","type":{"type":"map","values":"Node"}}]}`:                                {2, 0},
		`{"type":"record","name":"Node","fields":[{"name":"self","type":"Node"}]}`:                                                           {},
		`{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}}]}`:        {},
		`{"type":"record","name":"A","fields":[{"name":"u","type":["null","string",{"type":"map","values":{"type":"array","items":"A"}}]}]}`: {4, 2, 0, 2},
	} {
		s = newStand(t)
		message := append(s.seed(schema, ""), bytes.Repeat(level, 1<<20)...)
		_, _, err := s.Converter.Decode(registrystand.Topic, message)
		require.ErrorIs(t, err, connect.ErrData)
		assert.ErrorContains(t, err, "more than 1000 levels")
		assert.Less(t, len(err.Error()), 1000)
	}
	// What the latest schema lacks is read over.
	s = newStand(t)
	message := s.seed(`{"type":"record","name":"R","fields":[{"name":"n","type":{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}}]}`, "")
	s.seed(`{"type":"record","name":"R","fields":[]}`, "")
	_, _, err := s.other("use.latest.version=true").Converter.Decode(registrystand.Topic, append(message, bytes.Repeat([]byte{2}, 1<<20)...))
	require.ErrorContains(t, err, "more than 1000 levels")
}

// Lists within each other claim many elements each, before there are any.
func TestMemoryIsMadeForTheElementsThatAreThere(t *testing.T) {
	s := newStand(t)
	message := s.seed(`{"type":"record","name":"Node","fields":[{"name":"folders","type":{"type":"array","items":"Node"}}]}`, "")
	message = append(message, bytes.Repeat([]byte{0x80, 0x80, 0x40}, 1<<19)...) // 512 Ki elements at each level
	_, _, err := s.Converter.Decode(registrystand.Topic, message)               // the schema
	require.ErrorIs(t, err, connect.ErrData)
	used := testbed.Allocated(func() { _, _, err = s.Converter.Decode(registrystand.Topic, message) })
	require.ErrorIs(t, err, connect.ErrData)
	assert.Less(t, used, uint64(8<<20))
}

func TestDefaultsOfRecordsOfThemselvesEnd(t *testing.T) {
	s := newStand(t)
	schema, v := s.Decode(s.seed(`{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"],"default":null},{"name":"list","type":{"type":"array","items":"R"},"default":[]},`+
		`{"name":"full","type":{"type":"array","items":"R"},"default":[{}]},{"name":"p","type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"},`+
		`{"name":"r","type":["null","R"],"default":null}]},"default":{"x":5}}]}`, "00 00 00 02 00"))
	assert.Equal(t, "[]", schema.Fields()[1].Schema.Default().String())
	assert.True(t, schema.Fields()[2].Schema.Default().IsNull(), "a default with the record that it is in is none")
	assert.Equal(t, "Struct{x=5}", schema.Fields()[3].Schema.Default().String())
	assert.Equal(t, "Struct{list=[],full=[],p=Struct{x=1}}", v.String())
	// One whose default holds itself has no end.
	endless := `{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}},{"name":"b","type":"R","default":{}}]}`
	n, err := parse(endless, nil)
	require.NoError(t, err)
	_, err = encodeDefault(n, []byte(`{}`))
	require.ErrorContains(t, err, "a default of more than")
	holder, err := parse(`{"type":"record","name":"H","fields":[{"name":"r","default":{},"type":`+endless+`}]}`, nil)
	require.NoError(t, err)
	schema, err = options{}.toConnect(holder, 0)
	require.NoError(t, err)
	assert.True(t, schema.Fields()[0].Schema.Default().IsNull())
}

func TestAUnionOfItselfIsRefused(t *testing.T) {
	union := connect.DeclareStruct(connect.Named(unionName))
	s, err := union.Define(connect.F("string", connect.OptionalStringSchema), connect.F("array", connect.ArraySchema(union.Schema(), connect.Optional())))
	require.NoError(t, err)
	_, err = newStand(t).Converter.Encode(new(converters.Arena), "readings", connect.StructSchema("R", connect.F("u", s)),
		connect.StructOf(connect.NewStruct(connect.StructSchema("R", connect.F("u", s)))))
	require.ErrorIs(t, err, connect.ErrData)
	assert.ErrorContains(t, err, "a union holds itself without a record in between")
}

// A branch of a union is taken only if a record in it fits all the way down.
func TestABranchThatDoesNotFitItselfLeavesNothingBehind(t *testing.T) {
	node := connect.DeclareStruct(connect.Named("B"))
	s, err := node.Define(connect.F("next", node.Schema().With(connect.Optional())), connect.F("text", connect.StringSchema))
	require.NoError(t, err)
	latest, err := parse(`["null",{"type":"record","name":"A","fields":[{"name":"next","type":["null","A"]},{"name":"text","type":"int"}]},`+
		`{"type":"record","name":"C","fields":[{"name":"next","type":["null","C"]},{"name":"text","type":"string"}]}]`, nil)
	require.NoError(t, err)
	e, err := options{}.compileEncoder(s, latest)
	require.NoError(t, err)
	under := s.Fields()[0].Schema
	out, err := e.append(nil, connect.StructOf(connect.NewStruct(s).Set("text", connect.String("a")).
		Set("next", connect.StructOf(connect.NewStruct(under).Set("text", connect.String("b"))))))
	require.NoError(t, err)
	assert.Equal(t, []byte{4, 2, 0, 2, 'b', 2, 'a'}, out)
}

// Records that all hold each other have more ways through them than could ever be walked.
func TestManyRecordsThatHoldEachOtherAreReadInTime(t *testing.T) {
	const many = 40
	text := []byte(`{"type":"record","name":"R0","fields":[`)
	for i := 1; i < many; i++ {
		text = append(text, `{"name":"f`...)
		text = append(text, byte('0'+i/10), byte('0'+i%10))
		text = append(text, `","type":["null",{"type":"record","name":"R`...)
		text = append(text, byte('0'+i/10), byte('0'+i%10))
		text = append(text, `","fields":[`...)
		if i < many-1 {
			continue
		}
		text = append(text, `{"name":"back","type":["null","R0"]}`...)
	}
	for i := many - 1; i > 0; i-- {
		for j := 1; j <= i; j++ {
			text = append(text, `,{"name":"g`...)
			text = append(text, byte('0'+j/10), byte('0'+j%10))
			text = append(text, `","type":["null","R`...)
			text = append(text, byte('0'+j/10), byte('0'+j%10))
			text = append(text, `"]}`...)
		}
		text = append(text, `]}]}`...)
	}
	n, err := parse(string(append(text, `]}`...)), nil)
	require.NoError(t, err)
	o := options{metadata: true, flatten: true}
	s, err := o.toConnect(n, 0)
	require.NoError(t, err)
	_, err = o.compileDecoder(n, n, s)
	require.NoError(t, err)
	back, err := o.fromConnect(s)
	require.NoError(t, err)
	_, err = o.compileEncoder(s, back)
	require.NoError(t, err)
	assert.True(t, s.Recursive())
}
