package converters

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// booleanConverter converts truth to a byte, 0 or 1 (org.apache.kafka.connect.converters.BooleanConverter).
type booleanConverter struct{ seat Seat }

var booleanDefinition = forAnySeat(
	connect.NewSpec("org.apache.kafka.connect.converters.BooleanConverter", version, seatKey),
	func(seat Seat, _ connect.Config) (Converter, error) { return booleanConverter{seat}, nil },
)

// What the two values are written as; nobody writes to it.
var falseByte, trueByte = []byte{0}, []byte{1}

func (c booleanConverter) Encode(_ *Arena, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if schema != nil && schema.Kind() != connect.KindBoolean {
		return nil, mismatch(c.seat, schema, v, "booleans")
	}
	switch {
	case v.IsNull():
		return nil, nil
	case v.Kind() != connect.KindBoolean:
		return nil, mismatch(c.seat, schema, v, "booleans")
	case v.Bool():
		return trueByte, nil
	}
	return falseByte, nil
}

func (booleanConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return connect.OptionalBooleanSchema, connect.Value{}, nil
	}
	if len(data) != 1 || data[0] > 1 {
		return nil, connect.Value{}, fmt.Errorf("%w: a boolean is one byte, 0 or 1, and not the %d given", connect.ErrData, len(data))
	}
	return connect.OptionalBooleanSchema, connect.Boolean(data[0] == 1), nil
}
