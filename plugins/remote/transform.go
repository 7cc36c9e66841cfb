package remote

import (
	"context"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/transforms"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

type transformDialogue = dialogue[contract.ToTransform, contract.FromTransform, *contract.FromTransform]

// newTransformDialogue opens a transform or a predicate.
func (c *class) newTransformDialogue(cfg connect.Config) (*transformDialogue, error) {
	d := &transformDialogue{
		class: c, config: cfg,
		first: &contract.ToTransform{Message: &contract.ToTransform_Open{Open: &contract.OpenPart{Of: c.with(cfg)}}},
		dial: func(p contract.PluginClient, ctx context.Context) (grpc.BidiStreamingClient[contract.ToTransform, contract.FromTransform], error) {
			return p.Transform(ctx)
		},
	}
	return d, d.open()
}

// transform is the definition of a class of transforms.
func (c *class) transform() transforms.Definition {
	return transforms.Definition{Spec: c.spec, New: func(cfg connect.Config) (connect.Transform, error) {
		d, err := c.newTransformDialogue(cfg)
		if err != nil {
			return nil, err
		}
		return transform{d}, nil
	}}
}

// predicate is the definition of a class of predicates.
func (c *class) predicate() transforms.PredicateDefinition {
	return transforms.PredicateDefinition{Spec: c.spec, New: func(cfg connect.Config) (connect.Predicate, error) {
		d, err := c.newTransformDialogue(cfg)
		if err != nil {
			return nil, err
		}
		return predicate{d}, nil
	}}
}

// transform is one transform in a plugin's process.
type transform struct{ *transformDialogue }

// Apply implements connect.Transform.
func (t transform) Apply(r *connect.Record) (keep bool, err error) {
	return t.apply(r, nil)
}

// ApplySink implements connect.SinkTransform.
func (t transform) ApplySink(r *connect.SinkRecord) (keep bool, err error) {
	return t.apply(&r.Record, r)
}

// apply has the plugin change a record, which stays as it is until the answer is understood. of is the whole of a sink's.
func (t transform) apply(r *connect.Record, of *connect.SinkRecord) (keep bool, err error) {
	answer, err := t.ask(func(s *wire.Sender) (*contract.ToTransform, error) { return application(s, r, of) })
	if err != nil {
		return false, err
	}
	if err := t.receiver.Learn(answer.GetForget(), answer.GetSchemas()); err != nil {
		t.Close()
		return false, t.broke("%v", err)
	}
	if answer.GetRecord() == nil {
		return false, nil
	}
	var changed connect.Record
	if err := t.receiver.Record(answer.GetRecord(), &changed); err != nil {
		t.Close()
		return false, t.broke("%v", err)
	}
	*r = changed
	return true, nil
}

// predicate is one predicate in a plugin's process.
type predicate struct{ *transformDialogue }

// Test implements connect.Predicate.
func (p predicate) Test(r *connect.Record) (bool, error) {
	answer, err := p.ask(func(s *wire.Sender) (*contract.ToTransform, error) { return application(s, r, nil) })
	return answer.GetHolds(), err
}

// application is the question about a record.
func application(s *wire.Sender, r *connect.Record, of *connect.SinkRecord) (*contract.ToTransform, error) {
	record, schemas, err := s.Record(r)
	if err != nil {
		return nil, err
	}
	q := &contract.Apply{Forget: schemas.Forget, Schemas: schemas.New, Record: record}
	if of != nil {
		q.Offset, q.TimestampType = &of.Offset, contract.SinkRecord_TimestampType(of.TimestampType)
	}
	return &contract.ToTransform{Message: &contract.ToTransform_Apply{Apply: q}}, nil
}
