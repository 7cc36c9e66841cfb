package fleet

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/manifest"
	"github.com/sluice-connect/sluice/plugins/process"
)

// Sharing says which tasks have a process together.
type Sharing string

// The kinds of sharing, by the names that [SharingKey] has for them.
const (
	PerConnector Sharing = "connector" // all tasks of a connector in this worker
	PerTask      Sharing = "task"
)

// SharingKey is the key of a worker, and of a connector that wants it otherwise, which says how its tasks share processes.
const SharingKey = "sluice.plugin.process"

// Options are what a fleet is made with.
type Options struct {
	// Log gets what processes write.
	Log *slog.Logger
	// Sharing says how the tasks of a connector share processes. It is called on their goroutines; nil is [PerConnector] for all.
	Sharing func(connector string) Sharing
}

// Fleet is all processes of all plugins of a worker. It is safe for concurrent use.
type Fleet struct {
	options Options
	sockets *sockets

	life   context.Context // of processes that are being started
	end    context.CancelFunc
	chores sync.WaitGroup // starts and stops

	mu     sync.Mutex
	closed bool
	crews  []*Crew
}

// ErrClosed is the error of every request after the fleet was closed.
var ErrClosed = errors.New("the worker is ending: no plugin is started any more")

// New returns a fleet without processes, and removes what workers that were killed have left of theirs.
func New(o Options) *Fleet {
	if o.Sharing == nil {
		o.Sharing = func(string) Sharing { return PerConnector }
	}
	life, end := context.WithCancel(context.Background())
	return &Fleet{options: o, sockets: newSockets(o.Log), life: life, end: end}
}

// Crew is the processes of one plugin, none of which runs yet.
func (f *Fleet) Crew(m *manifest.Manifest) *Crew {
	c := &Crew{fleet: f, plugin: m, berths: map[berthKey]*berth{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crews = append(f.crews, c)
	return c
}

// Close ends all processes and waits for that: each is asked to end and gets two seconds for it, or until ctx ends. The error tells of a process that
// is there still.
func (f *Fleet) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	crews := f.crews
	f.mu.Unlock()
	f.end()
	var all sync.WaitGroup
	failed := make(chan error)
	for _, c := range crews {
		for _, b := range c.abandon() {
			all.Go(func() {
				if err := b.stop(ctx); err != nil {
					failed <- err
				}
			})
		}
	}
	go func() {
		all.Wait()
		f.chores.Wait()
		close(failed)
	}()
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, f.sockets.close())...)
}

// start starts a process of a plugin.
func (f *Fleet) start(ctx context.Context, m *manifest.Manifest, log *slog.Logger) (*hand, error) {
	folder, err := f.sockets.folder()
	if err != nil {
		return nil, err
	}
	launch := Launch(m, folder, log)
	hidden := newHidden(granted(m))
	launch.Hide = hidden.Removed
	p, err := process.Start(ctx, launch)
	if err != nil {
		return nil, err
	}
	return &hand{p, hidden}, nil
}

// Launch is how a plugin is started. sockets may be empty, see [process.Launch]. What the plugin is granted of the environment is mostly secret, and
// is taken out of what it writes.
func Launch(m *manifest.Manifest, sockets string, log *slog.Logger) process.Launch {
	return process.Launch{
		Plugin: m.Name, Command: m.Start(), Dir: m.Dir, Env: m.Environment(), Checksum: m.Checksum, Program: m.Program(),
		Limits: process.Limits{Memory: m.Limits.Memory, CPUs: m.Limits.CPUs}, Sockets: sockets, Log: log, Hide: redaction.Of(granted(m)...).Removed,
	}
}

// granted is the values that a plugin gets in its environment.
func granted(m *manifest.Manifest) (values []string) {
	for _, variable := range m.Environment() {
		_, value, _ := strings.Cut(variable, "=")
		values = append(values, value)
	}
	return values
}
