package connect

// Converter turns keys or values into bytes and back (org.apache.kafka.connect.storage.Converter). A task has its own for each seat and calls it on one
// goroutine at a time. Data that does not fit is of class [ErrData].
//
// The worker's own converters have an interface that spares them an allocation a record (package converters, which adapts this one).
type Converter interface {
	// Encode returns the bytes of v (fromConnectData), which are the caller's from then on; nil is a null key, or a tombstone.
	Encode(topic string, schema *Schema, v Value) ([]byte, error)
	// Decode returns what the bytes mean (toConnectData); nil data is null. The value may share data, which is never written to again.
	Decode(topic string, data []byte) (*Schema, Value, error)
}

// HeaderConverter is a [Converter] of header values (org.apache.kafka.connect.storage.HeaderConverter). The same rules hold.
type HeaderConverter interface {
	EncodeHeader(topic, key string, schema *Schema, v Value) ([]byte, error)
	DecodeHeader(topic, key string, data []byte) (*Schema, Value, error)
}

// Seat is what a converter is for, the value of converter.type.
type Seat string

// The seats.
const (
	KeySeat    Seat = "key"
	ValueSeat  Seat = "value"
	HeaderSeat Seat = "header"
)

// ConverterClass describes a class of converters and makes converters of it.
type ConverterClass struct {
	Spec Spec
	// New makes a converter from its own keys (value.converter.x as x). Its error is a [ConfigError]. It is nil for what converts headers only; one for
	// [HeaderSeat] converts headers too, without regard to their names, unless NewHeader is set.
	New func(seat Seat, cfg Config) (Converter, error)
	// NewHeader makes a converter of headers; nil where New does.
	NewHeader func(cfg Config) (HeaderConverter, error)
}
