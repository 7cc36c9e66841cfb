package remote

import (
	"context"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

type converterDialogue = dialogue[contract.ToConverter, contract.FromConverter, *contract.FromConverter]

// converter is the definition of a class of converters.
func (c *class) converter() converters.Definition {
	class := connect.ConverterClass{Spec: c.spec, NewHeader: func(cfg connect.Config) (connect.HeaderConverter, error) {
		return c.newConverter(connect.HeaderSeat, cfg)
	}}
	if c.described.GetType() == contract.Class_CONVERTER {
		class.New = func(seat connect.Seat, cfg connect.Config) (connect.Converter, error) {
			header, err := c.newConverter(seat, cfg)
			if err != nil {
				return nil, err
			}
			return converter{header}, nil
		}
	}
	return converters.Of(class)
}

func (c *class) newConverter(seat connect.Seat, cfg connect.Config) (*headerConverter, error) {
	open := &contract.OpenPart{Of: c.with(cfg), Key: seat == connect.KeySeat, Header: seat == connect.HeaderSeat}
	d := &headerConverter{converterDialogue{
		class: c, config: cfg,
		first: &contract.ToConverter{Message: &contract.ToConverter_Open{Open: open}},
		dial: func(p contract.PluginClient, ctx context.Context) (grpc.BidiStreamingClient[contract.ToConverter, contract.FromConverter], error) {
			return p.Convert(ctx)
		},
	}}
	return d, d.open()
}

// headerConverter is one converter in a plugin's process.
type headerConverter struct{ converterDialogue }

// EncodeHeader implements connect.HeaderConverter.
func (c *headerConverter) EncodeHeader(topic, key string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	answer, err := c.ask(func(s *wire.Sender) (*contract.ToConverter, error) {
		number, value, schemas, err := s.Value(schema, v)
		if err != nil {
			return nil, err
		}
		return &contract.ToConverter{Message: &contract.ToConverter_Encode{Encode: &contract.Encode{
			Forget: schemas.Forget, Schemas: schemas.New, Topic: topic, Header: key, Schema: number, Value: value,
		}}}, nil
	})
	if err != nil {
		return nil, err
	}
	return answer.Data, nil
}

// DecodeHeader implements connect.HeaderConverter.
func (c *headerConverter) DecodeHeader(topic, key string, data []byte) (*connect.Schema, connect.Value, error) {
	answer, err := c.ask(func(*wire.Sender) (*contract.ToConverter, error) {
		return &contract.ToConverter{Message: &contract.ToConverter_Decode{Decode: &contract.Decode{Topic: topic, Header: key, Data: data}}}, nil
	})
	if err != nil {
		return nil, connect.Value{}, err
	}
	if err := c.receiver.Learn(answer.GetForget(), answer.GetSchemas()); err != nil {
		c.Close()
		return nil, connect.Value{}, c.broke("%v", err)
	}
	schema, v, err := c.receiver.Value(answer.GetSchema(), answer.GetValue())
	if err != nil {
		c.Close()
		return nil, connect.Value{}, c.broke("%v", err)
	}
	return schema, v, nil
}

// converter is a converter of keys or values: one of headers without names.
type converter struct{ of *headerConverter }

// Encode implements connect.Converter.
func (c converter) Encode(topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	return c.of.EncodeHeader(topic, "", schema, v)
}

// Decode implements connect.Converter.
func (c converter) Decode(topic string, data []byte) (*connect.Schema, connect.Value, error) {
	return c.of.DecodeHeader(topic, "", data)
}
