package plugins

import (
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// Transform implements contract.PluginServer: one transform or predicate, which answers question after question.
func (s *server) Transform(stream grpc.BidiStreamingServer[contract.ToTransform, contract.FromTransform]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	of := first.GetOpen().GetOf()
	if of == nil {
		return status.Error(codes.InvalidArgument, "the first message of a stream must be open")
	}
	part, err := s.openPart(of)
	if err != nil {
		return stream.Send(&contract.FromTransform{Fault: wire.ToFault(err)})
	}
	defer func() { _ = guard("Close", func() error { part.close(); return nil }) }()
	if err := stream.Send(&contract.FromTransform{}); err != nil {
		return err
	}
	var sender wire.Sender
	var receiver wire.Receiver
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil // the task has ended
		}
		answer, err := part.answer(m.GetApply(), &receiver, &sender)
		if err != nil {
			answer = &contract.FromTransform{Fault: wire.ToFault(err)}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// part is a transform or a predicate.
type part struct {
	transform connect.Transform
	predicate connect.Predicate
}

func (s *server) openPart(of *contract.ClassConfig) (p part, err error) {
	err = guard("New", func() (err error) {
		if of.GetType() == contract.Class_PREDICATE {
			at := slices.IndexFunc(s.plugin.Predicates, func(c connect.PredicateClass) bool { return c.Spec.Class == of.GetClass() })
			if at < 0 {
				return s.missing("predicate", of.GetClass())
			}
			p.predicate, err = s.plugin.Predicates[at].New(of.GetConfig())
			return err
		}
		at := slices.IndexFunc(s.plugin.Transforms, func(c connect.TransformClass) bool { return c.Spec.Class == of.GetClass() })
		if at < 0 {
			return s.missing("transform", of.GetClass())
		}
		p.transform, err = s.plugin.Transforms[at].New(of.GetConfig())
		return err
	})
	return p, err
}

func (p part) close() {
	if p.predicate != nil {
		p.predicate.Close()
		return
	}
	p.transform.Close()
}

// answer applies the part to one record.
func (p part) answer(q *contract.Apply, receiver *wire.Receiver, sender *wire.Sender) (*contract.FromTransform, error) {
	if err := receiver.Learn(q.GetForget(), q.GetSchemas()); err != nil {
		return nil, err
	}
	var r connect.SinkRecord
	if err := receiver.Record(q.GetRecord(), &r.Record); err != nil {
		return nil, err
	}
	if p.predicate != nil {
		answer := &contract.FromTransform{}
		err := guard("Test", func() (err error) {
			answer.Holds, err = p.predicate.Test(&r.Record)
			return err
		})
		return answer, err
	}
	var keep bool
	err := guard("Apply", func() (err error) {
		ofSink, wantsMore := p.transform.(connect.SinkTransform)
		if q.Offset != nil && wantsMore {
			r.Offset, r.TimestampType = q.GetOffset(), connect.TimestampType(q.GetTimestampType())
			r.Consumed = connect.TopicPartition{Topic: r.Topic, Partition: r.Partition}
			keep, err = ofSink.ApplySink(&r)
			return err
		}
		keep, err = p.transform.Apply(&r.Record)
		return err
	})
	if err != nil || !keep {
		return &contract.FromTransform{}, err
	}
	out, schemas, err := sender.Record(&r.Record)
	if err != nil {
		return nil, fmt.Errorf("the record that the transform made cannot be sent to the worker: %w", err)
	}
	return &contract.FromTransform{Record: out, Forget: schemas.Forget, Schemas: schemas.New}, nil
}
