package converters

import "github.com/sluice-connect/sluice/connect"

// bytesConverter passes bytes through (org.apache.kafka.connect.converters.ByteArrayConverter). It never copies.
type bytesConverter struct{}

var bytesDefinition = forAnySeat(
	connect.NewSpec("org.apache.kafka.connect.converters.ByteArrayConverter", version, seatKey),
	func(connect.Config) (Converter, error) { return bytesConverter{}, nil },
)

func (bytesConverter) Encode(_ *Arena, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if schema != nil && schema.Kind() != connect.KindBytes {
		return nil, mismatch(schema, v, "bytes")
	}
	switch v.Kind() {
	case connect.KindNull:
		return nil, nil
	case connect.KindBytes:
		return v.Bytes(), nil
	}
	return nil, mismatch(schema, v, "bytes")
}

func (bytesConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	return connect.OptionalBytesSchema, connect.Bytes(data), nil
}
