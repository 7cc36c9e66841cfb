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
