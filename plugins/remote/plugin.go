package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// Processes hands out the processes of one plugin. It is safe for concurrent use.
type Processes interface {
	// Control is the process for what is no task's: checks, splits, validation. It is started where it does not run.
	Control(ctx context.Context) (Process, error)
	// Task is the process that a task of a connector runs in; release gives it back, also after a failure.
	Task(ctx context.Context, connector string, task int) (p Process, release func(), err error)
}

// Process is one process of a plugin.
type Process interface {
	Conn() *grpc.ClientConn
	// Done is closed when the process is gone. Err then says why, nil after it was asked to end.
	Done() <-chan struct{}
	Err() error
	// Kill ends it at once; Err then is reason.
	Kill(reason error)
	// Hide takes values out of what the process writes from now on, its last words included.
	Hide(values ...string)
}

// plugin is what its classes have in common.
type plugin struct {
	name    string
	version string
	from    Processes
	log     *slog.Logger
}

// ContractError says how a plugin broke the contract.
type ContractError struct {
	Plugin string
	What   string
}

// Error frames what with the plugin.
func (e *ContractError) Error() string {
	return fmt.Sprintf("plugin %s broke the contract: %s: tell its author, or use another version of it", e.Plugin, e.What)
}

func (p *plugin) broke(format string, args ...any) error {
	return &ContractError{Plugin: p.name, What: fmt.Sprintf(format, args...)}
}

// Deadlines of questions that have none of their own.
const (
	// keyTimeout is for the check of one key and for recommendations, which a form asks for.
	keyTimeout = 5 * time.Second
	// guaranteesTimeout is for ExactlyOnce and DefinesTransactions, which do no input or output.
	guaranteesTimeout = 5 * time.Second
	// partTimeout is for a transform, a predicate or a converter with one record.
	partTimeout = 30 * time.Second
)

// ask puts one question to the control process.
func ask[Q, A any](ctx context.Context, p *plugin, call func(contract.PluginClient, context.Context, Q, ...grpc.CallOption) (A, error), question Q) (A, error) {
	var none A
	process, err := p.from.Control(ctx)
	if err != nil {
		return none, fmt.Errorf("plugin %s cannot be asked: %w", p.name, err)
	}
	process.Hide(redaction.From(ctx)...)
	answer, err := call(contract.NewPluginClient(process.Conn()), ctx, question)
	if err != nil {
		return none, p.explain(ctx, process, err)
	}
	return answer, nil
}

// lastWords is how long the end of a process may take to be known after its connection broke.
const lastWords = 3 * time.Second

// explain says why a call, or a stream, of a process ended. ctx cuts the waiting for the process's last words short.
func (p *plugin) explain(ctx context.Context, process Process, err error) error {
	said := status.Convert(err)
	switch said.Code() {
	case codes.Unimplemented:
		return p.broke("it does not have what its description promises: %s", said.Message())
	case codes.Internal, codes.ResourceExhausted:
		return p.broke("%s", said.Message())
	case codes.DeadlineExceeded:
		return fmt.Errorf("plugin %s does not answer: %w", p.name, context.DeadlineExceeded)
	case codes.Unavailable, codes.Canceled:
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-process.Done():
			return p.gone(process)
		case <-ctx.Done():
			return fmt.Errorf("plugin %s: %w", p.name, context.Cause(ctx))
		case <-timer.C:
		}
	}
	return fmt.Errorf("plugin %s: %s", p.name, said.Message())
}

// gone says why a process is.
func (p *plugin) gone(process Process) error {
	if err := process.Err(); err != nil {
		return err
	}
	return fmt.Errorf("plugin %s: %w", p.name, errStopped)
}

var errStopped = errors.New("its process was stopped")
