package worker

import "github.com/sluice-connect/sluice/connect"

// Transform changes a record in place, source or sink (org.apache.kafka.connect.transforms.Transformation). keep=false drops it on
// purpose.
type Transform interface {
	Apply(r *connect.Record) (keep bool, err error)
	Close()
}

// chain is a connector's transforms in order.
type chain []Transform

func (c chain) apply(r *connect.Record) (keep bool, err error) {
	for _, t := range c {
		if keep, err := t.Apply(r); err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}

func (c chain) close() {
	for _, t := range c {
		t.Close()
	}
}
