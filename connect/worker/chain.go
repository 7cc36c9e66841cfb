package worker

import "github.com/sluice-connect/sluice/connect"

// chain is a connector's transforms in order (org.apache.kafka.connect.runtime.TransformationChain).
type chain []link

// link is one transform and the condition under which it applies.
type link struct {
	transform connect.Transform
	sink      connect.SinkTransform // the transform, where it wants the whole of a sink's record
	predicate connect.Predicate     // nil for always
	negate    bool
}

// newLink joins a transform and its condition.
func newLink(t connect.Transform, p connect.Predicate, negate bool) link {
	l := link{transform: t, predicate: p, negate: negate}
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

// apply sends a source's record through the chain.
func (c chain) apply(r *connect.Record) (keep bool, err error) {
	for i := range c {
		l := &c[i]
		if meets, err := l.meets(r); err != nil {
			return false, err
		} else if !meets {
			continue
		}
		if keep, err := l.transform.Apply(r); err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}

// applySink sends a sink's record through the chain.
func (c chain) applySink(r *connect.SinkRecord) (keep bool, err error) {
	for i := range c {
		l := &c[i]
		if meets, err := l.meets(&r.Record); err != nil {
			return false, err
		} else if !meets {
			continue
		}
		if l.sink != nil {
			keep, err = l.sink.ApplySink(r)
		} else {
			keep, err = l.transform.Apply(&r.Record)
		}
		if err != nil || !keep {
			return false, err
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
