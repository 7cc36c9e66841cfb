package connect_test

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// linked is a list of elements whose values have a schema.
func linked(t testing.TB, value *connect.Schema) *connect.Schema {
	t.Helper()
	node := connect.DeclareStruct(connect.Named("Node"))
	s, err := node.Define(connect.F("value", value), connect.F("next", node.Schema().With(connect.Optional())))
	require.NoError(t, err)
	return s
}

func TestAStructHoldsItself(t *testing.T) {
	s := linked(t, connect.Int32Schema)
	next := s.Fields()[1].Schema
	assert.True(t, s.Recursive())
	assert.True(t, next.Recursive())
	assert.False(t, s.Optional())
	assert.True(t, next.Optional())
	assert.Equal(t, 1, next.Index("next"), "both have the same fields")
	assert.Same(t, next, next.Fields()[1].Schema)

	var list connect.Value
	for i := range 3 {
		under := next
		if i == 2 {
			under = s
		}
		list = connect.StructOf(connect.NewStruct(under).Set("value", connect.Int32(int32(i))).Set("next", list))
	}
	assert.Equal(t, "Struct{value=2,next=Struct{value=1,next=Struct{value=0}}}", list.String())
	require.NoError(t, connect.CheckValue(s, list))
	require.NoError(t, connect.CheckValue(connect.StructSchema("Holder", connect.F("list", s)), connect.StructOf(connect.NewStruct(connect.StructSchema("Holder", connect.F("list", s))).Set("list", list))))
	list.Struct().Get("next").Struct().Set("value", connect.String("x"))
	require.ErrorContains(t, connect.CheckValue(s, list), "value.next.value is string")
}

func TestWhatHoldsARecursiveSchemaIsRecursive(t *testing.T) {
	s := linked(t, connect.Int32Schema)
	for _, holder := range []*connect.Schema{
		s.With(connect.Named("Other")), connect.ArraySchema(s), connect.MapSchema(connect.StringSchema, s), connect.MapSchema(s, connect.StringSchema), connect.StructSchema("Holder", connect.F("a", connect.ArraySchema(s))),
	} {
		assert.True(t, holder.Recursive())
	}
	plain := connect.DeclareStruct(connect.Named("Plain"))
	before := connect.ArraySchema(plain.Schema())
	done, err := plain.Define(connect.F("a", connect.Int32Schema))
	require.NoError(t, err)
	assert.False(t, done.Recursive(), "declared, but it does not hold itself")
	assert.False(t, before.Recursive())
	assert.Equal(t, done.Fields(), before.Elem().Fields())
	assert.True(t, done.Equal(connect.StructSchema("Plain", connect.F("a", connect.Int32Schema))))
}

func TestTwoStructsHoldEachOther(t *testing.T) {
	person, company := connect.DeclareStruct(connect.Named("Person")), connect.DeclareStruct(connect.Named("Company"))
	staff := connect.ArraySchema(person.Schema())
	c, err := company.Define(connect.F("staff", staff), connect.F("byName", connect.MapSchema(connect.StringSchema, person.Schema().With(connect.Optional()))))
	require.NoError(t, err)
	p, err := person.Define(connect.F("employer", company.Schema().With(connect.Optional())), connect.F("friends", connect.ArraySchema(person.Schema())))
	require.NoError(t, err)
	for _, s := range []*connect.Schema{c, p, staff, c.Fields()[1].Schema, p.Fields()[0].Schema} {
		assert.True(t, s.Recursive())
	}
	v := connect.StructOf(connect.NewStruct(p).Set("friends", connect.Array(nil)).Set("employer", connect.StructOf(connect.NewStruct(p.Fields()[0].Schema).
		Set("staff", connect.Array([]connect.Value{connect.StructOf(connect.NewStruct(p).Set("friends", connect.Array(nil)))})).Set("byName", connect.MapOf(connect.NewMap(0))))))
	require.NoError(t, connect.CheckValue(p, v))
}

func TestEqualEndsForSchemasThatHoldThemselves(t *testing.T) {
	a, b := linked(t, connect.Int32Schema), linked(t, connect.Int32Schema)
	assert.True(t, a.Equal(b))
	assert.True(t, b.Equal(a))
	assert.False(t, a.Equal(a.Fields()[1].Schema), "one is optional")
	assert.True(t, connect.ArraySchema(a).Equal(connect.ArraySchema(b)))
	assert.False(t, a.Equal(linked(t, connect.Int64Schema)))
	assert.False(t, linked(t, a).Equal(linked(t, linked(t, connect.Int64Schema))))
	assert.True(t, linked(t, a).Equal(linked(t, b)))
	assert.False(t, a.Equal(connect.StructSchema("Node", connect.F("value", connect.Int32Schema), connect.F("next", connect.OptionalStringSchema))))
	// What begins with one more round of the same is the same.
	unrolled := connect.StructSchema("Node", connect.F("value", connect.Int32Schema), connect.F("next", a.With(connect.Optional())))
	assert.True(t, unrolled.Equal(a))
	assert.True(t, a.Equal(unrolled))
	other := connect.StructSchema("Node", connect.F("value", connect.Int32Schema), connect.F("next", a.With(connect.Optional(), connect.Doc("another"))))
	assert.False(t, other.Equal(a))
}

func TestASchemaIsDefinedOnceAndWhole(t *testing.T) {
	d := connect.DeclareStruct(connect.Named("Node"))
	_, err := d.Define(connect.F("a", connect.Int32Schema), connect.F("a", connect.Int32Schema))
	require.ErrorContains(t, err, `"Node" has two fields named "a"`)
	assert.Panics(t, func() { connect.NewStruct(d.Schema()) }, "a struct without room for its fields")
	assert.Panics(t, func() { new(connect.Slab).Struct(d.Schema()) })
	_, err = d.Define(connect.F("a", d.Schema().With(connect.Optional())))
	require.NoError(t, err)
	_, err = d.Define(connect.F("b", connect.Int32Schema))
	require.ErrorContains(t, err, `"Node" is defined twice`)
	assert.NotPanics(t, func() { connect.NewStruct(d.Schema()) })
	empty, err := connect.DeclareStruct().Define()
	require.NoError(t, err)
	assert.NotPanics(t, func() { connect.NewStruct(empty) })
}

// Structs that refer to each other in whatever way are recursive where a walk through them comes by the same schema twice.
func TestWhatIsRecursiveIsWhatAWalkDoesNotEndIn(t *testing.T) {
	for seed := range int64(300) {
		random := rand.New(rand.NewSource(seed))
		declared := make([]*connect.StructDeclaration, 1+random.Intn(6))
		for i := range declared {
			declared[i] = connect.DeclareStruct(connect.Named(fmt.Sprint("S", i)))
		}
		built := []*connect.Schema{connect.StringSchema}
		part := func() *connect.Schema {
			s := declared[random.Intn(len(declared))].Schema()
			if random.Intn(2) == 0 {
				s = built[random.Intn(len(built))]
			}
			switch random.Intn(5) {
			case 0:
				s = connect.ArraySchema(s)
			case 1:
				s = connect.MapSchema(connect.StringSchema, s)
			case 2:
				s = s.With(connect.Optional())
			case 3:
				s = connect.StructSchema("Holder", connect.F("a", s), connect.F("b", built[random.Intn(len(built))]))
			}
			built = append(built, s)
			return s
		}
		random.Shuffle(len(declared), func(i, j int) { declared[i], declared[j] = declared[j], declared[i] })
		for _, d := range declared {
			var fields []connect.Field
			for f := range random.Intn(3) {
				fields = append(fields, connect.F(fmt.Sprint(f), part()))
			}
			_, err := d.Define(fields...)
			require.NoError(t, err)
			built = append(built, d.Schema())
		}
		for i, s := range built {
			require.Equal(t, endless(s, map[*connect.Schema]bool{}), s.Recursive(), "seed %d, schema %d", seed, i)
			require.True(t, s.Equal(s.With()), "seed %d, schema %d", seed, i)
		}
	}
}

func endless(s *connect.Schema, around map[*connect.Schema]bool) bool {
	if s == nil {
		return false
	}
	if around[s] {
		return true
	}
	around[s] = true
	defer delete(around, s)
	for _, f := range s.Fields() {
		if endless(f.Schema, around) {
			return true
		}
	}
	return endless(s.Keys(), around) || endless(s.Elem(), around)
}

func BenchmarkSchemasBuiltApartAreEqual(b *testing.B) {
	build := func() *connect.Schema {
		point := connect.StructSchema("Point", connect.F("x", connect.Float64Schema), connect.F("y", connect.Float64Schema))
		return connect.StructSchema("Reading", connect.F("sensor", connect.StringSchema), connect.F("value", connect.OptionalFloat64Schema), connect.F("at", connect.TimestampSchema),
			connect.F("points", connect.ArraySchema(point)), connect.F("tags", connect.MapSchema(connect.StringSchema, connect.StringSchema)), connect.F("place", point))
	}
	for name, pair := range map[string][2]*connect.Schema{"plain": {build(), build()}, "recursive": {linked(b, build()), linked(b, build())}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !pair[0].Equal(pair[1]) {
					b.Fatal("they differ")
				}
			}
		})
	}
}
