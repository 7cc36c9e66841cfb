package converters

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// Converter turns keys or values into bytes and back (org.apache.kafka.connect.storage.Converter). A task has one for each seat,
// made by [Definition.New]; it is used by one goroutine at a time. Errors are of class [connect.ErrData].
type Converter interface {
	// Encode returns the bytes of v (fromConnectData); nil is a null key, or a tombstone. They are cut from room or are v's own: they
	// must not be written to, and are good until room is reset and for as long as v is.
	Encode(room *Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error)
	// Decode returns what the bytes mean (toConnectData); nil data is null. The value may share data, which must then never be
	// written to again.
	Decode(topic string, data []byte) (*connect.Schema, connect.Value, error)
}

// HeaderConverter is a [Converter] of header values (org.apache.kafka.connect.storage.HeaderConverter). The same rules hold.
type HeaderConverter interface {
	EncodeHeader(room *Arena, topic, key string, schema *connect.Schema, v connect.Value) ([]byte, error)
	DecodeHeader(topic, key string, data []byte) (*connect.Schema, connect.Value, error)
}

// Seat is what a converter is for, the value of converter.type.
type Seat = connect.Seat

// The seats.
const (
	Key    = connect.KeySeat
	Value  = connect.ValueSeat
	Header = connect.HeaderSeat
)

// Definition describes a converter class and makes converters of it.
type Definition struct {
	Spec connect.Spec
	// New makes a converter of keys or values from its own keys (value.converter.schemas.enable as schemas.enable). Its error is a
	// [connect.ConfigError]. It is nil for what converts headers only.
	New func(seat Seat, cfg connect.Config) (Converter, error)
	// NewHeader makes a converter of headers; nil for what cannot.
	NewHeader func(cfg connect.Config) (HeaderConverter, error)
}

// All returns the definitions of the converters that Kafka Connect brings.
func All() []Definition {
	return []Definition{
		jsonDefinition, stringDefinition, bytesDefinition, simpleHeaderDefinition, booleanDefinition,
		int16Definition, int32Definition, int64Definition, float32Definition, float64Definition,
	}
}

// asHeader uses a converter that knows nothing of topics for headers.
type asHeader struct{ Converter }

func (c asHeader) EncodeHeader(room *Arena, topic, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	return c.Encode(room, topic, schema, v)
}

func (c asHeader) DecodeHeader(topic, _ string, data []byte) (*connect.Schema, connect.Value, error) {
	return c.Decode(topic, data)
}

// forAnySeat completes the definition of a converter of which one constructor serves all seats.
func forAnySeat(spec connect.Spec, construct func(Seat, connect.Config) (Converter, error)) Definition {
	return Definition{
		Spec: spec,
		New:  construct,
		NewHeader: func(cfg connect.Config) (HeaderConverter, error) {
			c, err := construct(Header, cfg)
			if err != nil {
				return nil, err
			}
			return asHeader{c}, nil
		},
	}
}

// mismatch is the error for a value that the converter does not take. It is nearly always the choice of the converter that is wrong, so that every
// record fails: the key to change is named.
func mismatch(seat Seat, schema *connect.Schema, v connect.Value, wants string) error {
	under := "no schema"
	if schema != nil {
		under = "schema " + schema.Kind().String()
	}
	return fmt.Errorf("%w: a value of kind %s under %s, and this converter takes %s: set %s.converter to one that fits, such as StringConverter or JsonConverter",
		connect.ErrData, v.Kind(), under, wants, seat)
}

var (
	_ Converter       = (*JSON)(nil)
	_ Converter       = (*stringConverter)(nil)
	_ Converter       = bytesConverter{}
	_ Converter       = booleanConverter{}
	_ Converter       = (*fixedConverter)(nil)
	_ HeaderConverter = simpleHeaderConverter{}
	_ HeaderConverter = asHeader{}
)
