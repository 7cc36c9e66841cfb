package herder

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// post is a membership that a test writes: the place in the cluster is what it says, and all work that there is belongs here.
type post struct {
	mu    sync.Mutex
	place Standing
}

func (p *post) Run(ctx context.Context, m Mind) error {
	_ = m.Do(ctx, m.Assigned) // it fails only when the herder ends first
	<-ctx.Done()
	return nil
}

func (p *post) Share(state *stores.ConfigState) (connectors []string, tasks []stores.TaskID) {
	return (&Alone{}).Share(state)
}

func (p *post) Heard(stores.ConfigEvent) {}

func (p *post) Standing() Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place
}

func (p *post) InternalTopics() *InternalTopics { return nil }

func (p *post) Overview() *ClusterInfo { return nil }

func (p *post) move(to Standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place = to
}

// hand is a worker that runs nothing and notes what it was told.
type hand struct {
	mu        sync.Mutex
	restarted []string
	plan      worker.Plan
	last      worker.Assignment
}

func (w *hand) Apply(a worker.Assignment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = a
}

// given is what it was last told to run.
func (w *hand) given() worker.Assignment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (*hand) Released(context.Context) error { return nil }
func (*hand) Close(context.Context)          {}

func (w *hand) RestartConnector(name string) bool { return w.note("connector " + name) }
func (w *hand) RestartTask(id stores.TaskID) bool { return w.note("task " + id.String()) }
func (w *hand) note(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.restarted = append(w.restarted, what)
	return true
}
func (w *hand) notes() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.restarted) }

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

// desk is a herder with nothing real around it, in virtual time.
type desk struct {
	*Herder
	post     *post
	hand     *hand
	statuses *stores.StatusStore // another worker's
	peers    *letters
}

// letters are what was handed to the leader, and its answers in their order, the last one again and again.
type letters struct {
	mu      sync.Mutex
	sent    []string
	answers []error
}

func (l *letters) SubmitTasks(_ context.Context, url, connector string, _ []connect.Config, _ func([]byte) (*Signature, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, connector+" to "+url)
	answer := l.answers[0]
	if len(l.answers) > 1 {
		l.answers = l.answers[1:]
	}
	return answer
}

func (l *letters) FenceZombies(context.Context, string, string, func([]byte) (*Signature, error)) error {
	return nil
}

func (l *letters) InternalTopics(context.Context, string, func([]byte) (*Signature, error)) (*InternalTopics, error) {
	return nil, ErrUntold
}

func (l *letters) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent)
}

// atDesk runs a test with a herder that has started as a leader of generation 5. There are the connector "a" with two tasks, which run, and the
// connector "s", which is stopped.
func atDesk(t *testing.T, log *slog.Logger, test func(t *testing.T, d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		var topic stores.MemoryTopic
		classes, err := catalog.New([]connect.SourceConnector{scripted{}}, nil)
		require.NoError(t, err)
		properties := map[string]string{"bootstrap.servers": "nowhere:1", "key.converter": "StringConverter", "value.converter": "StringConverter"}
		d := &desk{
			post: &post{place: Standing{Generation: 5, Leads: true, LeaderURL: "http://w:1/"}}, hand: &hand{},
			statuses: topic.StatusStore(log, nil), peers: &letters{answers: []error{nil}},
		}
		d.Herder = New(Options{
			WorkerID: "w:1", Catalog: classes, Log: log, Statuses: topic.StatusStore(log, nil), Membership: d.post, Peers: d.peers,
			Topics: TopicPolicy{Tracked: true, Resettable: true}, Keys: hourly(),
			Validator: &validation.Validator{Catalog: classes, Worker: properties, OverridePolicy: "All"},
			Offsets:   worker.SharedOffsets(stores.NewFileOffsetStore(t.TempDir()+"/offsets", log)),
			Employ:    func(_ worker.StatusSink, p worker.Plan, _ worker.Fencing) Worker { d.hand.plan = p; return d.hand },
			OpenConfigs: func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
				return stores.NewMemoryConfigStore(log, listen)
			},
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		t.Cleanup(func() { // here, for a test that fails has goroutines as well
			defer cancel()
			d.Close(ctx)
			assert.NoError(t, d.statuses.Close(ctx))
		})
		require.NoError(t, d.statuses.Start(ctx))
		require.NoError(t, d.Start(ctx))
		stopped := stores.Stopped
		require.NoError(t, d.configs.PutConnector(ctx, "a", scriptedConfig("a"), nil))
		require.NoError(t, d.configs.PutTaskConfigs(ctx, "a", []connect.Config{{"task": "0"}, {"task": "1"}}))
		require.NoError(t, d.configs.PutConnector(ctx, "s", scriptedConfig("s"), &stopped))
		for _, i := range []stores.Instance{stores.ConnectorInstance("a"), {Connector: "a", Task: 0}, {Connector: "a", Task: 1}} {
			d.Statuses.Put(i, stores.Status{State: stores.StateRunning, WorkerID: "w:1", Generation: 5})
		}
		synctest.Wait()
		test(t, d)
	})
}

func scriptedConfig(name string) connect.Config {
	return connect.Config{"name": name, "connector.class": "test.ScriptedConnector"}
}

// state is what the other worker sees of a connector or task.
func (d *desk) state(i stores.Instance) stores.Status {
	synctest.Wait()
	s, _ := d.statuses.Get(i)
	return s
}
