package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// timeoutOf is what is left of a context, in milliseconds; 0 for one without a deadline.
func timeoutOf(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(1, time.Until(deadline).Milliseconds())
}

// Validate implements connect.Validator. A plugin that cannot be asked is a problem of the configuration's class.
func (c *class) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	if !c.can(contract.Ability_VALIDATES) {
		return nil
	}
	answer, err := ask(c.hiding(ctx, cfg), c.plugin, contract.PluginClient.Validate, &contract.ValidateRequest{Of: c.with(cfg), TimeoutMs: timeoutOf(ctx)})
	if err != nil {
		return []connect.Problem{{Key: "connector.class", Message: err.Error()}}
	}
	var problems []connect.Problem
	for _, p := range answer.GetProblems() {
		problems = append(problems, connect.Problem{Key: p.GetKey(), Message: p.GetMessage(), Warning: p.GetWarning()})
	}
	return problems
}

// split asks the plugin; whole is what a class has that does not split its work.
func (c *class) split(ctx context.Context, cfg connect.Config, maxTasks int, whole int) (tasks []connect.Config, err error) {
	if !c.can(contract.Ability_SPLITS) {
		for range whole {
			tasks = append(tasks, cfg)
		}
		return tasks, nil
	}
	answer, err := ask(c.hiding(ctx, cfg), c.plugin, contract.PluginClient.Split, &contract.SplitRequest{Of: c.with(cfg), MaxTasks: int32(maxTasks)})
	if err != nil {
		return nil, err
	}
	if err := wire.FromFault(answer.GetFault()); err != nil {
		return nil, err
	}
	if n := len(answer.GetTasks()); n > maxTasks {
		return nil, c.broke("it splits the work among %d tasks, of %d that are allowed", n, maxTasks)
	}
	for _, t := range answer.GetTasks() {
		config := connect.Config(t.GetConfig())
		if config == nil {
			config = connect.Config{}
		}
		tasks = append(tasks, config)
	}
	return tasks, nil
}

// rewatch is how long Watch waits before it asks the next process, after the one that it had asked is gone.
const rewatch = 5 * time.Second

// Watch implements connect.Watcher. A process that goes away meanwhile is no failure of the connector: its tasks tell, and the next one is asked.
func (c *class) Watch(ctx context.Context, cfg connect.Config, split func()) error {
	if !c.can(contract.Ability_WATCHES) {
		return nil
	}
	for {
		process, err := c.from.Control(ctx)
		if err == nil {
			var gone bool
			if gone, err = c.watch(ctx, process, cfg, split); !gone {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		c.log.Warn("the plugin does not watch for changes at present", "class", c.described.GetName(), "error", err)
		timer := time.NewTimer(rewatch)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		split() // what has changed meanwhile nobody saw
	}
}

// watch listens to one process. gone tells that the process is, or its connection.
func (c *class) watch(ctx context.Context, process Process, cfg connect.Config, split func()) (gone bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	process.Hide(redaction.From(c.hiding(ctx, cfg))...)
	stream, err := contract.NewPluginClient(process.Conn()).Watch(ctx, c.with(cfg))
	var p pace
	for err == nil {
		if _, err = stream.Recv(); err == nil {
			p.spend(ctx, stateCost)
			split()
		}
	}
	switch said := status.Convert(err); {
	case errors.Is(err, io.EOF), ctx.Err() != nil:
		return false, nil
	case said.Code() == codes.Unavailable:
		return true, c.explain(ctx, process, err)
	default:
		return false, fmt.Errorf("watching for changes: %s", said.Message())
	}
}

// guarantor is a source that says what it can promise.
type guarantor struct{ of *class }

func (g guarantor) ask(cfg connect.Config) *contract.GuaranteesAnswer {
	ctx, cancel := context.WithTimeout(context.Background(), guaranteesTimeout)
	defer cancel()
	answer, err := ask(g.of.hiding(ctx, cfg), g.of.plugin, contract.PluginClient.Guarantees, g.of.with(cfg))
	if err != nil {
		g.of.log.Warn("a plugin does not say what it guarantees, which counts as nothing", "class", g.of.described.GetName(), "error", err)
		return &contract.GuaranteesAnswer{}
	}
	return answer
}

// ExactlyOnce implements connect.ExactlyOnceSource.
func (g guarantor) ExactlyOnce(cfg connect.Config) bool { return g.ask(cfg).GetExactlyOnce() }

// DefinesTransactions implements connect.TransactionDefiner.
func (g guarantor) DefinesTransactions(cfg connect.Config) bool {
	return g.ask(cfg).GetDefinesTransactions()
}

// sourceAlterer has a say when the offsets of a source are altered.
type sourceAlterer struct{ of *class }

// AlterOffsets implements connect.SourceOffsetAlterer.
func (a sourceAlterer) AlterOffsets(ctx context.Context, cfg connect.Config, offsets []connect.SourceOffset) error {
	q := &contract.AlterOffsetsRequest{Of: a.of.with(cfg), TimeoutMs: timeoutOf(ctx)}
	for _, o := range offsets {
		var altered contract.SourceOffset
		var err error
		if o.Partition != nil {
			if altered.Partition, err = wire.ToAttrs(o.Partition.Attrs()); err != nil {
				return err
			}
		}
		if altered.Offset, err = wire.ToOffset(o.Offset); err != nil {
			return err
		}
		q.Source = append(q.Source, &altered)
	}
	return a.of.alter(a.of.hiding(ctx, cfg), q)
}

// sinkAlterer has a say when the offsets of a sink are altered.
type sinkAlterer struct{ of *class }

// AlterOffsets implements connect.SinkOffsetAlterer.
func (a sinkAlterer) AlterOffsets(ctx context.Context, cfg connect.Config, offsets connect.Offsets) error {
	return a.of.alter(a.of.hiding(ctx, cfg), &contract.AlterOffsetsRequest{Of: a.of.with(cfg), TimeoutMs: timeoutOf(ctx), Sink: wire.ToSinkOffsets(offsets)})
}

func (c *class) alter(ctx context.Context, q *contract.AlterOffsetsRequest) error {
	answer, err := ask(ctx, c.plugin, contract.PluginClient.AlterOffsets, q)
	if err != nil {
		return err
	}
	return wire.FromFault(answer.GetFault())
}
