package avro

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

var measured = connect.StructSchema("plant.Measured",
	connect.F("device", connect.StringSchema), connect.F("line", connect.Int32Schema), connect.F("sequence", connect.Int64Schema),
	connect.F("at", connect.TimestampSchema), connect.F("temperature", connect.Float64Schema), connect.F("humidity", connect.Float32Schema),
	connect.F("alarm", connect.BooleanSchema), connect.F("note", connect.OptionalStringSchema), connect.F("cause", connect.OptionalInt32Schema),
	connect.F("unit", connect.StringSchema),
)

func measuredOf() connect.Value {
	return connect.StructOf(connect.NewStruct(measured).Set("device", connect.String("press-17")).Set("line", connect.Int32(4)).
		Set("sequence", connect.Int64(123456789)).Set("at", connect.Instant(1700000000123)).Set("temperature", connect.Float64(71.25)).
		Set("humidity", connect.Float32(0.42)).Set("alarm", connect.Boolean(false)).Set("note", connect.String("steady")).
		Set("unit", connect.String("celsius")))
}

// A struct of ten fields.
func BenchmarkEncode(b *testing.B) {
	s := newStand(b)
	v := measuredOf()
	var room converters.Arena
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			room.Reset()
		}
		if _, err := s.Converter.Encode(&room, "readings", measured, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	s := newStand(b)
	data := s.Encode(measured, measuredOf())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Converter.Decode("readings", data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	s := newStand(t)
	v := measuredOf()
	var room converters.Arena
	allocs := testing.AllocsPerRun(1000, func() {
		room.Reset()
		_, err := s.Converter.Encode(&room, "readings", measured, v)
		require.NoError(t, err)
	})
	require.Zero(t, allocs)
}
