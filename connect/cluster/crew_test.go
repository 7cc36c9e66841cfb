package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// counted is a source whose number of tasks its configuration says.
type counted struct{}

func (counted) Spec() connect.Spec { return connect.NewSpec("test.Counted", "1") }

func (counted) Open(context.Context, connect.SourceContext) (connect.SourceTask, error) {
	return nil, fmt.Errorf("nothing runs in this test")
}

// crew is a cluster of herders in one process, in virtual time.
type crew struct {
	t        *testing.T
	random   *rand.Rand
	protocol assignment.Protocol
	maxDelay time.Duration
	at       *coordinator
	configs  stores.MemoryTopic
	statuses stores.MemoryTopic

	mu    sync.Mutex
	nodes map[string]*node
	count int

	dice sync.Mutex // of random
}

func (c *crew) roll(n int) int {
	c.dice.Lock()
	defer c.dice.Unlock()
	return c.random.IntN(n)
}

// node is one worker process.
type node struct {
	crew   *crew
	url    string
	herder *herder.Herder
	gate   *kafkaclient.Gate
	link   *link
	dead   chan struct{}
	plan   worker.Plan
	status worker.StatusSink

	mu      sync.Mutex
	running map[stores.TaskID]int64 // revision
	ending  map[stores.TaskID]chan struct{}
	heads   map[string]int64
	life    context.Context
	end     context.CancelFunc
}

func (c *crew) add() *node {
	c.count++
	n := &node{
		crew: c, url: fmt.Sprintf("http://w%d:8083/", c.count), gate: new(kafkaclient.Gate), link: new(link), dead: make(chan struct{}),
		running: map[stores.TaskID]int64{}, ending: map[stores.TaskID]chan struct{}{}, heads: map[string]int64{},
	}
	n.life, n.end = context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	classes, err := catalog.New([]connect.SourceConnector{counted{}}, nil)
	require.NoError(c.t, err)
	properties := map[string]string{"bootstrap.servers": "nowhere:1", "key.converter": "StringConverter", "value.converter": "StringConverter"}
	n.herder = herder.New(herder.Options{
		WorkerID: n.url, Catalog: classes, Log: log, Statuses: c.statuses.StatusStore(log), Peers: c, Keys: herder.KeyPolicy{
			KeyAlgorithm: "HmacSHA256", SignAlgorithm: "HmacSHA256", VerifyAlgorithm: []string{"HmacSHA256"}, LifetimeMillis: 3600000,
		},
		Validator: &validation.Validator{Catalog: classes, Worker: properties, OverridePolicy: "All"},
		Offsets:   worker.SharedOffsets(stores.NewFileOffsetStore(c.t.TempDir()+"/offsets", log)),
		OpenConfigs: func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
			return c.configs.ConfigStore(log, listen)
		},
		Employ: func(s worker.StatusSink, p worker.Plan, _ worker.Fencing) herder.Worker {
			n.status, n.plan = s, p
			return n
		},
		Membership: New(Options{
			URL: n.url, Protocol: c.protocol, Session: c.at.session, MaxDelay: c.maxDelay, Sync: 3 * time.Second, Unsync: 5 * time.Second,
			Release: 5 * time.Second, Gate: n.gate, Log: log,
			Join: func(h group.Handler) Member {
				return &member{at: c.at, link: n.link, handler: h, dead: n.dead, again: make(chan struct{}, 1)}
			},
		}),
	})
	c.mu.Lock()
	c.nodes[n.url] = n
	c.mu.Unlock()
	require.NoError(c.t, n.herder.Start(context.Background()))
	return n
}

// kill ends a node without a word.
func (c *crew) kill(n *node) {
	close(n.dead)
	c.forget(n)
	n.herder.Close(context.Background())
	n.end()
}

// stop shuts a node down.
func (c *crew) stop(n *node) {
	n.herder.Close(context.Background())
	c.forget(n)
	n.end()
}

func (c *crew) forget(n *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.nodes, n.url)
}

func (c *crew) any() *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.roll(len(c.nodes))
	for _, n := range c.nodes {
		if at == 0 {
			return n
		}
		at--
	}
	return nil
}

// SubmitTasks implements herder.Peers.
func (c *crew) SubmitTasks(ctx context.Context, url, connector string, tasks []connect.Config, _ func([]byte) (*herder.Signature, error)) error {
	c.mu.Lock()
	leader := c.nodes[url]
	c.mu.Unlock()
	if leader == nil {
		return fmt.Errorf("nobody at %s", url)
	}
	return leader.herder.PutTasks(ctx, connector, tasks)
}

// FenceZombies implements herder.Peers.
func (c *crew) FenceZombies(ctx context.Context, url, connector string, _ func([]byte) (*herder.Signature, error)) error {
	c.mu.Lock()
	leader := c.nodes[url]
	c.mu.Unlock()
	if leader == nil {
		return fmt.Errorf("nobody at %s", url)
	}
	return leader.herder.FenceZombies(ctx, connector)
}

// owners are the nodes that could write for a task at this moment: it runs there, or is on its way to its end there, and nothing holds it back.
func (c *crew) owners(id stores.TaskID) (urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for url, n := range c.nodes {
		n.mu.Lock()
		_, runs := n.running[id]
		_, ends := n.ending[id]
		n.mu.Unlock()
		if (runs || ends) && n.gate.Open() {
			urls = append(urls, url)
		}
	}
	return urls
}

// Apply implements herder.Worker.
func (n *node) Apply(a worker.Assignment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	heads := map[string]int64{}
	for _, spec := range a.Connectors {
		heads[spec.Name] = spec.Revision
		if n.heads[spec.Name] != spec.Revision && spec.Target == stores.Started {
			count, _ := strconv.Atoi(spec.Config["tasks.max"])
			go n.divide(spec.Name, count)
		}
	}
	n.heads = heads
	tasks := map[stores.TaskID]int64{}
	for _, spec := range a.Tasks {
		tasks[spec.ID] = spec.Revision
		if _, runs := n.running[spec.ID]; !runs {
			n.status.TaskStatus(spec.ID, stores.StateRunning, "", "")
		}
	}
	for id := range n.running {
		if _, stays := tasks[id]; !stays && n.ending[id] == nil {
			n.finish(id)
		}
	}
	n.running = tasks
}

// divide is what a connector does when it has started.
func (n *node) divide(name string, count int) {
	tasks := make([]connect.Config, count)
	for i := range tasks {
		tasks[i] = connect.Config{"task": strconv.Itoa(i), "of": strconv.Itoa(count)}
	}
	n.plan(n.life, name, tasks)
}

// finish ends a task, which takes its time.
func (n *node) finish(id stores.TaskID) {
	over := make(chan struct{})
	n.ending[id] = over
	takes := time.Duration(n.crew.roll(3000)) * time.Millisecond
	go func() {
		timer := time.NewTimer(takes)
		select {
		case <-timer.C:
		case <-n.life.Done():
			timer.Stop()
		}
		n.mu.Lock()
		delete(n.ending, id)
		n.mu.Unlock()
		n.status.TaskStatus(id, stores.StateUnassigned, "", "")
		close(over)
	}()
}

// Released implements herder.Worker.
func (n *node) Released(ctx context.Context) error {
	n.mu.Lock()
	var all []chan struct{}
	for _, over := range n.ending {
		all = append(all, over)
	}
	n.mu.Unlock()
	for _, over := range all {
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// RestartConnector implements herder.Worker.
func (n *node) RestartConnector(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, here := n.heads[name]
	return here
}

// RestartTask implements herder.Worker.
func (n *node) RestartTask(id stores.TaskID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, here := n.running[id]
	return here
}

// Close implements herder.Worker.
func (n *node) Close(ctx context.Context) {
	n.Apply(worker.Assignment{})
	_ = n.Released(ctx)
}
