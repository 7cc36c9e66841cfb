package jsonschema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/registry"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

func TestWhatHoldsItselfComesBack(t *testing.T) {
	for name, sample := range registrystand.Recursive(t) {
		newStand(t, "json.fail.invalid.schema=true").ComesBack(name, sample)
		newStand(t, "object.additional.properties=false", "json.fail.invalid.schema=true").ComesBack(name, sample)
	}
	for seed := range int64(100) {
		newStand(t, "json.fail.invalid.schema=true").ComesBack("seed", registrystand.Random(t, seed))
	}
}

func TestAnObjectWithinItselfIsReferredTo(t *testing.T) {
	list := registrystand.List(t, 1, 2)
	s := newStand(t)
	message := s.Encode(list.Schema, list.Value)
	assert.Equal(t, `{"title":"com.example.Node","type":"object","properties":{"value":{"type":"integer","connect.index":0,"connect.type":"int32"},`+
		`"next":{"oneOf":[{"type":"null"},{"$ref":"#"}],"connect.index":1}}}`, s.Schema(message).Schema)
	assert.Equal(t, `{"value":1,"next":{"value":2,"next":null}}`, string(message[registry.HeaderSize:]))
	schema, _ := s.Decode(message)
	next := schema.Fields()[1].Schema
	assert.True(t, next.Equal(schema.With(connect.Optional())))
	assert.Equal(t, 1, next.Version(), "the version that it has outside")
	assert.Same(t, next, next.Fields()[1].Schema)
	holder := connect.StructSchema("Holder", connect.F("a", list.Schema), connect.F("b", list.Schema.With(connect.Optional())), connect.F("c", list.Schema.With(connect.Doc("another"))))
	text, err := options{}.text(holder)
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(text, `{"$ref":"#/properties/a"}`), text)
	back, err := options{}.toConnect(registry.Schema{Text: text}, 0)
	require.NoError(t, err)
	assert.True(t, holder.Equal(back))
}

func TestReferencesThatLeadBackAreRead(t *testing.T) {
	for name, c := range map[string]struct{ schema, message, want string }{
		"to the root": {`{"type":"object","properties":{"next":{"$ref":"#"},"n":{"type":"integer"}}}`, `{"next":{"next":{"n":2},"n":1}}`,
			"Struct{next=Struct{next=Struct{n=2},n=1}}"},
		"to a definition": {`{"$ref":"#/definitions/Tree","definitions":{"Tree":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/definitions/Tree"}}}}}}`,
			`{"kids":[{"kids":[]},{"kids":[{}]}]}`, "Struct{kids=[Struct{kids=[]} Struct{kids=[Struct{}]}]}"},
		"to an id": {`{"$id":"https://example.com/tree.json","type":"object","properties":{"kids":{"type":"array","items":{"$ref":"https://example.com/tree.json"}}}}`,
			`{"kids":[{"kids":[]}]}`, "Struct{kids=[Struct{kids=[]}]}"},
		"to a list": {`{"$ref":"#/definitions/L","definitions":{"L":{"type":"array","items":{"type":"object","properties":{"kids":{"$ref":"#/definitions/L"}}}}}}`,
			`[{"kids":[]},{"kids":[{"kids":[{}]}]}]`, "[Struct{kids=[]} Struct{kids=[Struct{kids=[Struct{}]}]}]"},
		"to a map": {`{"type":"object","connect.type":"map","additionalProperties":{"type":"object","properties":{"m":{"$ref":"#"}}}}`,
			`{"a":{"m":{"b":{"m":{}}}}}`, "{a: Struct{m={b: Struct{m={}}}}}"},
		"to a type that may be null": {`{"type":["null","object"],"properties":{"parent":{"$ref":"#"},"title":{"type":"string"}}}`,
			`{"title":"a","parent":{"title":"b","parent":null}}`, "Struct{parent=Struct{title=b},title=a}"},
		"to a union": {`{"oneOf":[{"type":"string"},{"type":"array","items":{"$ref":"#"}}]}`, `["a",["b",[]]]`,
			"Struct{io.confluent.connect.json.OneOf.field.1=[Struct{io.confluent.connect.json.OneOf.field.0=a} Struct{io.confluent.connect.json.OneOf.field.1=" +
				"[Struct{io.confluent.connect.json.OneOf.field.0=b} Struct{io.confluent.connect.json.OneOf.field.1=[]}]}]}"},
		"through a union": {`{"type":"object","properties":{"op":{"type":"string"},"args":{"type":"array","items":{"oneOf":[{"type":"number"},{"$ref":"#"}]}}}}`,
			`{"op":"+","args":[1,{"op":"-","args":[2.5]}]}`, "Struct{op=+,args=[Struct{io.confluent.connect.json.OneOf.field.0=1} Struct{io.confluent.connect.json.OneOf.field.1=" +
				"Struct{op=-,args=[Struct{io.confluent.connect.json.OneOf.field.0=2.5}]}}]}"},
		"through an allOf": {`{"definitions":{"B":{"type":"object","properties":{"n":{"type":"integer"}}}},"allOf":[{"$ref":"#/definitions/B"},{"properties":{"next":{"$ref":"#"}}}]}`,
			`{"n":1,"next":{"n":2}}`, "Struct{n=1,next=Struct{n=2}}"},
		"of two to each other": {`{"$ref":"#/definitions/A","definitions":{"A":{"type":"object","properties":{"b":{"$ref":"#/definitions/B"}}},` +
			`"B":{"type":"object","properties":{"a":{"oneOf":[{"$ref":"#/definitions/A"},{"type":"null"}]},"b":{"$ref":"#/definitions/B"}}}}}`,
			`{"b":{"a":{"b":{"a":null}},"b":{}}}`, "Struct{b=Struct{a=Struct{b=Struct{}},b=Struct{}}}"},
	} {
		s := newStand(t, "json.fail.invalid.schema=true")
		schema, v := s.Decode(s.seed(c.schema, c.message))
		assert.Equal(t, c.want, v.String(), name)
		assert.True(t, schema.Recursive(), name)
		text, err := options{flatten: true}.text(schema)
		require.NoError(t, err, name)
		_, err = options{flatten: true}.toConnect(registry.Schema{Text: text}, 0)
		require.NoError(t, err, "%s: %s", name, text)
	}
}

func TestAReferenceToItselfWithNothingInBetweenIsRefused(t *testing.T) {
	for _, schema := range []string{
		`{"$ref":"#"}`, `{"type":"array","items":{"$ref":"#"}}`, `{"oneOf":[{"type":"null"},{"$ref":"#"}]}`, `{"allOf":[{"$ref":"#"}]}`,
		`{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}`,
		`{"type":"object","connect.type":"map","additionalProperties":{"type":"array","items":{"$ref":"#"}}}`,
	} {
		_, err := options{flatten: true}.toConnect(registry.Schema{Text: schema}, 0)
		require.ErrorIs(t, err, connect.ErrData, schema)
	}
}

func TestDefaultsOfObjectsOfThemselves(t *testing.T) {
	s, err := options{}.toConnect(registry.Schema{Text: `{"type":"object","default":{"n":7},"properties":{"n":{"type":"integer"},` +
		`"kids":{"type":"array","default":[],"items":{"$ref":"#"}},"more":{"type":"array","default":[{"n":1}],"items":{"$ref":"#"}}}}`}, 0)
	require.NoError(t, err)
	assert.Equal(t, "Struct{n=7,kids=[]}", s.Default().String())
	assert.Equal(t, "[]", s.Fields()[1].Schema.Default().String())
	assert.True(t, s.Fields()[2].Schema.Default().IsNull(), "one with the object that it is in is none")
}

func TestMessagesThatNestWithoutEndAreRefused(t *testing.T) {
	for schema, level := range map[string]string{
		`{"type":"object","properties":{"next":{"$ref":"#"}}}`:                                                                                  `{"next":`,
		`{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}}}}`:                                                         `{"kids":[`,
		`{"oneOf":[{"type":"string"},{"type":"array","items":{"$ref":"#"}}]}`:                                                                   `[`,
		`{"oneOf":[{"type":"object","properties":{"a":{"$ref":"#"}}},{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"string"}}}]}`: `{"a":`,
	} {
		s := newStand(t)
		_, _, err := s.Converter.Decode(registrystand.Topic, s.seed(schema, strings.Repeat(level, 1<<18)))
		require.ErrorIs(t, err, connect.ErrData)
		assert.ErrorContains(t, err, "more than 1000 levels")
		assert.Less(t, len(err.Error()), 1000)
	}
}

// Definitions that all refer to each other have more ways through them than could ever be walked.
func TestManyDefinitionsThatReferToEachOtherAreReadInTime(t *testing.T) {
	const many = 50
	definitions := make([]string, 0, many)
	for i := range many {
		properties := make([]string, 0, many)
		for j := range many {
			properties = append(properties, fmt.Sprintf(`"f%d":{"oneOf":[{"type":"null"},{"$ref":"#/definitions/D%d"}]}`, j, j))
		}
		definitions = append(definitions, fmt.Sprintf(`"D%d":{"title":"D%d","type":"object","properties":{%s}}`, i, i, strings.Join(properties, ",")))
	}
	s, err := options{}.toConnect(registry.Schema{Text: `{"$ref":"#/definitions/D0","definitions":{` + strings.Join(definitions, ",") + `}}`}, 0)
	require.NoError(t, err)
	assert.Len(t, s.Fields(), many)
}

// Whatever the text is, it is read or refused; what was read can be written, and that be read.
func FuzzJSONSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"next":{"$ref":"#"},"all":{"type":"array","items":{"oneOf":[{"type":"string"},{"$ref":"#/properties/x"}]}},"x":{"type":["null","object"],"properties":{"y":{"$ref":"#/properties/x"}}}}}`)
	f.Add(`{"$ref":"#/definitions/a","definitions":{"a":{"allOf":[{"$ref":"#/definitions/b"}]},"b":{"type":"object","properties":{"c":{"$ref":"#/definitions/a"}},"default":{}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 {
			return // references can mean more than their text
		}
		o := options{flatten: true}
		s, err := o.toConnect(registry.Schema{Text: text}, 0)
		if err != nil {
			return
		}
		if !s.Equal(s.With()) {
			t.Fatal("a schema differs from its copy")
		}
		_, _ = o.text(s)
	})
}
