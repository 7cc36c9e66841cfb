package converters

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/sluice-connect/sluice/connect"
)

// fixedConverter converts the numbers of one kind to bytes of a fixed length, big-endian
// (org.apache.kafka.connect.converters.NumberConverter).
type fixedConverter struct {
	kind   connect.Kind
	schema *connect.Schema // what Decode answers
	size   int
	bits   func(v connect.Value) uint64
	value  func(bits uint64) connect.Value
	seat   Seat
}

var (
	int16Definition = fixed("ShortConverter", &fixedConverter{
		kind: connect.KindInt16, schema: connect.OptionalInt16Schema, size: 2, bits: integerBits,
		value: func(b uint64) connect.Value { return connect.Int16(int16(b)) },
	})
	int32Definition = fixed("IntegerConverter", &fixedConverter{
		kind: connect.KindInt32, schema: connect.OptionalInt32Schema, size: 4, bits: integerBits,
		value: func(b uint64) connect.Value { return connect.Int32(int32(b)) },
	})
	int64Definition = fixed("LongConverter", &fixedConverter{
		kind: connect.KindInt64, schema: connect.OptionalInt64Schema, size: 8, bits: integerBits,
		value: func(b uint64) connect.Value { return connect.Int64(int64(b)) },
	})
	float32Definition = fixed("FloatConverter", &fixedConverter{
		kind: connect.KindFloat32, schema: connect.OptionalFloat32Schema, size: 4,
		bits:  func(v connect.Value) uint64 { return uint64(math.Float32bits(float32(v.Float64()))) },
		value: func(b uint64) connect.Value { return connect.Float32(math.Float32frombits(uint32(b))) },
	})
	float64Definition = fixed("DoubleConverter", &fixedConverter{
		kind: connect.KindFloat64, schema: connect.OptionalFloat64Schema, size: 8,
		bits:  func(v connect.Value) uint64 { return math.Float64bits(v.Float64()) },
		value: func(b uint64) connect.Value { return connect.Float64(math.Float64frombits(b)) },
	})
)

func fixed(class string, c *fixedConverter) Definition {
	return forAnySeat(connect.NewSpec("org.apache.kafka.connect.converters."+class, version, seatKey),
		func(seat Seat, _ connect.Config) (Converter, error) {
			seated := *c
			seated.seat = seat
			return &seated, nil
		})
}

func integerBits(v connect.Value) uint64 { return uint64(v.Int64()) }

// Encode looks at the value alone: any schema will do.
func (c *fixedConverter) Encode(room *Arena, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	switch v.Kind() {
	case connect.KindNull:
		return nil, nil
	case c.kind:
		var wide [8]byte
		binary.BigEndian.PutUint64(wide[:], c.bits(v))
		return room.Keep(append(room.Room(), wide[8-c.size:]...)), nil
	}
	return nil, mismatch(c.seat, schema, v, c.kind.String())
}

func (c *fixedConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return c.schema, connect.Value{}, nil
	}
	if len(data) != c.size {
		return nil, connect.Value{}, fmt.Errorf("%w: %d bytes for a %s, which has %d", connect.ErrData, len(data), c.kind, c.size)
	}
	var wide [8]byte
	copy(wide[8-c.size:], data)
	return c.schema, c.value(binary.BigEndian.Uint64(wide[:])), nil
}
