package plugins

import (
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// Convert implements contract.PluginServer: one converter, which answers question after question.
func (s *server) Convert(stream grpc.BidiStreamingServer[contract.ToConverter, contract.FromConverter]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.GetOpen() == nil {
		return status.Error(codes.InvalidArgument, "the first message of a stream must be open")
	}
	c, err := s.openConverter(first.GetOpen())
	if err != nil {
		return stream.Send(&contract.FromConverter{Fault: wire.ToFault(err)})
	}
	if err := stream.Send(&contract.FromConverter{}); err != nil {
		return err
	}
	var sender wire.Sender
	var receiver wire.Receiver
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil // the task has ended
		}
		answer := &contract.FromConverter{}
		switch of := m.GetMessage().(type) {
		case *contract.ToConverter_Encode:
			answer.Data, err = encode(c, of.Encode, &receiver)
		case *contract.ToConverter_Decode:
			answer, err = decode(c, of.Decode, &sender)
		default:
			return status.Error(codes.InvalidArgument, "the message is neither encode nor decode")
		}
		if err != nil {
			answer = &contract.FromConverter{Fault: wire.ToFault(err)}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// ofHeaders uses a converter that knows nothing of headers' names for headers.
type ofHeaders struct{ connect.Converter }

func (c ofHeaders) EncodeHeader(topic, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	return c.Encode(topic, schema, v)
}

func (c ofHeaders) DecodeHeader(topic, _ string, data []byte) (*connect.Schema, connect.Value, error) {
	return c.Decode(topic, data)
}

// openConverter makes a converter; one of keys or values is used as if for headers without names.
func (s *server) openConverter(q *contract.OpenPart) (c connect.HeaderConverter, err error) {
	of := q.GetOf()
	at := slices.IndexFunc(s.plugin.Converters, func(c connect.ConverterClass) bool { return c.Spec.Class == of.GetClass() })
	if at < 0 {
		return nil, s.missing("converter", of.GetClass())
	}
	class, seat := s.plugin.Converters[at], connect.ValueSeat
	switch {
	case q.GetHeader():
		seat = connect.HeaderSeat
	case q.GetKey():
		seat = connect.KeySeat
	}
	err = guard("New", func() error {
		if seat == connect.HeaderSeat && class.NewHeader != nil {
			c, err = class.NewHeader(of.GetConfig())
			return err
		}
		if class.New == nil {
			return &connect.ConfigError{Key: string(seat) + ".converter", Reason: of.GetClass() + " converts headers only"}
		}
		plain, err := class.New(seat, of.GetConfig())
		c = ofHeaders{plain}
		return err
	})
	return c, err
}

func encode(c connect.HeaderConverter, q *contract.Encode, receiver *wire.Receiver) (data []byte, err error) {
	if err := receiver.Learn(q.GetForget(), q.GetSchemas()); err != nil {
		return nil, err
	}
	schema, v, err := receiver.Value(q.GetSchema(), q.GetValue())
	if err != nil {
		return nil, err
	}
	err = guard("Encode", func() (err error) {
		data, err = c.EncodeHeader(q.GetTopic(), q.GetHeader(), schema, v)
		return err
	})
	return data, err
}

func decode(c connect.HeaderConverter, q *contract.Decode, sender *wire.Sender) (*contract.FromConverter, error) {
	var schema *connect.Schema
	var v connect.Value
	err := guard("Decode", func() (err error) {
		schema, v, err = c.DecodeHeader(q.GetTopic(), q.GetHeader(), q.Data)
		return err
	})
	if err != nil {
		return nil, err
	}
	number, value, schemas, err := sender.Value(schema, v)
	if err != nil {
		return nil, err
	}
	return &contract.FromConverter{Schema: number, Value: value, Forget: schemas.Forget, Schemas: schemas.New}, nil
}
