package herder

import (
	"context"
	"slices"
	"sync"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// divisions are the tasks that connectors have divided their work into, on their way to the config topic. Those that come while others are being
// written are written together, so that hundreds of connectors start in a few round trips to Kafka. It is safe for concurrent use.
type divisions struct {
	mu      sync.Mutex
	waiting []*division
}

// division is the tasks of one connector.
type division struct {
	stores.ConnectorTasks
	alone   bool // it has been in a batch that failed: not again with others, whose fault that may be
	settled bool // err is what became of it; for the scribe's goroutine, and for the caller after its job
	err     error
}

// putTasks writes tasks where that changes anything. Tasks of a stopped connector are refused: they would run. It is for the leader.
func (h *Herder) putTasks(ctx context.Context, name string, tasks []connect.Config) error {
	own := &division{ConnectorTasks: stores.ConnectorTasks{Connector: name, Tasks: tasks}}
	h.divisions.add(own)
	defer h.divisions.remove(own)
	return h.lead(ctx, func(ctx context.Context) error {
		if ctx.Err() != nil { // nobody waits any more
			return context.Cause(ctx)
		}
		if !own.settled {
			h.settleDivisions(ctx, own)
		}
		return own.err
	})
}

// settleDivisions writes a division and what waits beside it. It is for the scribe's goroutine.
func (h *Herder) settleDivisions(ctx context.Context, own *division) {
	batch := h.divisions.take(own)
	if err := h.configs.Refresh(ctx); err != nil { // a stop may just have been written
		h.divisions.giveBack(batch[1:])
		own.settle(err)
		return
	}
	state := h.configs.Snapshot()
	var changed []*division
	var writes []stores.ConnectorTasks
	for _, d := range batch {
		switch target, there := state.Target(d.Connector); {
		case there && target == stores.Stopped && len(d.Tasks) > 0:
			d.settle(invalid("Cannot submit non-empty set of task configs for stopped connector %s", d.Connector))
		case !there || !state.TasksChanged(d.Connector, d.Tasks):
			d.settle(nil)
		default:
			changed, writes = append(changed, d), append(writes, d.ConnectorTasks)
		}
	}
	if len(changed) == 0 {
		return
	}
	err := h.configs.PutTasksOfAll(ctx, writes)
	for _, d := range changed {
		if err == nil || d == own {
			d.settle(err)
		} else {
			h.divisions.giveBack([]*division{d})
		}
	}
}

func (d *division) settle(err error) { d.settled, d.err = true, err }

func (q *divisions) add(d *division) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, d)
}

func (q *divisions) remove(d *division) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(w *division) bool { return w == d })
}

// take removes a division and those that may be written with it: one a connector, its first.
func (q *divisions) take(own *division) (batch []*division) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch = []*division{own}
	taken := map[string]bool{own.Connector: true}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *division) bool {
		if w == own {
			return true
		}
		if own.alone || w.alone || taken[w.Connector] {
			return false
		}
		taken[w.Connector] = true
		batch = append(batch, w)
		return true
	})
	return batch
}

// giveBack leaves divisions to their own callers.
func (q *divisions) giveBack(batch []*division) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range batch {
		d.alone = true
		q.waiting = append(q.waiting, d)
	}
}
