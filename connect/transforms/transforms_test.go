package transforms

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// made is a transform of a class, by its name without the package.
func made(t testing.TB, class string, cfg connect.Config) connect.Transform {
	t.Helper()
	transform, err := all(t, classPrefix+class).New(cfg)
	require.NoError(t, err)
	return transform
}

func TestWhatWasDerivedFromASchemaIsKeptForTheSchemasMetLast(t *testing.T) {
	made := 0
	d := derived[int, int]{derive: func(n int) (int, error) { made++; return -n, nil }}
	for round := range 3 {
		for n := range keptMost {
			v, err := d.of(n)
			require.NoError(t, err)
			require.Equal(t, -n, v, "round %d", round)
		}
	}
	require.Equal(t, keptMost, made)
	for n := range 1000 {
		v, err := d.of(n)
		require.NoError(t, err)
		require.Equal(t, -n, v)
	}
	require.Equal(t, keptMost, d.count, "and no more than those")
}

func TestATransformLeavesWhatTheAuthorSharesBetweenRecordsAlone(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.StringSchema))
	st := connect.NewStruct(schema).Set("a", connect.String("secret"))
	headers := make([]connect.Header, 1, 8)
	headers[0] = connect.Header{Key: "h", Value: connect.String("x")}
	for _, class := range []connect.Transform{
		made(t, "MaskField$Value", connect.Config{"fields": "a"}),
		made(t, "InsertHeader", connect.Config{"header": "h2", "value.literal": "1"}),
		made(t, "HeaderFrom$Value", connect.Config{"fields": "a", "headers": "b", "operation": "move"}),
		made(t, "DropHeaders", connect.Config{"headers": "h"}),
	} {
		r := connect.Record{Value: connect.StructOf(st), ValueSchema: schema, Headers: headers}
		keep, err := class.Apply(&r)
		require.NoError(t, err)
		require.True(t, keep)
	}
	assert.Equal(t, "secret", st.At(0).Str())
	assert.Equal(t, "h", headers[0].Key)
	assert.Empty(t, headers[:2][1].Key, "nothing is written behind the headers either")
}

// A struct that one transform owns may be held elsewhere when it comes back as the value.
func TestAMaskDoesNotReachTheHeaderThatHasTheSameStruct(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.StringSchema), connect.F("b", connect.StringSchema))
	r := connect.Record{ValueSchema: schema, Value: connect.StructOf(
		connect.NewStruct(schema).Set("a", connect.String("1")).Set("b", connect.String("2")))}
	for _, step := range []connect.Transform{
		made(t, "MaskField$Value", connect.Config{"fields": "a"}), // now it is the record's own
		made(t, "HoistField$Value", connect.Config{"field": "s"}),
		made(t, "HeaderFrom$Value", connect.Config{"fields": "s", "headers": "h", "operation": "copy"}),
		made(t, "ExtractField$Value", connect.Config{"field": "s"}),
		made(t, "MaskField$Value", connect.Config{"fields": "b"}),
	} {
		_, err := step.Apply(&r)
		require.NoError(t, err)
	}
	assert.Equal(t, "Struct{a=,b=2}", r.Headers[0].Value.String())
	assert.Equal(t, "Struct{a=,b=}", r.Value.String())
}

func TestTheSameSchemaAlwaysBecomesTheSameOne(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.Int64Schema))
	for class, cfg := range map[string]connect.Config{
		"Cast$Value": {"spec": "a:string"}, "Flatten$Value": {}, "HoistField$Value": {"field": "f"}, "InsertField$Value": {"topic.field": "t"},
		"ReplaceField$Value": {"renames": "a:b"}, "SetSchemaMetadata$Value": {"schema.name": "n"}, "MaskField$Value": {"fields": "a"},
		"TimestampConverter$Value": {"field": "a", "target.type": "Timestamp"}, "HeaderFrom$Value": {"fields": "a", "headers": "h", "operation": "move"},
	} {
		transform, seen := made(t, class, cfg), map[*connect.Schema]bool{}
		for i := range 3 {
			r := connect.Record{ValueSchema: schema, Value: connect.StructOf(connect.NewStruct(schema).Set("a", connect.Int64(int64(i))))}
			_, err := transform.Apply(&r)
			require.NoError(t, err)
			seen[r.ValueSchema] = true
			require.Same(t, r.ValueSchema, r.Value.Struct().Schema(), class)
		}
		assert.Len(t, seen, 1, "%s: converters keep what they derive under a schema's pointer", class)
	}
}

func TestATopicIsRoutedWithoutAllocating(t *testing.T) {
	route := made(t, "RegexRouter", connect.Config{"regex": "(.*)-raw", "replacement": "$1"})
	date := made(t, "TimestampRouter", connect.Config{})
	var r connect.Record
	allocs := testing.AllocsPerRun(100, func() {
		r.Topic, r.Timestamp = "t-raw", 1700000000123
		_, _ = route.Apply(&r)
		_, _ = date.Apply(&r)
	})
	assert.Equal(t, "t-20231114", r.Topic)
	assert.Zero(t, allocs)
}

func TestARenamedFieldThatCrossesAnotherIsCheckedAgainstItsSchema(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.StringSchema), connect.F("b", connect.Int64Schema))
	r := connect.Record{ValueSchema: schema, Value: connect.StructOf(connect.NewStruct(schema).Set("a", connect.String("x")).Set("b", connect.Int64(1)))}
	_, err := made(t, "ReplaceField$Value", connect.Config{"exclude": "a", "renames": "a:b"}).Apply(&r)
	require.ErrorIs(t, err, connect.ErrData, "Java looks up the old name of b, and finds a text for a number")
}

// Where several fields get one name, Java looks the value up under the old name that its hash map lists last: here b, whichever stands first.
func TestOneNewNameForTwoFieldsIsThatOfTheLastInJavasMap(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.StringSchema), connect.F("b", connect.Int64Schema))
	for _, renames := range []string{"a:c,b:c", "b:c,a:c"} {
		for keep, fits := range map[string]bool{"a": false, "b": true} {
			r := connect.Record{ValueSchema: schema, Value: connect.StructOf(connect.NewStruct(schema).Set("a", connect.String("x")).Set("b", connect.Int64(1)))}
			_, err := made(t, "ReplaceField$Value", connect.Config{"include": keep, "renames": renames}).Apply(&r)
			if fits {
				require.NoError(t, err)
				assert.Equal(t, "Struct{c=1}", r.Value.String())
			} else {
				require.ErrorIs(t, err, connect.ErrData, "a number for a text")
			}
		}
	}
}

func BenchmarkTransforms(b *testing.B) {
	schema := connect.StructSchema("s", connect.F("id", connect.StringSchema), connect.F("n", connect.Int64Schema),
		connect.F("ts", connect.Int64Schema), connect.F("opt", connect.OptionalStringSchema))
	st := connect.NewStruct(schema).Set("id", connect.String("x")).Set("n", connect.Int64(5)).Set("ts", connect.Int64(1700000000123))
	for _, c := range []struct {
		class string
		cfg   connect.Config
	}{
		{"Cast$Value", connect.Config{"spec": "n:int32"}}, {"ExtractField$Value", connect.Config{"field": "id"}}, {"Flatten$Value", nil},
		{"HoistField$Value", connect.Config{"field": "f"}}, {"InsertField$Value", connect.Config{"topic.field": "t"}},
		{"MaskField$Value", connect.Config{"fields": "id"}}, {"ReplaceField$Value", connect.Config{"renames": "id:key"}},
		{"TimestampConverter$Value", connect.Config{"field": "ts", "target.type": "string", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}},
		{"TimestampRouter", nil}, {"RegexRouter", connect.Config{"regex": "(.*)-raw", "replacement": "$1"}},
		{"ValueToKey", connect.Config{"fields": "id"}},
	} {
		b.Run(c.class, func(b *testing.B) {
			transform := made(b, c.class, c.cfg)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := connect.Record{Topic: "t-raw", Timestamp: 1700000000123 + int64(i), Value: connect.StructOf(st), ValueSchema: schema}
				if _, err := transform.Apply(&r); err != nil {
					b.Fatal(strconv.Itoa(i), err)
				}
			}
		})
	}
}

// changing are transforms that change what is the record's own in place.
func changing(t *testing.T) []connect.Transform {
	return []connect.Transform{
		made(t, "InsertField$Value", connect.Config{"static.field": "new", "static.value": "x", "topic.field": "a"}),
		made(t, "ReplaceField$Value", connect.Config{"exclude": "b", "renames": "a:z"}),
		made(t, "Cast$Value", connect.Config{"spec": "c:string,missing:int8"}),
		made(t, "MaskField$Value", connect.Config{"fields": "d"}),
		made(t, "TimestampConverter$Value", connect.Config{"field": "at", "target.type": "string", "format": "yyyy"}),
		made(t, "ValueToKey", connect.Config{"fields": "c"}),
		made(t, "InsertField$Value", connect.Config{"partition.field": "p", "timestamp.field": "ts"}),
	}
}

// Maps that a source makes one by one and maps that share their keys go the same way, and what the source holds stays as it was.
func TestAChainChangesACopyOfAMapOnce(t *testing.T) {
	chain := changing(t)
	made := func() *connect.Map {
		return connect.NewMap(5).Put(connect.String("a"), connect.Int32(1)).Put(connect.String("b"), connect.Int32(2)).
			Put(connect.String("c"), connect.Int32(3)).Put(connect.String("d"), connect.String("secret")).Put(connect.String("at"), connect.Instant(0))
	}
	shared := made()
	var own *connect.Map
	for round := range 3 {
		for _, in := range []*connect.Map{made(), shared, shared.Clone(0)} {
			r := connect.Record{Topic: "t", Partition: int32(round), Timestamp: connect.NoTimestamp, Value: connect.MapOf(in)}
			for i, link := range chain {
				_, err := link.Apply(&r)
				require.NoError(t, err)
				if i == 0 {
					own = r.Value.Map()
				}
				require.Same(t, own, r.Value.Map(), "the first change makes the copy that the others work in")
			}
			require.Equal(t, "{a: 1, b: 2, c: 3, d: secret, at: 1970-01-01 00:00:00 +0000 UTC}", in.String())
			want := connect.NewMap(8).Put(connect.String("z"), connect.String("t")).Put(connect.String("c"), connect.String("3")).
				Put(connect.String("d"), connect.String("")).Put(connect.String("at"), connect.String("1970")).Put(connect.String("new"), connect.String("x")).
				Put(connect.String("missing"), connect.Value{}).Put(connect.String("p"), connect.Int32(int32(round)))
			require.True(t, connect.MapOf(want).Equal(r.Value), "%s", r.Value)
			require.Equal(t, "{c: 3}", r.Key.String())
		}
	}
}

// With an error the record is as it was, also where it is the transform's to change.
func TestATransformThatFailsLeavesAnOwnedRecordAsItWas(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("a", connect.StringSchema), connect.F("b", connect.StringSchema))
	for _, failing := range []connect.Transform{
		made(t, "Cast$Value", connect.Config{"spec": "a:string,b:int32"}),
		made(t, "MaskField$Value", connect.Config{"fields": "a,m"}),
		made(t, "TimestampConverter$Value", connect.Config{"field": "m", "target.type": "Date"}),
	} {
		m := connect.NewMap(3).Put(connect.String("a"), connect.Int32(1)).Put(connect.String("b"), connect.String("x")).
			Put(connect.String("m"), connect.StructOf(connect.NewStruct(schema)))
		var r connect.Record
		r.OwnMap(m)
		before := m.String()
		_, err := failing.Apply(&r)
		require.ErrorIs(t, err, connect.ErrData)
		require.Equal(t, before, m.String())
		require.Same(t, m, r.Value.Map())
	}
	for _, transform := range []connect.Transform{
		made(t, "Cast$Value", connect.Config{"spec": "a:int32"}),
		made(t, "Cast$Value", connect.Config{"spec": "b:string"}),
		made(t, "InsertField$Value", connect.Config{"topic.field": "t"}),
		made(t, "ReplaceField$Value", connect.Config{"renames": "a:c"}),
	} {
		var r connect.Record
		st := connect.NewStruct(schema).Set("a", connect.String("x")) // b is null and must not be
		r.Own(st)
		_, err := transform.Apply(&r)
		require.ErrorIs(t, err, connect.ErrData)
		require.Same(t, schema, st.Schema())
		require.Same(t, schema, r.ValueSchema)
		require.Equal(t, "Struct{a=x}", st.String())
	}
}

// A default takes the place of a null also in a struct that is changed in place.
func TestDefaultsAreFilledInInPlace(t *testing.T) {
	withDefault := connect.StringSchema.With(connect.Optional(), connect.DefaultValue(connect.String("d")))
	schema := connect.StructSchema("s", connect.F("gone", connect.Int32Schema), connect.F("a", withDefault), connect.F("b", connect.StringSchema))
	for replace, want := range map[string]string{"true": "Struct{a=d,b=x}", "false": "Struct{b=x}"} {
		for _, owned := range []bool{true, false} {
			st := connect.NewStruct(schema).Set("gone", connect.Int32(1)).Set("b", connect.String("x"))
			var r connect.Record
			if r.SetStruct(st); owned {
				r.Own(st)
			}
			_, err := made(t, "ReplaceField$Value", connect.Config{"exclude": "gone", "replace.null.with.default": replace}).Apply(&r)
			require.NoError(t, err)
			require.Equal(t, want, r.Value.String())
			require.Equal(t, owned, r.Value.Struct() == st)
		}
	}
}

// The map that a source shares stays as it was, and what becomes of two maps with the same keys has the same keys.
func TestTransformsOfMapsLeaveASharedMapAloneAndShareTheNewKeys(t *testing.T) {
	keys := connect.NewKeys(connect.String("a"), connect.String("n"), connect.String("at"))
	shared := keys.Map()
	shared.SetAt(0, connect.String("secret"))
	shared.SetAt(1, connect.Int32(7))
	shared.SetAt(2, connect.Int64(1_700_000_000_000))
	for want, transform := range map[string]connect.Transform{
		"{a: , n: 7, at: 1700000000000, b: null}":         made(t, "MaskField$Value", connect.Config{"fields": "a,b"}),
		"{a: secret, at: 1700000000000}":                  made(t, "HeaderFrom$Value", connect.Config{"fields": "n,b", "headers": "x,y", "operation": "move"}),
		"{a: secret, n: 7, at: 2023}":                     made(t, "TimestampConverter$Value", connect.Config{"field": "at", "target.type": "string", "format": "yyyy"}),
		"{a: secret, n: 7, at: 1700000000000, new: null}": made(t, "TimestampConverter$Value", connect.Config{"field": "new", "target.type": "unix"}),
		"{a: secret, n: 7, at: 1700000000000, a2: x}":     made(t, "InsertField$Value", connect.Config{"static.field": "a2", "static.value": "x"}),
		"{a: secret, n: 7, at: 1700000000000, b: null}":   made(t, "Cast$Value", connect.Config{"spec": "b:int8"}),
		"{all: {a: secret, n: 7, at: 1700000000000}}":     made(t, "HoistField$Value", connect.Config{"field": "all"}),
	} {
		var before *connect.Keys
		for range 3 {
			r := connect.Record{Value: connect.MapOf(shared)}
			_, err := transform.Apply(&r)
			require.NoError(t, err)
			require.Equal(t, want, r.Value.String())
			if before != nil {
				require.Same(t, before, r.Value.Map().Keys())
			}
			before = r.Value.Map().Keys()
		}
		require.Equal(t, "{a: secret, n: 7, at: 1700000000000}", shared.String())
	}
}

func TestFlattenRefusesAStructWithinItselfAndTakesAListOfIt(t *testing.T) {
	node := connect.DeclareStruct(connect.Named("Node"))
	schema, err := node.Define(connect.F("n", connect.Int32Schema), connect.F("next", node.Schema().With(connect.Optional())))
	require.NoError(t, err)
	flat := made(t, "Flatten$Value", connect.Config{})
	r := connect.Record{ValueSchema: schema, Value: connect.StructOf(connect.NewStruct(schema).Set("n", connect.Int32(1)))}
	_, err = flat.Apply(&r)
	require.ErrorIs(t, err, connect.ErrData)
	assert.ErrorContains(t, err, `a struct that holds itself, which "Node" does (for field next`)

	folder := connect.DeclareStruct(connect.Named("Folder"))
	schema, err = folder.Define(connect.F("at", connect.StructSchema("P", connect.F("x", connect.Int32Schema))), connect.F("folders", connect.ArraySchema(folder.Schema())))
	require.NoError(t, err)
	r = connect.Record{ValueSchema: schema, Value: connect.StructOf(connect.NewStruct(schema).Set("folders", connect.Array(nil)).
		Set("at", connect.StructOf(connect.NewStruct(schema.Fields()[0].Schema).Set("x", connect.Int32(1)))))}
	_, err = flat.Apply(&r)
	require.NoError(t, err)
	assert.Equal(t, "Struct{at.x=1,folders=[]}", r.Value.String())
	assert.True(t, r.ValueSchema.Recursive())
}
