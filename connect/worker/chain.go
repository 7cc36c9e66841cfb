package worker

import (
	"context"

	"github.com/sluice-connect/sluice/connect"
)

// chain is a connector's transforms in order (org.apache.kafka.connect.runtime.TransformationChain).
type chain []link

// link is one transform and the condition under which it applies.
type link struct {
	class     string // of the transform
	transform connect.Transform
	sink      connect.SinkTransform // the transform, where it wants the whole of a sink's record
	predicate connect.Predicate     // nil for always
	negate    bool
}

// newLink joins a transform, known by its class, and its condition.
func newLink(class string, t connect.Transform, p connect.Predicate, negate bool) link {
	l := link{class: class, transform: t, predicate: p, negate: negate}
	l.sink, _ = t.(connect.SinkTransform)
	return l
}

// meets reports whether the transform applies to a record.
func (l *link) meets(r *connect.Record) (bool, error) {
	if l.predicate == nil {
		return true, nil
	}
	met, err := l.predicate.Test(r)
	return met != l.negate, err
}

// apply is one operation to Kafka Connect, condition and transform together (org.apache.kafka.connect.runtime.TransformationStage).
func (l *link) apply(r *connect.Record) (keep bool, err error) {
	if meets, err := l.meets(r); err != nil || !meets {
		return err == nil, err
	}
	return l.transform.Apply(r)
}

// applySink is apply for the whole of a sink's record.
func (l *link) applySink(r *connect.SinkRecord) (keep bool, err error) {
	if l.sink == nil {
		return l.apply(&r.Record)
	}
	if meets, err := l.meets(&r.Record); err != nil || !meets {
		return err == nil, err
	}
	return l.sink.ApplySink(r)
}

// apply sends a source's record through the chain. Only the link that fails is repeated: those before it have seen the record.
func (c chain) apply(ctx context.Context, r *connect.Record, again *retries) (keep bool, failed *fault) {
	for i := range c {
		l := &c[i]
		keep, err := l.apply(r)
		if err != nil {
			err = again.repeat(ctx, err, func() (err error) { keep, err = l.apply(r); return err })
		}
		if err != nil {
			return false, &fault{stage: stageTransform, class: l.class, cause: err}
		}
		if !keep {
			return false, nil
		}
	}
	return true, nil
}

// applySink sends a sink's record through the chain.
func (c chain) applySink(ctx context.Context, r *connect.SinkRecord, again *retries) (keep bool, failed *fault) {
	for i := range c {
		l := &c[i]
		keep, err := l.applySink(r)
		if err != nil {
			err = again.repeat(ctx, err, func() (err error) { keep, err = l.applySink(r); return err })
		}
		if err != nil {
			return false, &fault{stage: stageTransform, class: l.class, cause: err}
		}
		if !keep {
			return false, nil
		}
	}
	return true, nil
}

func (c chain) close() {
	for i := range c {
		c[i].transform.Close()
		if p := c[i].predicate; p != nil {
			p.Close()
		}
	}
}
