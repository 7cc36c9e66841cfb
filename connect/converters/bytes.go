package converters

import "github.com/sluice-connect/sluice/connect"

// bytesConverter passes bytes through (org.apache.kafka.connect.converters.ByteArrayConverter). It never copies.
type bytesConverter struct{ seat Seat }

var bytesDefinition = forAnySeat(
	connect.NewSpec("org.apache.kafka.connect.converters.ByteArrayConverter", version, seatKey),
	func(seat Seat, _ connect.Config) (Converter, error) { return bytesConverter{seat}, nil },
)

func (c bytesConverter) Encode(_ *Arena, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if schema != nil && schema.Kind() != connect.KindBytes {
		return nil, mismatch(c.seat, schema, v, "bytes")
	}
	switch v.Kind() {
	case connect.KindNull:
		return nil, nil
	case connect.KindBytes:
		return v.Bytes(), nil
	}
	return nil, mismatch(c.seat, schema, v, "bytes")
}

func (bytesConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	return connect.OptionalBytesSchema, connect.Bytes(data), nil
}
