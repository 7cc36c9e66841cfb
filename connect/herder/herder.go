// Package herder is the deciding mind of a worker: it knows which connectors and tasks there are, which of them are to run here, and answers
// the REST API. One goroutine owns what it decides with; it never waits for Kafka, a plugin or a client. Requests that write go through a second
// goroutine, one at a time, so that what a request finds is still so when it writes.
package herder

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// Membership says what of the cluster's work is this worker's.
type Membership interface {
	// Share picks this worker's connectors and tasks out of a configuration.
	Share(state *stores.ConfigState) (connectors []string, tasks []stores.TaskID)
	// Leader is the URL of the worker that writes the configuration; self is true for this one.
	Leader() (url string, self bool)
	// Generation numbers the assignments, for statuses.
	Generation() int
}

// Options are the parts that a herder is made of.
type Options struct {
	WorkerID   string // host:port, in every status
	Version    string
	Commit     string
	Settings   *worker.Settings
	Catalog    *catalog.Catalog
	Validator  *validation.Validator
	Offsets    stores.OffsetStore
	Statuses   *stores.StatusStore
	Membership Membership
	// OpenConfigs makes the config store with the herder as its listener.
	OpenConfigs func(listen func(stores.ConfigEvent)) *stores.ConfigStore
	// ClusterID asks Kafka for its id; nil where there is no Kafka to ask.
	ClusterID func(ctx context.Context) (string, error)
	Log       *slog.Logger
}

// Herder is the mind of one worker. Its methods are safe for concurrent use.
type Herder struct {
	Options
	configs *stores.ConfigStore
	worker  *worker.Worker
	mind    *mind
	scribe  *scribe
	stage   stage
	words   ownWords
	ready   chan struct{} // closed when the stores are read and the first assignment is applied

	background sync.WaitGroup
	end        context.CancelFunc
	ended      context.Context
}

// New returns a herder that has not started.
func New(o Options) *Herder {
	h := &Herder{Options: o, ready: make(chan struct{})}
	h.ended, h.end = context.WithCancel(context.Background())
	h.mind = newMind(h)
	h.scribe = newScribe()
	h.configs = o.OpenConfigs(h.heard)
	h.worker = worker.New(o.Settings, o.Catalog, o.Offsets, reporter{h}, h.planned, o.Log)
	h.stage.enter("awaiting startup")
	return h
}

// Worker is what runs the connectors and tasks.
func (h *Herder) Worker() *worker.Worker { return h.worker }

// Start reads the stores to their ends (offsets, statuses, configurations, in this order, as DistributedHerder does) and starts what is this worker's.
// Requests wait meanwhile. An error means that the herder will not run: a topic with the wrong settings, a refused login.
func (h *Herder) Start(ctx context.Context) error {
	h.stage.enter("initializing and reading to the end of internal topics")
	for _, start := range []func(context.Context) error{h.Offsets.Start, h.Statuses.Start, h.configs.Start} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	h.sweep(h.configs.Snapshot())
	h.background.Go(func() { h.mind.run(h.ended) })
	h.background.Go(func() { h.scribe.run(h.ended) })
	select {
	case <-h.mind.applied:
	case <-ctx.Done():
		return ctx.Err()
	}
	h.stage.enter("ensuring membership in the cluster")
	close(h.ready)
	return nil
}

// Close ends the connectors and tasks, stores their last offsets and statuses, and closes the stores. It takes as long as
// task.shutdown.graceful.timeout.ms allows, or until ctx ends.
func (h *Herder) Close(ctx context.Context) {
	h.stage.enter("shutting down")
	h.worker.Close(ctx)
	h.end()
	h.background.Wait()
	if err := h.Statuses.Flush(ctx); err != nil {
		h.Log.Warn("the last statuses could not be written", "error", err)
	}
	for name, closeStore := range map[string]func(context.Context) error{
		"config": h.configs.Close, "status": h.Statuses.Close, "offset": h.Offsets.Close,
	} {
		if err := closeStore(ctx); err != nil {
			h.Log.Warn("closing a store failed", "store", name, "error", err)
		}
	}
}

// heard takes news from the config topic; it runs on the store's goroutine.
func (h *Herder) heard(e stores.ConfigEvent) { h.mind.tell(e) }

// planned takes the tasks into which a connector divides its work and has them written, for as long as it takes; it runs on the connector's
// goroutine, and ctx ends with the connector's life.
func (h *Herder) planned(ctx context.Context, connector string, tasks []connect.Config) {
	h.scribe.until(ctx, func(ctx context.Context) error {
		if err := h.configs.Refresh(ctx); err != nil { // a stop may just have been written
			return err
		}
		state := h.configs.Snapshot()
		if target, ok := state.Target(connector); !ok || target == stores.Stopped || !state.TasksChanged(connector, tasks) {
			return nil
		}
		return h.configs.PutTaskConfigs(ctx, connector, tasks)
	}, func(err error, next time.Duration) {
		h.Log.Error("task configurations could not be written, trying again", "connector", connector, "error", err, "next", next.String())
	})
}

// await waits until the herder is ready.
func (h *Herder) await(ctx context.Context) error {
	select {
	case <-h.ready:
		return nil
	default:
	}
	select {
	case <-h.ready:
		return nil
	case <-h.ended.Done():
		return &StageError{Stage: "Worker is shutting down"}
	case <-ctx.Done():
		return h.late(ctx)
	}
}

// late is the answer to a request that has waited too long.
func (h *Herder) late(ctx context.Context) error {
	if ctx.Err() == context.Canceled {
		return ctx.Err()
	}
	return &StageError{Stage: "Request timed out. " + h.stage.summary()}
}

// write runs a request on the scribe's goroutine.
func (h *Herder) write(ctx context.Context, do func(ctx context.Context) error) error {
	if err := h.await(ctx); err != nil {
		return err
	}
	if url, self := h.Membership.Leader(); !self {
		return &NotLeaderError{URL: url}
	}
	err := h.scribe.now(ctx, do)
	if err != nil && ctx.Err() != nil {
		return h.late(ctx)
	}
	return err
}

func unknownConnector(format, name string) error {
	return &NotFoundError{Message: fmt.Sprintf(format, name)}
}
