package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// source finds a source connector.
func (s *server) source(name string) (connect.SourceConnector, error) {
	for _, c := range s.plugin.Sources {
		if c.Spec().Class == name {
			return c, nil
		}
	}
	return nil, s.missing("source connector", name)
}

// sink finds a sink connector.
func (s *server) sink(name string) (connect.SinkConnector, error) {
	for _, c := range s.plugin.Sinks {
		if c.Spec().Class == name {
			return c, nil
		}
	}
	return nil, s.missing("sink connector", name)
}

// connector finds a source or a sink.
func (s *server) connector(of *contract.ClassConfig) (any, error) {
	if of.GetType() == contract.Class_SINK {
		return s.sink(of.GetClass())
	}
	return s.source(of.GetClass())
}

// ability finds a connector and what it has beyond the necessary.
func ability[A any](s *server, of *contract.ClassConfig) (A, error) {
	var none A
	c, err := s.connector(of)
	if err != nil {
		return none, status.Error(codes.NotFound, err.Error())
	}
	able, ok := c.(A)
	if !ok {
		return none, status.Errorf(codes.Unimplemented, "%s does not have this ability", of.GetClass())
	}
	return able, nil
}

func (s *server) missing(what, name string) error {
	return fmt.Errorf("the plugin %s %s has no %s %s: its manifest may be that of another version", s.description.Name, s.description.Version, what, name)
}

// key finds the definition of a key.
func (s *server) key(t contract.Class_Type, name, key string) (connect.KeyDef, error) {
	spec, ok := s.specs[class{t, name}]
	if !ok {
		return connect.KeyDef{}, status.Error(codes.NotFound, s.missing("class", name).Error())
	}
	def, ok := spec.Keys.Key(key)
	if !ok {
		return connect.KeyDef{}, status.Errorf(codes.NotFound, "%s has no key %s", name, key)
	}
	return def, nil
}

// CheckKey implements contract.PluginServer.
func (s *server) CheckKey(_ context.Context, q *contract.CheckKeyRequest) (*contract.CheckKeyAnswer, error) {
	def, err := s.key(q.GetType(), q.GetClass(), q.GetKey())
	if err != nil {
		return nil, err
	}
	v, err := wire.FromValue(q.GetValue())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	text, whole := def.Refusal(v)
	return &contract.CheckKeyAnswer{Refusal: text, Verbatim: whole}, nil
}

// Recommend implements contract.PluginServer.
func (s *server) Recommend(_ context.Context, q *contract.RecommendRequest) (*contract.Recommendation, error) {
	def, err := s.key(q.GetType(), q.GetClass(), q.GetKey())
	if err != nil || def.Recommend == nil {
		return &contract.Recommendation{}, err
	}
	answer := &contract.Recommendation{}
	err = answering("a recommender", func() error {
		answer.Values = def.Recommend.Values(q.GetKey(), q.GetConfig())
		answer.Hidden = !def.Recommend.Visible(q.GetKey(), q.GetConfig())
		return nil
	})
	return answer, err
}

// Validate implements contract.PluginServer.
func (s *server) Validate(ctx context.Context, q *contract.ValidateRequest) (*contract.Problems, error) {
	validator, err := ability[connect.Validator](s, q.GetOf())
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(ctx, q.GetTimeoutMs())
	defer cancel()
	answer := &contract.Problems{}
	err = answering("Validate", func() error {
		for _, p := range validator.Validate(ctx, q.GetOf().GetConfig()) {
			answer.Problems = append(answer.Problems, &contract.Problem{Key: p.Key, Message: p.Message, Warning: p.Warning})
		}
		return nil
	})
	return answer, err
}

// Split implements contract.PluginServer.
func (s *server) Split(ctx context.Context, q *contract.SplitRequest) (*contract.SplitAnswer, error) {
	splitter, err := ability[connect.Splitter](s, q.GetOf())
	if err != nil {
		return nil, err
	}
	answer := &contract.SplitAnswer{}
	err = guard("Split", func() error {
		configs, err := splitter.Split(ctx, q.GetOf().GetConfig(), int(q.GetMaxTasks()))
		for _, cfg := range configs {
			answer.Tasks = append(answer.Tasks, &contract.TaskConfig{Config: cfg})
		}
		return err
	})
	answer.Fault = wire.ToFault(err)
	return answer, nil
}

// Watch implements contract.PluginServer.
func (s *server) Watch(of *contract.ClassConfig, stream grpc.ServerStreamingServer[contract.SplitAgain]) error {
	watcher, err := ability[connect.Watcher](s, of)
	if err != nil {
		return err
	}
	ctx, cancel := s.mortal(stream.Context())
	defer cancel()
	var sending sync.Mutex
	return answering("Watch", func() error {
		return watcher.Watch(ctx, of.GetConfig(), func() {
			sending.Lock()
			defer sending.Unlock()
			_ = stream.Send(&contract.SplitAgain{}) // where that fails ctx ends
		})
	})
}

// Guarantees implements contract.PluginServer.
func (s *server) Guarantees(_ context.Context, of *contract.ClassConfig) (*contract.GuaranteesAnswer, error) {
	c, err := s.connector(of)
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	answer := &contract.GuaranteesAnswer{}
	err = answering("ExactlyOnce or DefinesTransactions", func() error {
		if exact, ok := c.(connect.ExactlyOnceSource); ok {
			answer.ExactlyOnce = exact.ExactlyOnce(of.GetConfig())
		}
		if definer, ok := c.(connect.TransactionDefiner); ok {
			answer.DefinesTransactions = definer.DefinesTransactions(of.GetConfig())
		}
		return nil
	})
	return answer, err
}

// AlterOffsets implements contract.PluginServer.
func (s *server) AlterOffsets(ctx context.Context, q *contract.AlterOffsetsRequest) (*contract.AlterOffsetsAnswer, error) {
	ctx, cancel := within(ctx, q.GetTimeoutMs())
	defer cancel()
	var err error
	if q.GetOf().GetType() == contract.Class_SINK {
		err = s.alterSink(ctx, q)
	} else {
		err = s.alterSource(ctx, q)
	}
	if _, ofCall := status.FromError(err); err != nil && ofCall {
		return nil, err
	}
	answer := &contract.AlterOffsetsAnswer{Fault: wire.ToFault(err)}
	if errors.Is(err, errors.ErrUnsupported) {
		answer.Fault.Class = contract.Fault_UNSUPPORTED
	}
	return answer, nil
}

func (s *server) alterSource(ctx context.Context, q *contract.AlterOffsetsRequest) error {
	alterer, err := ability[connect.SourceOffsetAlterer](s, q.GetOf())
	if err != nil {
		return err
	}
	var partitions connect.Partitions
	var offsets []connect.SourceOffset
	for _, o := range q.GetSource() {
		attrs, err := wire.FromAttrs(o.GetPartition())
		if err != nil {
			return err
		}
		at, err := wire.FromOffset(o.GetOffset())
		if err != nil {
			return err
		}
		altered := connect.SourceOffset{Offset: at}
		if len(attrs) > 0 {
			altered.Partition = partitions.Intern(attrs...)
		}
		offsets = append(offsets, altered)
	}
	return guard("AlterOffsets", func() error { return alterer.AlterOffsets(ctx, q.GetOf().GetConfig(), offsets) })
}

func (s *server) alterSink(ctx context.Context, q *contract.AlterOffsetsRequest) error {
	alterer, err := ability[connect.SinkOffsetAlterer](s, q.GetOf())
	if err != nil {
		return err
	}
	offsets := wire.FromSinkOffsets(q.GetSink())
	return guard("AlterOffsets", func() error { return alterer.AlterOffsets(ctx, q.GetOf().GetConfig(), offsets) })
}

// answering is guard for answers that have no fault: the error is that of the call.
func answering(where string, call func() error) error {
	err := guard(where, call)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return status.Error(codes.Aborted, err.Error())
}

// within gives a call the deadline that its asker has.
func within(ctx context.Context, ms int64) (context.Context, context.CancelFunc) {
	if ms <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
}

// mortal is ctx, but it ends with the process too.
func (s *server) mortal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.alive, func() { cancel(context.Cause(s.alive)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
