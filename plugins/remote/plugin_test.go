package remote

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/connectors/mqtt"
	"github.com/sluice-connect/sluice/plugins"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/process"
)

// The test's own program is the plugin: by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin" {
		plugins.Serve(brought())
	}
	os.Exit(m.Run())
}

// brought is what the plugin of these tests brings.
func brought() plugins.Plugin {
	p := plugins.Of(file.Source{}, file.Sink{}, mqtt.Source{}, mqtt.Sink{}, scriptedSource{}, scriptedSink{})
	p.Name, p.Version = "tested", "1.2.3"
	p.Transforms, p.Predicates, p.Converters, p.Providers = transformClasses, predicateClasses, converterClasses, providerClasses
	return p
}

// running is the processes of a plugin, in one: it is started when it is first asked for.
type running struct {
	t      testing.TB
	launch process.Launch

	mu       sync.Mutex
	now      *process.Process
	released int
	taken    int
	hidden   []string
}

// run gives a plugin of these tests a process, which must be gone at their end.
func run(t testing.TB) *running {
	r := &running{t: t, launch: process.Launch{
		Plugin: "tested", Command: []string{os.Args[0], "plugin"}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Ping: 200 * time.Millisecond,
	}}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.now != nil {
			require.NoError(t, r.now.Stop(context.Background()))
		}
		require.Equal(t, r.taken, r.released, "processes that were not given back")
	})
	return r
}

// Control implements Processes.
func (r *running) Control(ctx context.Context) (Process, error) {
	p, err := r.process(ctx)
	if err != nil {
		return nil, err
	}
	return overheard{p, r}, nil
}

// overheard is a process that a test knows what is to be hidden of.
type overheard struct {
	*process.Process
	of *running
}

// Hide implements Process.
func (o overheard) Hide(values ...string) {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	o.of.hidden = append(o.of.hidden, values...)
}

// hides returns what was to be hidden since it was last called, sorted.
func (r *running) hides() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.hidden
	r.hidden = nil
	slices.Sort(all)
	return slices.Compact(all)
}

// Task implements Processes.
func (r *running) Task(ctx context.Context, _ string, _ int) (Process, func(), error) {
	p, err := r.process(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	r.taken++
	r.mu.Unlock()
	return overheard{p, r}, func() {
		r.mu.Lock()
		r.released++
		r.mu.Unlock()
	}, nil
}

// process is the one that runs, or the next.
func (r *running) process(ctx context.Context) (*process.Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil {
		select {
		case <-r.now.Done():
			r.now = nil
		default:
			return r.now, nil
		}
	}
	p, err := process.Start(ctx, r.launch)
	if err == nil {
		r.now = p
	}
	return p, err
}

// set is what the plugin describes itself as.
func (r *running) set() *Set {
	r.t.Helper()
	p, err := r.process(context.Background())
	require.NoError(r.t, err)
	d, err := contract.NewPluginClient(p.Conn()).Describe(context.Background(), &contract.DescribeRequest{})
	require.NoError(r.t, err)
	return Classes(d, r, slog.New(slog.NewTextHandler(r.t.Output(), nil)))
}

// source finds a source connector.
func (r *running) source(class string) connect.SourceConnector {
	r.t.Helper()
	all := r.set().Sources
	at := slices.IndexFunc(all, func(c connect.SourceConnector) bool { return c.Spec().Class == class })
	require.GreaterOrEqual(r.t, at, 0, class)
	return all[at]
}

// sink finds a sink connector.
func (r *running) sink(class string) connect.SinkConnector {
	r.t.Helper()
	all := r.set().Sinks
	at := slices.IndexFunc(all, func(c connect.SinkConnector) bool { return c.Spec().Class == class })
	require.GreaterOrEqual(r.t, at, 0, class)
	return all[at]
}
