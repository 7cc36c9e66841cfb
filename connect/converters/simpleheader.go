package converters

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// simpleHeaderConverter writes headers as text and guesses their type on the way back
// (org.apache.kafka.connect.storage.SimpleHeaderConverter). It is Kafka Connect's default although it changes what it reads:
// 007 becomes the number 7.
type simpleHeaderConverter struct{}

var simpleHeaderDefinition = Definition{
	Spec:      connect.NewSpec("org.apache.kafka.connect.storage.SimpleHeaderConverter", version),
	NewHeader: func(connect.Config) (HeaderConverter, error) { return simpleHeaderConverter{}, nil },
}

func (simpleHeaderConverter) EncodeHeader(room *Arena, _, _ string, _ *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	return room.Keep(values.Append(room.Room(), v)), nil
}

func (simpleHeaderConverter) DecodeHeader(_, _ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	schema, v, err := values.Parse(values.Text(data))
	if err != nil { // beyond what Java's stack would bear: the bytes as they are, as there
		return connect.BytesSchema, connect.Bytes(data), nil
	}
	return schema, v, nil
}
