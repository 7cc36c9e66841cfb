// Package herder is the deciding mind of a worker: it knows which connectors and tasks there are, which of them are to run here, and answers
// the REST API. One goroutine owns what it decides with; it never waits for Kafka, a plugin or a client. Requests that write go through a second
// goroutine, one at a time, so that what a request finds is still so when it writes.
package herder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// Options are the parts that a herder is made of.
type Options struct {
	WorkerID   string // host:port, in every status
	Version    string
	Commit     string
	Catalog    *catalog.Catalog
	Validator  *validation.Validator
	Providers  *configproviders.Providers // of what connectors' configurations refer to; nil for none
	Offsets    *worker.OffsetStores
	Statuses   *stores.StatusStore
	Membership Membership
	// Employ makes what runs the connectors and tasks; a [worker.Worker].
	Employ func(worker.StatusSink, worker.Plan, worker.Fencing) Worker
	Groups Groups // of sinks
	// Zombies fences tasks of exactly-once sources.
	Zombies Zombies
	Topics  TopicPolicy // which topics a connector uses
	Peers   Peers       // nil for a worker without others
	Keys    KeyPolicy   // of a worker with others
	// OpenConfigs makes the config store with the herder as its listener.
	OpenConfigs func(listen func(stores.ConfigEvent)) *stores.ConfigStore
	// ClusterID asks Kafka for its id; nil where there is no Kafka to ask.
	ClusterID func(ctx context.Context) (string, error)
	// Logs changes what is logged under a name, as a user has asked of all workers; the level may be none. Nil changes nothing.
	Logs func(namespace, level string)
	Log  *slog.Logger
}

// Worker is what the herder asks of a [worker.Worker].
type Worker interface {
	Apply(a worker.Assignment)
	Released(ctx context.Context) error
	RestartConnector(name string) bool
	RestartTask(id stores.TaskID) bool
	Close(ctx context.Context)
}

// Herder is the mind of one worker. Its methods are safe for concurrent use.
type Herder struct {
	Options
	configs   *stores.ConfigStore
	worker    Worker
	mind      *mind
	scribe    *scribe
	keys      *keysmith
	stage     stage
	words     ownWords
	fencings  rounds
	divisions divisions
	consulted busy          // connectors whose plugins are being asked about offsets
	ready     chan struct{} // closed when the stores are read and the first assignment is applied
	failed    chan error    // capacity 1: why the membership has ended by itself
	retired   chan struct{} // closed by Retire
	retire    sync.Once

	background sync.WaitGroup // ends with ended
	end        context.CancelFunc
	ended      context.Context
	leave      func() // gives up the membership and waits for that
}

// New returns a herder that has not started.
func New(o Options) *Herder {
	h := &Herder{Options: o, ready: make(chan struct{}), failed: make(chan error, 1), retired: make(chan struct{}), leave: func() {}}
	h.ended, h.end = context.WithCancel(context.Background())
	h.mind = newMind(h)
	h.scribe = newScribe()
	h.keys = &keysmith{
		policy: o.Keys, standing: o.Membership.Standing, nudged: make(chan struct{}, 1),
		known: func() *stores.SessionKey { return h.configs.Snapshot().SessionKey() },
		write: func(ctx context.Context, key stores.SessionKey) error {
			return h.lead(ctx, func(ctx context.Context) error { return h.configs.PutSessionKey(ctx, key) })
		},
		failed: func(err error) { o.Log.Error("the session key could not be written, trying again", "error", err) },
	}
	h.configs = o.OpenConfigs(h.heard)
	h.worker = o.Employ(reporter{h}, h.planned, fencing{h})
	h.stage.enter("awaiting startup")
	return h
}

// Start reads the stores to their ends (offsets, statuses, configurations, in this order, as DistributedHerder does), joins the cluster and starts
// what is this worker's. Requests wait meanwhile. An error means that the herder will not run: a topic with the wrong settings, a refused login.
func (h *Herder) Start(ctx context.Context) error {
	h.stage.enter("initializing and reading to the end of internal topics")
	for _, start := range []func(context.Context) error{h.Offsets.Start, h.Statuses.Start, h.configs.Start} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	h.background.Go(func() { h.mind.run(h.ended) })
	h.background.Go(func() { h.scribe.run(h.ended) })
	h.background.Go(func() { h.keys.run(h.ended) })
	h.stage.enter("ensuring membership in the cluster")
	h.join()
	select {
	case <-h.mind.settled:
	case err := <-h.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	h.stage.complete()
	close(h.ready)
	return nil
}

// SetLoggerLevel has every worker of the cluster, this one too, log a namespace at a level.
func (h *Herder) SetLoggerLevel(ctx context.Context, namespace, level string) error {
	if err := h.await(ctx); err != nil {
		return err
	}
	return h.inscribe(ctx, func(ctx context.Context) error { return h.configs.PutLoggerLevel(ctx, namespace, level) })
}

// join begins the membership.
func (h *Herder) join() {
	member, leave := context.WithCancel(context.Background())
	left := make(chan struct{})
	h.leave = func() { leave(); <-left }
	go func() {
		defer close(left)
		if err := h.Membership.Run(member, h.mind); err != nil {
			h.failed <- err
		}
	}()
}

// Failed tells why this worker cannot be a member of its cluster any more. Nothing will mend it but a restart with other settings.
func (h *Herder) Failed() <-chan error { return h.failed }

// Retire refuses the requests that wait for something, now and from now on, so that nobody has to wait for them. It comes before Close.
func (h *Herder) Retire() {
	h.retire.Do(func() {
		h.stage.enter("shutting down")
		close(h.retired)
	})
}

// Close ends the connectors and tasks, stores their last offsets and statuses, and closes the stores. It takes as long as
// task.shutdown.graceful.timeout.ms allows, or until ctx ends.
func (h *Herder) Close(ctx context.Context) {
	h.Retire()
	began := time.Now()
	h.worker.Close(ctx)
	h.Log.Info("connectors and tasks have ended", "took", time.Since(began).String())
	if err := h.Statuses.Flush(ctx); err != nil {
		h.Log.Warn("the last statuses could not be written", "error", err)
	}
	h.leave() // not before, so that nobody begins what has not ended here
	h.end()
	h.background.Wait()
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
// goroutine, and ctx ends with the connector's life. A connector that is stopped meanwhile divides its work anew when it is resumed.
func (h *Herder) planned(ctx context.Context, connector string, tasks []connect.Config) {
	began := time.Now()
	for pause := rewriteFirst; ; pause = min(2*pause, rewriteAtMost) {
		standing, err := h.leading(ctx)
		if err != nil || h.stopping(connector) {
			return
		}
		attempt, cancel := context.WithTimeout(ctx, unattendedLimit)
		err = h.submit(attempt, standing, connector, tasks)
		cancel()
		if err == nil || ctx.Err() != nil || h.stopping(connector) {
			return
		}
		level := slog.LevelError
		if forged := new(ForgedError); errors.As(err, &forged) && time.Since(began) < rekeyed {
			level = slog.LevelDebug
		}
		h.Log.Log(ctx, level, "task configurations could not be written, trying again", "connector", connector, "error", err, "next", pause.String())
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// stopping reports whether a connector is to have no tasks.
func (h *Herder) stopping(connector string) bool {
	target, there := h.configs.Snapshot().Target(connector)
	return there && target == stores.Stopped
}

// The steps of DistributedHerder's back-off for task configurations.
const (
	rewriteFirst    = 250 * time.Millisecond
	rewriteAtMost   = time.Minute
	unattendedLimit = time.Minute
)

// rekeyed is how long a signature that the leader does not take is put down to the session key, which one of the two has not read yet
// (DistributedHerder.isPossibleExpiredKeyException).
const rekeyed = time.Minute

// submit writes tasks, or hands them to who may.
func (h *Herder) submit(ctx context.Context, standing Standing, connector string, tasks []connect.Config) error {
	switch {
	case standing.Leads:
		return h.putTasks(ctx, connector, tasks)
	case !h.configs.Snapshot().TasksChanged(connector, tasks):
		return nil
	case standing.LeaderURL == "":
		return &NotLeaderError{}
	}
	return h.Peers.SubmitTasks(ctx, standing.LeaderURL, connector, tasks, h.sign)
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
	case <-h.retired:
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

// write runs a request that writes as the leader, if this worker is that.
func (h *Herder) write(ctx context.Context, do func(ctx context.Context) error) error {
	standing, err := h.leading(ctx)
	if err != nil {
		return err
	}
	if !standing.Leads {
		return &NotLeaderError{URL: standing.LeaderURL}
	}
	return h.lead(ctx, do)
}

// inscribe runs a request on the scribe's goroutine.
func (h *Herder) inscribe(ctx context.Context, do func(ctx context.Context) error) error {
	err := h.scribe.now(ctx, do)
	if err != nil && ctx.Err() != nil {
		return h.late(ctx)
	}
	return err
}

// settled waits until the herder is ready and no round of the group is under way.
func (h *Herder) settled(ctx context.Context) (Standing, error) {
	return h.standing(ctx, func(s Standing) bool { return s.Settled == nil })
}

// leading waits until it is known who leads. A leader stays one through the rounds of its group, as long as it has its lease, so that it need not
// wait for their ends: hundreds of connectors are created in a few rounds.
func (h *Herder) leading(ctx context.Context) (Standing, error) {
	return h.standing(ctx, func(s Standing) bool { return s.Leads || s.Settled == nil })
}

// standing waits until the herder is ready and its standing is such as is wanted; each round's end is another chance.
func (h *Herder) standing(ctx context.Context, wanted func(Standing) bool) (Standing, error) {
	if err := h.await(ctx); err != nil {
		return Standing{}, err
	}
	for {
		standing := h.Membership.Standing()
		if wanted(standing) {
			return standing, nil
		}
		select {
		case <-standing.Settled:
		case <-h.retired:
			return Standing{}, &StageError{Stage: "Worker is shutting down"}
		case <-ctx.Done():
			return Standing{}, h.late(ctx)
		}
	}
}

func unknownConnector(format, name string) error {
	return &NotFoundError{Message: fmt.Sprintf(format, name)}
}
