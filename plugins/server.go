package plugins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// server answers a worker.
type server struct {
	contract.UnimplementedPluginServer
	plugin      Plugin
	description *contract.Description
	specs       map[class]connect.Spec
	grpc        *grpc.Server // set before anything is served

	alive  context.Context // until the process must end
	die    context.CancelCauseFunc
	ending sync.Once
	tasks  tasks

	providers providers
}

// class is the type and the name of one.
type class struct {
	of   contract.Class_Type
	name string
}

func newServer(p Plugin, d *contract.Description) *server {
	s := &server{plugin: p, description: d, specs: map[class]connect.Spec{}}
	s.alive, s.die = context.WithCancelCause(context.Background())
	for _, c := range p.Sources {
		s.specs[class{contract.Class_SOURCE, c.Spec().Class}] = c.Spec()
	}
	for _, c := range p.Sinks {
		s.specs[class{contract.Class_SINK, c.Spec().Class}] = c.Spec()
	}
	for _, c := range p.Transforms {
		s.specs[class{contract.Class_TRANSFORM, c.Spec.Class}] = c.Spec
	}
	for _, c := range p.Predicates {
		s.specs[class{contract.Class_PREDICATE, c.Spec.Class}] = c.Spec
	}
	for _, c := range p.Converters {
		s.specs[class{contract.Class_CONVERTER, c.Spec.Class}] = c.Spec
		s.specs[class{contract.Class_HEADER_CONVERTER, c.Spec.Class}] = c.Spec
	}
	for _, c := range p.Providers {
		s.specs[class{contract.Class_CONFIG_PROVIDER, c.Spec.Class}] = c.Spec
	}
	return s
}

var errEnding = errors.New("the plugin's process ends")

// end ends the tasks, and then the process.
func (s *server) end() {
	s.ending.Do(func() {
		time.AfterFunc(reluctance, func() { os.Exit(1) }) // whatever hangs
		s.die(errEnding)
		s.tasks.await(parting)
		// go-plugin's own streams never end, so that a graceful stop does not either: but it lets answers go that are on their way.
		graceful := time.AfterFunc(lastAnswers, s.grpc.Stop)
		defer graceful.Stop()
		s.grpc.GracefulStop()
	})
}

// tasks counts the tasks that are open.
type tasks struct {
	mu   sync.Mutex
	open int
	idle chan struct{} // closed when the last one ends; nil while nobody waits
}

func (t *tasks) begin() {
	t.mu.Lock()
	t.open++
	t.mu.Unlock()
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open--; t.open == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// await waits until there are none, at most d.
func (t *tasks) await(d time.Duration) {
	t.mu.Lock()
	if t.open == 0 {
		t.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	t.idle = idle
	t.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(d):
	}
}

// Describe implements contract.PluginServer.
func (s *server) Describe(context.Context, *contract.DescribeRequest) (*contract.Description, error) {
	return s.description, nil
}

// Ping implements contract.PluginServer.
func (s *server) Ping(context.Context, *contract.PingRequest) (*contract.PingAnswer, error) {
	return &contract.PingAnswer{}, nil
}

// Stop implements contract.PluginServer. The process ends when the answer has been given.
func (s *server) Stop(ctx context.Context, _ *contract.StopRequest) (*contract.StopAnswer, error) {
	context.AfterFunc(ctx, s.end)
	return &contract.StopAnswer{}, nil
}

// guard calls into the author's code: a panic there must cost one task or one answer, not the process.
func guard(where string, call func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", where, what, debug.Stack())
		}
	}()
	return call()
}
