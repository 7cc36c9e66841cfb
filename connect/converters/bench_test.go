package converters

import (
	"testing"

	"github.com/sluice-connect/sluice/connect"
)

var reading = connect.StructSchema("reading",
	connect.F("device", connect.StringSchema), connect.F("temp", connect.Float64Schema), connect.F("count", connect.Int32Schema),
	connect.F("ok", connect.BooleanSchema), connect.F("note", connect.OptionalStringSchema), connect.F("at", connect.TimestampSchema))

func readingValue() connect.Value {
	return connect.StructOf(connect.NewStruct(reading).
		Set("device", connect.String("sensor-000123")).Set("temp", connect.Float64(21.5)).Set("count", connect.Int32(42)).
		Set("ok", connect.Boolean(true)).Set("at", connect.Instant(1_700_000_000_000)))
}

func benchmarkEncode(b *testing.B, c Converter, schema *connect.Schema, v connect.Value) {
	var room Arena
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n%1000 == 0 {
			room.Reset()
		}
		out, err := c.Encode(&room, "t", schema, v)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}

func benchmarkDecode(b *testing.B, c Converter, schema *connect.Schema, v connect.Value) {
	data, err := c.Encode(&Arena{}, "t", schema, v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Decode("t", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkString(b *testing.B) {
	v := connect.String("a reading of some hundred bytes, which is what a sensor sends when it has something to tell us about it")
	b.Run("encode", func(b *testing.B) { benchmarkEncode(b, &stringConverter{}, connect.StringSchema, v) })
	b.Run("decode", func(b *testing.B) { benchmarkDecode(b, &stringConverter{}, connect.StringSchema, v) })
}

func BenchmarkByteArray(b *testing.B) {
	v := connect.Bytes(make([]byte, 100))
	b.Run("encode", func(b *testing.B) { benchmarkEncode(b, bytesConverter{}, connect.BytesSchema, v) })
	b.Run("decode", func(b *testing.B) { benchmarkDecode(b, bytesConverter{}, connect.BytesSchema, v) })
}

func BenchmarkJSONStructWithSchema(b *testing.B) {
	c := NewJSON(JSONOptions{Schemas: true})
	b.Run("encode", func(b *testing.B) { benchmarkEncode(b, c, reading, readingValue()) })
	b.Run("decode", func(b *testing.B) { benchmarkDecode(b, c, reading, readingValue()) })
}

func BenchmarkJSONStructWithoutSchema(b *testing.B) {
	c := NewJSON(JSONOptions{})
	b.Run("encode", func(b *testing.B) { benchmarkEncode(b, c, reading, readingValue()) })
	b.Run("decode", func(b *testing.B) { benchmarkDecode(b, c, reading, readingValue()) })
}

func BenchmarkSimpleHeader(b *testing.B) {
	data := []byte("sensor-000123")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := (simpleHeaderConverter{}).DecodeHeader("t", "h", data); err != nil {
			b.Fatal(err)
		}
	}
}
