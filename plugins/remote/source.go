package remote

import (
	"context"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// source is a source connector of a plugin.
type source struct{ *class }

// newSource returns the connector with those abilities whose absence means something else than an answer could.
func newSource(c *class) connect.SourceConnector {
	s := source{c}
	switch alters, guarantees := c.can(contract.Ability_ALTERS_OFFSETS), c.can(contract.Ability_GUARANTEES); {
	case alters && guarantees:
		return struct {
			source
			sourceAlterer
			guarantor
		}{s, sourceAlterer{c}, guarantor{c}}
	case alters:
		return struct {
			source
			sourceAlterer
		}{s, sourceAlterer{c}}
	case guarantees:
		return struct {
			source
			guarantor
		}{s, guarantor{c}}
	}
	return s
}

// Split implements connect.Splitter.
func (s source) Split(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	return s.split(ctx, cfg, maxTasks, 1)
}

// Open implements connect.SourceConnector.
func (s source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	common, err := openStream(ctx, s.class, rt, func(c contract.PluginClient, life context.Context) (grpc.ClientStream, error) {
		return c.Source(life)
	})
	if err != nil {
		return nil, err
	}
	t := &sourceTask{
		taskStream: common, rt: rt, decoder: wire.NewSourceDecoder(rt.PartitionOf),
		opened: make(chan *contract.SourceOpened, 1), more: make(chan struct{}, 1),
	}
	open := openTask(s.class, rt)
	open.Transactional = rt.Transactional()
	t.begin(ctx, &contract.ToSource{Message: &contract.ToSource_Open{Open: open}}, stopSource)
	t.group.Go(func() { t.read(t.next) })
	opened, err := t.awaitOpened(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.hand(); err != nil {
		t.leave()
		return nil, err
	}
	if opened.GetAcks() {
		return acknowledgedTask{t}, nil
	}
	return t, nil
}

// awaitOpened waits until the plugin has opened the task. With an error nothing is left open.
func (t *sourceTask) awaitOpened(ctx context.Context) (*contract.SourceOpened, error) {
	select {
	case opened := <-t.opened:
		if err := wire.FromFault(opened.GetFault()); err != nil {
			t.leave()
			return nil, err
		}
		return opened, nil
	case <-t.over:
		t.leave()
		if err := t.failure(); err != nil {
			return nil, err
		}
		return nil, t.broke("it closed a task that it had not opened")
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), openAbort)
		defer cancel()
		_ = t.Close(closing) // what is said there is of no interest: the task was not to be
		return nil, ctx.Err()
	}
}
