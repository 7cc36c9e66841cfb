package herder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// Zombies fences tasks that may write although they were ended; a [worker.Zombies].
type Zombies interface {
	// Fence returns when the producers of a connector's first n tasks cannot write any more.
	Fence(ctx context.Context, connector string, config connect.Config, n int) error
}

// SupersededError says that a connector has other tasks than those that a request was about.
type SupersededError struct{ Message string }

func (e *SupersededError) Error() string { return e.Message }

// rounds are the fencing rounds under way, one a connector. The zero value has none. It is safe for concurrent use.
type rounds struct {
	mu       sync.Mutex
	underWay map[string]chan struct{}
}

// enter waits for the connector's turn, which ends with leave.
func (r *rounds) enter(ctx context.Context, connector string) (leave func(), err error) {
	for {
		r.mu.Lock()
		other, busy := r.underWay[connector]
		if !busy {
			over := make(chan struct{})
			if r.underWay == nil {
				r.underWay = map[string]chan struct{}{}
			}
			r.underWay[connector] = over
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.underWay, connector)
				r.mu.Unlock()
				close(over)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// FenceZombies makes sure that no producer of an earlier generation of a source's tasks can write, before those of the newest begin
// (DistributedHerder.fenceZombieSourceTasks). It is for the leader. One that was asked for the same connector before is waited for: after it there
// is nothing left to do.
func (h *Herder) FenceZombies(ctx context.Context, name string) error {
	standing, err := h.leading(ctx)
	if err != nil {
		return err
	}
	if !standing.Leads {
		return &NotLeaderError{URL: standing.LeaderURL}
	}
	leave, err := h.fencings.enter(ctx, name)
	if err != nil {
		return h.late(ctx)
	}
	defer leave()
	if err := h.configs.Refresh(ctx); err != nil {
		return fmt.Errorf("reading to the end of the config topic before fencing zombies: %w", err)
	}
	state := h.configs.Snapshot()
	if err := h.fencible(state, name); err != nil {
		return err
	}
	if !state.PendingFencing(name) {
		return nil
	}
	recorded, known := state.TaskCountRecord(name)
	// A single task's new producer fences the old one by itself.
	if known && !(recorded == 1 && state.TaskCount(name) == 1) {
		config, err := h.Providers.Resolve(ctx, state.Connector(name))
		if err != nil {
			return fmt.Errorf("reading the configuration of connector %s: %w", name, err)
		}
		if err := h.Zombies.Fence(ctx, name, config.Config, recorded); err != nil {
			return config.Secrets.Error(err)
		}
	}
	return h.lead(ctx, func(ctx context.Context) error {
		if err := h.configs.Refresh(ctx); err != nil {
			return err
		}
		if h.configs.Snapshot().Generation(name) != state.Generation(name) {
			return &SupersededError{Message: "Fencing failed because new task configurations were generated for the connector"}
		}
		return h.configs.PutTaskCount(ctx, name, state.TaskCount(name))
	})
}

func (h *Herder) fencible(state *stores.ConfigState, name string) error {
	if !state.Contains(name) {
		return unknownConnector("Connector %s not found", name)
	}
	class, err := validation.ClassOf(h.Catalog, state.Connector(name))
	if err == nil && class.Type != catalog.Source {
		return &InvalidError{Message: fmt.Sprintf("Connector %s is not a source connector", name)}
	}
	return nil // the class may be one that another worker has
}

// fencing is what the worker's tasks ask.
type fencing struct{ *Herder }

// Fence implements [worker.Fencing].
func (f fencing) Fence(ctx context.Context, connector string) error {
	standing, err := f.leading(ctx)
	if err != nil {
		return connect.Retry(err, 0)
	}
	attempt, cancel := context.WithTimeout(ctx, unattendedLimit)
	defer cancel()
	switch {
	case standing.Leads:
		err = f.FenceZombies(attempt, connector)
	case standing.LeaderURL == "":
		err = &NotLeaderError{}
	default:
		err = f.Peers.FenceZombies(attempt, standing.LeaderURL, connector, f.sign)
	}
	if err == nil || kafkaclient.Classify(err) == kafkaclient.Denied {
		return err
	}
	return connect.Retry(fmt.Errorf("zombies could not be fenced: %w", err), 0)
}

// Current implements [worker.Fencing].
func (f fencing) Current(ctx context.Context, id stores.TaskID, generation int) error {
	attempt, cancel := context.WithTimeout(ctx, unattendedLimit)
	defer cancel()
	if err := f.configs.Refresh(attempt); err != nil {
		return connect.Retry(fmt.Errorf("reading the config topic to its end: %w", err), 0)
	}
	current := false
	err := f.mind.Do(attempt, func() {
		state := f.configs.Snapshot()
		_, tasks := f.Membership.Share(state)
		current = state.Generation(id.Connector) == generation && slices.Contains(tasks, id)
	})
	switch {
	case err != nil:
		return connect.Retry(err, 0)
	case !current:
		return worker.ErrSuperseded
	}
	return nil
}

// lead runs a request that writes as the leader, on the scribe's goroutine. A leader that has lost its claim, to another one or by a failed write,
// claims again: it is asked for here only while it leads.
func (h *Herder) lead(ctx context.Context, do func(ctx context.Context) error) error {
	err := h.inscribe(ctx, func(ctx context.Context) error {
		if err := h.configs.Claim(ctx); err != nil {
			return err
		}
		return do(ctx)
	})
	if errors.Is(err, stores.ErrUnclaimed) {
		return fmt.Errorf("Failed to write to config topic; this may be due to a transient error and the request can be safely retried: %w", err)
	}
	return err
}

// claim makes this worker, which leads since a moment, the only one that can write as the leader.
func (h *Herder) claim() {
	h.background.Go(func() {
		ctx, cancel := context.WithTimeout(h.ended, unattendedLimit)
		defer cancel()
		err := h.lead(ctx, func(context.Context) error { return nil })
		if err != nil && h.ended.Err() == nil {
			h.Log.Warn("the config topic could not be claimed: the next write tries again", "error", err)
		}
	})
}
