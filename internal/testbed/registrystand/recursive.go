package registrystand

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// Sample is a value under its schema.
type Sample struct {
	Schema *connect.Schema
	Value  connect.Value
}

// define gives a declared struct its fields.
func define(t testing.TB, d *connect.StructDeclaration, fields ...connect.Field) *connect.Schema {
	t.Helper()
	s, err := d.Define(fields...)
	require.NoError(t, err)
	return s
}

// List is a list of the numbers, whose elements hold the next one.
func List(t testing.TB, numbers ...int32) Sample {
	t.Helper()
	node := connect.DeclareStruct(connect.Named("com.example.Node"))
	s := define(t, node, connect.F("value", connect.Int32Schema), connect.F("next", node.Schema().With(connect.Optional())))
	var v connect.Value
	for i := len(numbers) - 1; i >= 0; i-- {
		under := s
		if i > 0 {
			under = s.Fields()[1].Schema
		}
		v = connect.StructOf(connect.NewStruct(under).Set("value", connect.Int32(numbers[i])).Set("next", v))
	}
	return Sample{s, v}
}

// Recursive are samples whose schemas hold themselves, each in another way. No list or map in them is null: Protobuf has none that is.
func Recursive(t testing.TB) map[string]Sample {
	t.Helper()
	list := List(t, 1, 2, 3)
	holder := connect.StructSchema("com.example.Holder", connect.F("id", connect.StringSchema), connect.F("first", list.Schema))

	tree := connect.DeclareStruct(connect.Named("com.example.Tree"))
	optionalTree := tree.Schema().With(connect.Optional())
	define(t, tree, connect.F("key", connect.StringSchema), connect.F("left", optionalTree), connect.F("right", optionalTree))
	branch := func(under *connect.Schema, key string, left, right connect.Value) connect.Value {
		return connect.StructOf(connect.NewStruct(under).Set("key", connect.String(key)).Set("left", left).Set("right", right))
	}

	folder := connect.DeclareStruct(connect.Named("com.example.Folder"))
	define(t, folder, connect.F("name", connect.StringSchema), connect.F("folders", connect.ArraySchema(folder.Schema())))
	named := func(name string, folders ...connect.Value) connect.Value {
		return connect.StructOf(connect.NewStruct(folder.Schema()).Set("name", connect.String(name)).Set("folders", connect.Array(folders)))
	}

	group := connect.DeclareStruct(connect.Named("com.example.Group"))
	define(t, group, connect.F("size", connect.Int64Schema), connect.F("members", connect.MapSchema(connect.StringSchema, group.Schema())))
	sized := func(size int64, members *connect.Map) connect.Value {
		return connect.StructOf(connect.NewStruct(group.Schema()).Set("size", connect.Int64(size)).Set("members", connect.MapOf(members)))
	}

	person, company := connect.DeclareStruct(connect.Named("com.example.Person")), connect.DeclareStruct(connect.Named("com.example.Company"))
	employer := company.Schema().With(connect.Optional())
	define(t, company, connect.F("title", connect.StringSchema), connect.F("staff", connect.ArraySchema(person.Schema())))
	define(t, person, connect.F("name", connect.StringSchema), connect.F("employer", employer), connect.F("former", connect.ArraySchema(company.Schema())))
	who := func(name string, at connect.Value, former ...connect.Value) connect.Value {
		return connect.StructOf(connect.NewStruct(person.Schema()).Set("name", connect.String(name)).Set("employer", at).Set("former", connect.Array(former)))
	}
	firm := func(under *connect.Schema, title string, staff ...connect.Value) connect.Value {
		return connect.StructOf(connect.NewStruct(under).Set("title", connect.String(title)).Set("staff", connect.Array(staff)))
	}

	return map[string]Sample{
		"a list":         list,
		"within another": {holder, connect.StructOf(connect.NewStruct(holder).Set("id", connect.String("x")).Set("first", list.Value))},
		"a binary tree": {tree.Schema(), branch(tree.Schema(), "m", branch(optionalTree, "d", connect.Value{}, branch(optionalTree, "f", connect.Value{}, connect.Value{})),
			branch(optionalTree, "t", connect.Value{}, connect.Value{}))},
		"a list of itself": {folder.Schema(), named("/", named("etc"), named("usr", named("bin"), named("lib")))},
		"a map of itself": {group.Schema(), sized(3, connect.NewMap(2).Put(connect.String("a"), sized(1, connect.NewMap(0))).
			Put(connect.String("b"), sized(2, connect.NewMap(1).Put(connect.String("c"), sized(0, connect.NewMap(0))))))},
		"two that hold each other": {person.Schema(), who("Ada", firm(employer, "Analytical", who("Bob", connect.Value{})), firm(company.Schema(), "Engines",
			who("Cy", firm(employer, "Mills"))))},
	}
}

// Random is a sample of up to five structs that hold each other at random, the same for the same seed.
func Random(t testing.TB, seed int64) Sample {
	t.Helper()
	random := rand.New(rand.NewSource(seed))
	declared := make([]*connect.StructDeclaration, 1+random.Intn(5))
	for i := range declared {
		declared[i] = connect.DeclareStruct(connect.Named(fmt.Sprintf("com.example.S%d", i)))
	}
	for i, d := range declared {
		fields := []connect.Field{connect.F("number", connect.Int32Schema)}
		for f := range 1 + random.Intn(4) {
			s := declared[random.Intn(len(declared))].Schema()
			switch random.Intn(3) {
			case 0:
				s = s.With(connect.Optional())
			case 1:
				s = connect.ArraySchema(s)
			case 2:
				s = connect.MapSchema(connect.StringSchema, s, connect.Named(fmt.Sprintf("com.example.m%d%d", i, f)))
			}
			fields = append(fields, connect.F(fmt.Sprintf("f%d", f), s))
		}
		define(t, d, fields...)
	}
	s := declared[0].Schema()
	return Sample{s, randomOf(random, s, 5)}
}

func randomOf(random *rand.Rand, s *connect.Schema, levels int) connect.Value {
	switch s.Kind() {
	case connect.KindArray:
		list := make([]connect.Value, 0, 2)
		for range random.Intn(max(1, min(levels, 3))) {
			list = append(list, randomOf(random, s.Elem(), levels-1))
		}
		return connect.Array(list)
	case connect.KindMap:
		m := connect.NewMap(2)
		for i := range random.Intn(max(1, min(levels, 3))) {
			m.Put(connect.String(fmt.Sprint("k", i)), randomOf(random, s.Elem(), levels-1))
		}
		return connect.MapOf(m)
	case connect.KindStruct:
		if s.Optional() && (levels <= 1 || random.Intn(3) == 0) {
			return connect.Value{}
		}
		st := connect.NewStruct(s)
		for i, f := range s.Fields() {
			st.SetAt(i, randomOf(random, f.Schema, levels-1))
		}
		return connect.StructOf(st)
	}
	return connect.Int32(random.Int31())
}

// ComesBack writes a sample, reads it, and writes and reads what was read, each time by another converter at the registry.
func (s *Stand) ComesBack(name string, sample Sample) {
	s.t.Helper()
	data := s.Encode(sample.Schema, sample.Value)
	schema, v := s.Other().Decode(data)
	assert.Equal(s.t, sample.Value.String(), v.String(), name)
	assert.Equal(s.t, sample.Schema.Recursive(), schema.Recursive(), name)
	require.NoError(s.t, connect.CheckValue(schema, v), name)
	again, err := s.Other().Converter.Encode(new(converters.Arena), Topic+"-again", schema, v)
	require.NoError(s.t, err, name)
	same, back, err := s.Other().Converter.Decode(Topic, again)
	require.NoError(s.t, err, name)
	assert.Equal(s.t, v.String(), back.String(), name)
	assert.Equal(s.t, schema.Recursive(), same.Recursive(), name)
}
