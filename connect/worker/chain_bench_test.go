package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// fiveTransforms change a reading's fields, key and topic, under two predicates.
var fiveTransforms = connect.Config{
	"transforms": "stamp,mask,names,key,route",

	"transforms.stamp.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.stamp.topic.field": "source", "transforms.stamp.timestamp.field": "at",
	"transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value", "transforms.mask.fields": "owner", "transforms.mask.predicate": "isReading",
	"transforms.names.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.names.renames": "temp:celsius", "transforms.names.exclude": "raw",
	"transforms.key.type": "ValueToKey", "transforms.key.fields": "id",
	"transforms.route.type": "RegexRouter", "transforms.route.regex": "(.*)-raw", "transforms.route.replacement": "$1",
	"transforms.route.predicate": "isTombstone", "transforms.route.negate": "true",

	"predicates": "isReading,isTombstone", "predicates.isTombstone.type": "RecordIsTombstone",
	"predicates.isReading.type": "TopicNameMatches", "predicates.isReading.pattern": "readings-.*",
}

func BenchmarkChainOfFiveTransforms(b *testing.B) {
	schema := connect.StructSchema("Reading", connect.F("id", connect.StringSchema), connect.F("owner", connect.StringSchema),
		connect.F("temp", connect.OptionalFloat64Schema), connect.F("raw", connect.BytesSchema))
	st := connect.NewStruct(schema).Set("id", connect.String("sensor-7")).Set("owner", connect.String("Ada")).
		Set("temp", connect.Float64(21.5)).Set("raw", connect.Bytes([]byte{1, 2, 3}))
	m := connect.NewMap(4)
	for i, f := range schema.Fields() {
		m.Put(connect.String(f.Name), st.At(i))
	}
	for name, in := range map[string]connect.Record{
		"with schema":    {Value: connect.StructOf(st), ValueSchema: schema},
		"without schema": {Value: connect.MapOf(m)},
	} {
		b.Run(name, func(b *testing.B) {
			transforms, err := configuredChain(b, fiveTransforms)
			require.NoError(b, err)
			defer transforms.close()
			in.Topic, in.Partition, in.Timestamp = "readings-raw", connect.NoPartition, 1700000000123
			var r connect.Record
			b.ReportAllocs()
			for b.Loop() {
				r = in
				if keep, failed := transforms.apply(b.Context(), &r, nil); !keep || failed != nil {
					b.Fatal(keep, failed)
				}
			}
			require.Equal(b, "readings", r.Topic)
		})
	}
}
