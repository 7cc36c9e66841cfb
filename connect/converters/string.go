package converters

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// stringConverter writes the text of anything (org.apache.kafka.connect.storage.StringConverter). Texts in UTF-8 pass without
// being copied.
type stringConverter struct {
	charset charset // nil for UTF-8
}

var stringDefinition = forAnySeat(
	connect.NewSpec("org.apache.kafka.connect.storage.StringConverter", version, seatKey, encodingKey),
	func(_ Seat, cfg connect.Config) (Converter, error) {
		if err := checkedOptions(cfg, encodingKey); err != nil {
			return nil, err
		}
		set, err := charsetNamed(encodingKey.Get(cfg))
		if err != nil {
			return nil, &connect.ConfigError{Key: encodingKey.Name(), Reason: err.Error()}
		}
		return &stringConverter{charset: set}, nil
	},
)

func (c *stringConverter) Encode(room *Arena, _ string, _ *connect.Schema, v connect.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case c.charset == nil && v.Kind() == connect.KindString:
		return bytesOf(v.Str()), nil
	case c.charset == nil:
		return room.Keep(values.AppendJava(room.Room(), v)), nil
	}
	return room.Keep(c.charset.append(room.Room(), string(values.AppendJava(nil, v)))), nil
}

func (c *stringConverter) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	switch {
	case data == nil:
		return connect.OptionalStringSchema, connect.Value{}, nil
	case c.charset == nil:
		return connect.OptionalStringSchema, connect.String(values.Text(data)), nil
	}
	return connect.OptionalStringSchema, connect.String(c.charset.text(data)), nil
}
