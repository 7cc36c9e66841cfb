package converters

import "github.com/sluice-connect/sluice/connect"

// Of makes a definition of a class that is written against the SDK alone. Its converters give each value bytes of its own, where those of this package
// cut them from the batch's arena.
func Of(class connect.ConverterClass) Definition {
	d := Definition{Spec: class.Spec}
	if class.New != nil {
		d.New = func(seat Seat, cfg connect.Config) (Converter, error) {
			c, err := class.New(seat, cfg)
			if err != nil {
				return nil, err
			}
			return ofSDK{c}, nil
		}
		d.NewHeader = func(cfg connect.Config) (HeaderConverter, error) {
			c, err := d.New(Header, cfg)
			if err != nil {
				return nil, err
			}
			return asHeader{c}, nil
		}
	}
	if class.NewHeader != nil {
		d.NewHeader = func(cfg connect.Config) (HeaderConverter, error) {
			c, err := class.NewHeader(cfg)
			if err != nil {
				return nil, err
			}
			return headerOfSDK{c}, nil
		}
	}
	return d
}

// ofSDK is a converter that knows no arena.
type ofSDK struct{ connect.Converter }

func (c ofSDK) Encode(_ *Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	return c.Converter.Encode(topic, schema, v)
}

// headerOfSDK is a header converter that knows no arena.
type headerOfSDK struct{ connect.HeaderConverter }

func (c headerOfSDK) EncodeHeader(_ *Arena, topic, key string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	return c.HeaderConverter.EncodeHeader(topic, key, schema, v)
}
