package cluster

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/worker"
)

// counted is a source whose number of tasks its configuration says.
type counted struct{}

func (counted) Spec() connect.Spec { return connect.NewSpec("test.Counted", "1") }

func (counted) Open(context.Context, connect.SourceContext) (connect.SourceTask, error) {
	return nil, errors.New("nothing runs in this test")
}

// node is one worker process. It is the worker of its herder, and runs nothing but time.
type node struct {
	crew       *crew
	url        string
	herder     *herder.Herder
	gate       *kafkaclient.Gate
	membership *Cluster
	link       *link // to the coordinator
	configs    *link // from the config topic
	log        pages
	dead       chan struct{}
	plan       worker.Plan
	status     worker.StatusSink

	mu        sync.Mutex
	running   map[stores.TaskID]int64 // revision
	ending    map[stores.TaskID]*ending
	heads     map[string]head
	restarted map[string]int // connectors by name, tasks as name-number
	life      context.Context
	end       context.CancelFunc
}

// head is a connector: while it is started and not replaced it divides its work.
type head struct {
	spec worker.ConnectorSpec
	end  context.CancelFunc
	over chan struct{} // closed at its end
}

// ending is a task on its way to its end.
type ending struct {
	over chan struct{}
	cut  bool // left behind: nothing that it writes arrives
}

// graceful is how long a task gets to end before it is left behind.
const graceful = 4 * time.Second

func newNode(c *crew, url string) *node {
	n := &node{
		crew: c, url: url, gate: new(kafkaclient.Gate), link: new(link), configs: new(link), dead: make(chan struct{}),
		running: map[stores.TaskID]int64{}, ending: map[stores.TaskID]*ending{}, heads: map[string]head{}, restarted: map[string]int{},
	}
	n.life, n.end = context.WithCancel(context.Background())
	return n
}

// pages are a log that may be read while it is written.
type pages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *pages) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *pages) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// has reports whether a task writes, as far as it is for this node to say.
func (n *node) has(id stores.TaskID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, runs := n.running[id]
	e := n.ending[id]
	return runs || e != nil && !e.cut
}

// divides reports whether a connector itself is here.
func (n *node) divides(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, here := n.heads[name]
	return here
}

// tasks are what runs here.
func (n *node) tasks() map[stores.TaskID]int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.running)
}

// restarts are what was restarted here, and how often.
func (n *node) restarts() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.restarted)
}

// Apply implements herder.Worker.
func (n *node) Apply(a worker.Assignment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	heads := map[string]head{}
	for _, spec := range a.Connectors {
		was, runs := n.heads[spec.Name]
		if runs && was.spec.Revision == spec.Revision && was.spec.Target == spec.Target && was.spec.Wishes == spec.Wishes {
			heads[spec.Name] = was
			continue
		}
		heads[spec.Name] = n.begin(spec, was)
	}
	for name, was := range n.heads {
		if was.over != heads[name].over {
			was.end()
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

// begin starts a connector in place of another, as soon as that one has ended.
func (n *node) begin(spec worker.ConnectorSpec, was head) head {
	h := head{spec: spec, over: make(chan struct{})}
	var life context.Context
	life, h.end = context.WithCancel(n.life)
	go func() {
		defer close(h.over)
		if was.over != nil {
			<-was.over
		}
		if spec.Target == stores.Started && life.Err() == nil {
			n.divide(life, spec)
		}
	}()
	return h
}

// divide is what a connector does when it has started.
func (n *node) divide(life context.Context, spec worker.ConnectorSpec) {
	n.status.ConnectorStatus(spec.Name, stores.StateRunning, "", "")
	count, _ := strconv.Atoi(spec.Config["tasks.max"])
	tasks := make([]connect.Config, count)
	for i := range tasks {
		tasks[i] = connect.Config{"task": strconv.Itoa(i), "of": strconv.Itoa(count)}
	}
	n.plan(life, spec.Name, tasks)
}

// finish ends a task, which takes its time; one of many does not end before it is left behind.
func (n *node) finish(id stores.TaskID) {
	e := &ending{over: make(chan struct{})}
	n.ending[id] = e
	takes := time.Duration(n.crew.roll(3000)) * time.Millisecond
	if n.crew.roll(20) == 0 {
		takes = 3 * graceful
	}
	go func() {
		began := time.Now()
		n.wait(min(takes, graceful))
		n.mu.Lock()
		e.cut = true
		n.mu.Unlock()
		n.wait(takes - time.Since(began))
		n.mu.Lock()
		delete(n.ending, id)
		n.mu.Unlock()
		if takes < graceful {
			n.status.TaskStatus(id, stores.StateUnassigned, "", "")
		}
		close(e.over)
	}()
}

// wait lasts as long as d or the node's life.
func (n *node) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.life.Done():
	}
}

// Released implements herder.Worker.
func (n *node) Released(ctx context.Context) error {
	n.mu.Lock()
	var all []chan struct{}
	for _, e := range n.ending {
		all = append(all, e.over)
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
	if here {
		n.restarted[name]++
	}
	return here
}

// RestartTask implements herder.Worker.
func (n *node) RestartTask(id stores.TaskID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, here := n.running[id]
	if here {
		n.restarted[id.String()]++
	}
	return here
}

// Close implements herder.Worker.
func (n *node) Close(ctx context.Context) {
	n.Apply(worker.Assignment{})
	_ = n.Released(ctx)
}
