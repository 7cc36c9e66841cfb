package remote

import (
	"context"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// sink is a sink connector of a plugin.
type sink struct{ *class }

// newSink returns the connector, with AlterOffsets only where the plugin has a say.
func newSink(c *class) connect.SinkConnector {
	if c.can(contract.Ability_ALTERS_OFFSETS) {
		return struct {
			sink
			sinkAlterer
		}{sink{c}, sinkAlterer{c}}
	}
	return sink{c}
}

// Split implements connect.Splitter.
func (s sink) Split(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	return s.split(ctx, cfg, maxTasks, maxTasks)
}

// Open implements connect.SinkConnector.
func (s sink) Open(ctx context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	common, err := openStream(ctx, s.class, rt, func(c contract.PluginClient, life context.Context) (grpc.ClientStream, error) {
		return c.Sink(life)
	})
	if err != nil {
		return nil, err
	}
	t := &sinkTask{
		taskStream: common, rt: rt, opened: make(chan *contract.SinkOpened, 1),
		outstanding: outstanding{changed: make(chan struct{}, 1)},
	}
	t.begin(ctx, &contract.ToSink{Message: &contract.ToSink_Open{Open: openTask(s.class, rt)}}, stopSink)
	t.group.Go(func() { t.read(t.next) })
	t.group.Go(t.renewLease)
	select {
	case opened := <-t.opened:
		err = wire.FromFault(opened.GetFault())
		t.agree(opened)
	case <-t.over:
		if err = t.failure(); err == nil {
			err = t.broke("it closed a task that it had not opened")
		}
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), openAbort)
		defer cancel()
		_ = t.Close(closing) // what is said there is of no interest: the task was not to be
		return nil, ctx.Err()
	}
	if err == nil {
		err = t.hand()
	}
	if err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}
