package protobuf

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed/registrystand"
)

// treeText has messages that hold themselves in every way.
const treeText = `syntax = "proto3"; package geo; import "google/protobuf/struct.proto";
message Tree {
  Tree left = 1;
  repeated Tree kids = 2;
  map<string, Tree> named = 3;
  oneof which { Tree one = 4; Leaf leaf = 5; }
  google.protobuf.Struct more = 6;
}
message Leaf { Tree tree = 1; int32 n = 2; }
`

func TestWhatHoldsItselfComesBack(t *testing.T) {
	for name, sample := range registrystand.Recursive(t) {
		newStand(t).ComesBack(name, sample)
		newStand(t, "enhanced.protobuf.schema.support=true", "optional.for.nullables=true").ComesBack(name, sample)
		newStand(t, "wrapper.for.nullables=true").ComesBack(name, sample)
	}
	for seed := range int64(100) {
		newStand(t).ComesBack("seed", registrystand.Random(t, seed))
	}
}

func TestAMessageWithinItselfIsKnownByItsName(t *testing.T) {
	list := registrystand.List(t, 1, 2)
	s := newStand(t)
	message := s.Encode(list.Schema, list.Value)
	assert.Equal(t, `syntax = "proto3";
package com.example;

message Node {
  int32 value = 1;
  Node next = 2;
}
`, s.text(message))
	assert.JSONEq(t, `{"value":1,"next":{"value":2}}`, s.json(message))
	schema, _ := s.Decode(message)
	next := schema.Fields()[1].Schema
	assert.False(t, schema.Optional())
	assert.True(t, next.Equal(schema.With(connect.Optional(), connect.Param(tagParam, "2"))))
	assert.Same(t, next, next.Fields()[1].Schema)
}

func TestMessagesThatHoldEachOtherAreDefinedOnce(t *testing.T) {
	sample := registrystand.Recursive(t)["two that hold each other"]
	s := newStand(t)
	message := s.Encode(sample.Schema, sample.Value)
	assert.Equal(t, `syntax = "proto3";
package com.example;

message Person {
  string name = 1;
  Company employer = 2;
  repeated Company former = 3;
  message Company {
    string title = 1;
    repeated .com.example.Person staff = 2;
  }
}
`, s.text(message))
	assert.JSONEq(t, `{"name":"Ada","employer":{"title":"Analytical","staff":[{"name":"Bob"}]},"former":[{"title":"Engines","staff":[{"name":"Cy","employer":{"title":"Mills"}}]}]}`,
		s.json(message))
}

// As in Java each message defines those that it holds, also where another has defined one of that name.
func TestAMessageOfItselfIsDefinedInEachThatHoldsIt(t *testing.T) {
	list := registrystand.List(t, 1).Schema
	a := connect.StructSchema("A", connect.F("list", list))
	b := connect.StructSchema("B", connect.F("list", list))
	text, _, err := options{}.text(connect.StructSchema("R", connect.F("a", a), connect.F("b", b), connect.F("a2", a)))
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(text, "message Node {"), text)
	assert.Equal(t, 2, strings.Count(text, "Node next = 2;"), text)
}

// A struct without a name has one in the file, and is known by it within itself.
func TestAStructWithoutANameHoldsItself(t *testing.T) {
	node := connect.DeclareStruct()
	s, err := node.Define(connect.F("n", connect.Int32Schema), connect.F("next", node.Schema().With(connect.Optional())))
	require.NoError(t, err)
	v := connect.StructOf(connect.NewStruct(s).Set("n", connect.Int32(1)).Set("next", connect.StructOf(connect.NewStruct(s.Fields()[1].Schema).Set("n", connect.Int32(2)))))
	newStand(t).ComesBack("the root", registrystand.Sample{Schema: s, Value: v})
	holder := connect.StructSchema("R", connect.F("a", s), connect.F("b", s))
	newStand(t).ComesBack("within another", registrystand.Sample{Schema: holder, Value: connect.StructOf(connect.NewStruct(holder).Set("a", v).Set("b", v))})
}

func TestMessagesOfThemselvesByOthersAreRead(t *testing.T) {
	const message = "0a 00" + "12 02 0a00" + "1a 05 0a016b 1200" + "2a 08 0a04 12020a00 1007" + // left, kids, named, leaf
		"32 0e 0a0c 0a016d 1207 3205 0a031a0178" // more: {"m": ["x"]}
	for keys, want := range map[string]string{
		"": "Struct{which_0=Struct{leaf=Struct{tree=Struct{kids=[Struct{left=Struct{kids=[],named={}},kids=[],named={}}],named={}},n=7}}," +
			"left=Struct{kids=[],named={}},kids=[Struct{left=Struct{kids=[],named={}},kids=[],named={}}],named={k: Struct{kids=[],named={}}}," +
			"more=Struct{fields={m: Struct{kind_0=Struct{list_value=Struct{values=[Struct{kind_0=Struct{string_value=x}}]}}}}}}",
		"generate.struct.for.nulls=true": "Struct{which_0=Struct{leaf=Struct{tree=Struct{kids=[Struct{left=Struct{kids=[],named={},more=Struct{fields={}}},kids=[],named={},more=Struct{fields={}}}]," +
			"named={},more=Struct{fields={}}},n=7}},left=Struct{kids=[],named={},more=Struct{fields={}}},kids=[Struct{left=Struct{kids=[],named={},more=Struct{fields={}}}," +
			"kids=[],named={},more=Struct{fields={}}}],named={k: Struct{kids=[],named={},more=Struct{fields={}}}}," +
			"more=Struct{fields={m: Struct{kind_0=Struct{list_value=Struct{values=[Struct{kind_0=Struct{string_value=x}}]}}}}}}",
	} {
		s := newStand(t, keys)
		schema, v := s.Decode(s.seed(treeText, "00", message))
		assert.Equal(t, want, v.String(), keys)
		require.NoError(t, connect.CheckValue(schema, v))
		again := s.Encode(schema, v)
		_, back := s.Decode(again)
		assert.Equal(t, v.String(), back.String(), keys)
	}
}

func TestMessagesThatNestWithoutEndAreRefused(t *testing.T) {
	s := newStand(t)
	for _, number := range []protowire.Number{1, 2, 3, 4} {
		var lengths []int
		for size := 0; size < 1<<20; {
			if number == 3 { // an entry with a value
				size += 1 + protowire.SizeVarint(uint64(size))
			}
			lengths = append(lengths, size)
			size += 1 + protowire.SizeVarint(uint64(size))
		}
		var message []byte
		for i := len(lengths) - 1; i >= 0; i-- {
			message = binary.AppendUvarint(protowire.AppendTag(message, number, protowire.BytesType), uint64(lengths[i]))
			if number == 3 && lengths[i] > 0 {
				inner := 0
				if i > 0 {
					inner = lengths[i-1] + 1 + protowire.SizeVarint(uint64(lengths[i-1]))
				}
				message = binary.AppendUvarint(protowire.AppendTag(message, 2, protowire.BytesType), uint64(inner))
			}
		}
		_, _, err := s.Converter.Decode(registrystand.Topic, append(s.seed(treeText, "00", ""), message...))
		require.ErrorIs(t, err, connect.ErrData, number)
		assert.ErrorContains(t, err, "nests deeper than 1000 levels", number)
		assert.Less(t, len(err.Error()), 1000)
	}
}

// Messages that all hold each other have more ways through them than could ever be walked.
func TestManyMessagesThatHoldEachOtherAreReadInTime(t *testing.T) {
	const many = 30
	var text strings.Builder
	text.WriteString(`syntax = "proto3";`)
	for i := range many {
		fmt.Fprintf(&text, "message M%d {", i)
		for j := range many {
			fmt.Fprintf(&text, " M%d f%d = %d;", j, j, j+1)
		}
		text.WriteString(" }")
	}
	file, err := parse(text.String(), nil)
	require.NoError(t, err)
	d, err := options{structs: true}.compileDecoder(file.Messages().Get(0), 0)
	require.NoError(t, err)
	written, name, err := options{}.text(d.schema)
	require.NoError(t, err)
	back, err := parse(written, nil)
	require.NoError(t, err)
	_, err = options{}.compileEncoder(d.schema, named(back.Messages(), protoreflect.FullName(name)))
	require.NoError(t, err)
}
