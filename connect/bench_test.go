package connect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

const benchBatch = 1000

var (
	benchReading = connect.StructSchema("reading",
		connect.F("device", connect.StringSchema), connect.F("temp", connect.Float64Schema), connect.F("count", connect.Int32Schema),
		connect.F("ok", connect.BooleanSchema), connect.F("note", connect.OptionalStringSchema), connect.F("at", connect.TimestampSchema))
	benchPartitions connect.Partitions
	benchLine       = "a reading of some hundred bytes, which is what a sensor sends when it has something to tell us about"
	benchPayload    = make([]byte, 256)
)

// fillBatch is what a source's Poll does.
func fillBatch(b *connect.Batch, source *connect.Partition, fill func(*connect.SourceRecord)) {
	b.Reset()
	for n := range benchBatch {
		fill(b.Next("topic", source, connect.At("position", int64(n))))
	}
}

func newReading() *connect.Struct {
	return connect.NewStruct(benchReading).
		Set("device", connect.String("sensor-000123")).Set("temp", connect.Float64(21.5)).Set("count", connect.Int32(42)).
		Set("ok", connect.Boolean(true)).Set("at", connect.Instant(1_700_000_000_000))
}

// BenchmarkBatch fills a reused batch; figures are for one record.
func BenchmarkBatch(b *testing.B) {
	batch := connect.NewBatch(benchBatch, 1<<30)
	source := benchPartitions.Intern(connect.Strings("file", "a")...)
	for name, fill := range map[string]func(*connect.SourceRecord){
		"string": func(r *connect.SourceRecord) { r.SetString(benchLine) },
		"copy":   func(r *connect.SourceRecord) { r.SetBytes(batch.Copy(benchPayload)) },
		"struct": func(r *connect.SourceRecord) { r.SetStruct(newReading()) },
		"headers": func(r *connect.SourceRecord) {
			r.SetString(benchLine)
			r.Header("mqtt.topic", connect.StringSchema, connect.String("sensors/a"))
			r.Header("mqtt.qos", connect.Int32Schema, connect.Int32(1))
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; n += benchBatch {
				fillBatch(batch, source, fill)
			}
		})
	}
}

// BenchmarkStruct makes and changes structs of six fields.
func BenchmarkStruct(b *testing.B) {
	b.Run("by name", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newReading()
		}
	})
	b.Run("by index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s := connect.NewStruct(benchReading)
			s.SetAt(0, connect.String("sensor-000123"))
			s.SetAt(1, connect.Float64(21.5))
			s.SetAt(2, connect.Int32(42))
		}
	})
	b.Run("edited by three transforms", func(b *testing.B) {
		shared := newReading()
		b.ReportAllocs()
		for b.Loop() {
			var r connect.Record
			r.SetStruct(shared)
			for range 3 {
				r.Edit().SetAt(1, connect.Float64(22))
			}
		}
	})
}

func TestFillingAReusedBatchAllocatesNothing(t *testing.T) {
	batch := connect.NewBatch(benchBatch, 1<<30)
	source := benchPartitions.Intern(connect.Strings("file", "b")...)
	fill := func() { fillBatch(batch, source, func(r *connect.SourceRecord) { r.SetString(benchLine) }) }
	fill()
	require.Zero(t, testing.AllocsPerRun(10, fill))
}
