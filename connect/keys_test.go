package connect_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestKeysThatMapsShareStayAsTheyAre(t *testing.T) {
	for _, n := range []int{0, 1, 4, 5, 16, 17, 40} {
		m := connect.NewMap(0)
		for i := range n {
			m.Put(connect.String(strconv.Itoa(i)), connect.Int32(int32(i)))
		}
		keys := m.Keys()
		other := keys.Map()
		m.Put(connect.String("more"), connect.Boolean(true))
		other.Put(connect.Int8(1), connect.String("one"))
		require.Equal(t, n, keys.Len())
		require.Negative(t, keys.Find(connect.String("more")))
		require.Equal(t, n+1, m.Len())
		require.Equal(t, n, m.Keys().Find(connect.String("more")))
		require.Equal(t, n, other.Keys().Find(connect.Int8(1)))
		for i := range n {
			require.Equal(t, i, keys.Find(connect.String(strconv.Itoa(i))))
			require.Equal(t, int64(i), m.At(i).Int64())
			require.True(t, other.At(i).IsNull())
		}
		require.True(t, keys.Equal(connect.NewKeys(append(list(keys), list(keys)...)...)), "keys that come again do not count")
		require.False(t, keys.Equal(m.Keys()))
	}
	assert.Zero(t, new(connect.Map).Keys().Len())
}

func list(k *connect.Keys) (out []connect.Value) {
	for i := range k.Len() {
		out = append(out, k.At(i))
	}
	return out
}

func TestReshapeMovesValuesInPlaceOrNot(t *testing.T) {
	abcd := connect.NewKeys(connect.String("a"), connect.String("b"), connect.String("c"), connect.String("d"))
	for want, from := range map[string][]int{
		"{a: 0, b: 1, c: 2, d: 3}":       {0, 1, 2, 3},
		"{a: 1, b: 3}":                   {1, 3},
		"{a: 0, b: null, c: 3}":          {0, -1, 3},
		"{a: 3, b: 2, c: 1, d: 0}":       {3, 2, 1, 0},
		"{a: 0, b: 0, c: 0}":             {0, 0, 0},
		"{a: 0, b: 1, c: 2, d: 3, 4: -}": {0, 1, 2, 3, -1},
		"{}":                             {},
	} {
		m := abcd.Map()
		for i := range 4 {
			m.SetAt(i, connect.Int32(int32(i)))
		}
		keys := connect.NewKeys(append(list(abcd), connect.Int32(4))[:len(from)]...)
		m.Reshape(keys, connect.NewMoves(from))
		if len(from) == 5 {
			m.SetAt(4, connect.String("-"))
		}
		require.Equal(t, want, m.String())
		m.Put(connect.String("more"), connect.Int32(9))
		require.Equal(t, len(from)+1, m.Len())
		require.Equal(t, len(from), keys.Len())
	}
}

// What is cut from one piece must not reach into what is cut after it.
func TestASlabsStructsAndMapsDoNotTouch(t *testing.T) {
	var room connect.Slab
	schema := connect.StructSchema("s", connect.F("a", connect.Int32Schema), connect.F("b", connect.Int32Schema))
	wider := connect.StructSchema("s", append(schema.Fields()[:2:2], connect.F("c", connect.OptionalInt32Schema))...)
	keys := connect.NewKeys(connect.String("a"), connect.String("b"))
	var structs []*connect.Struct
	var maps []*connect.Map
	for i := range int32(500) {
		st, m := room.Struct(schema), room.Map(keys)
		structs, maps = append(structs, st.Set("a", connect.Int32(i)).Set("b", connect.Int32(-i))), append(maps, m.Put(connect.String("a"), connect.Int32(i)))
		if i%3 == 0 {
			st.Reshape(wider, connect.NewMoves([]int{0, 1, -1}))
			st.Set("c", connect.Int32(7))
			m.Put(connect.String("c"), connect.Int32(8))
		}
	}
	for i := range structs {
		require.Equal(t, int64(i), structs[i].Get("a").Int64())
		require.Equal(t, int64(-i), structs[i].Get("b").Int64())
		v, _ := maps[i].Get(connect.String("a"))
		require.Equal(t, int64(i), v.Int64())
		require.True(t, maps[i].At(1).IsNull())
	}
	assert.Less(t, testing.AllocsPerRun(100, func() {
		for range 10 {
			room.Struct(schema)
			room.Map(keys)
		}
	}), 3.0)
	assert.Panics(t, func() { room.Struct(connect.StringSchema) })
}

func TestARecordOwnsTheMapThatItWasGivenAndNoOther(t *testing.T) {
	m := connect.NewMap(1).Put(connect.String("a"), connect.Int32(1))
	r := connect.Record{Value: connect.MapOf(m), Key: connect.MapOf(m), ValueSchema: connect.StringSchema}
	assert.False(t, r.Owns())
	assert.False(t, r.OwnsKey())
	r.OwnMap(m.Clone(0))
	assert.True(t, r.Owns())
	assert.Nil(t, r.ValueSchema)
	assert.False(t, r.OwnsKey())
	r.OwnKeyMap(m.Clone(0))
	assert.True(t, r.OwnsKey())
	r.Share()
	assert.False(t, r.OwnsKey())
	r.OwnMap(m)
	r.Value = connect.MapOf(m.Clone(0))
	assert.False(t, r.Owns())
}
