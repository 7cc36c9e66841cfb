package remote

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// hostile is a plugin that says what a test wants it to, right or wrong.
type hostile struct {
	contract.UnimplementedPluginServer
	source func(grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error
	sink   func(grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error

	conn   *grpc.ClientConn
	killed chan error
	done   chan struct{}
}

func (h *hostile) Source(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
	return h.source(s)
}
func (h *hostile) Sink(s grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error {
	return h.sink(s)
}

// It is its own process, and the processes of its plugin.
func (h *hostile) Conn() *grpc.ClientConn                   { return h.conn }
func (h *hostile) Done() <-chan struct{}                    { return h.done }
func (h *hostile) Err() error                               { return nil }
func (h *hostile) Hide(...string)                           {}
func (h *hostile) Kill(reason error)                        { h.killed <- reason }
func (h *hostile) Control(context.Context) (Process, error) { return h, nil }
func (h *hostile) Task(context.Context, string, int) (Process, func(), error) {
	return h, func() {}, nil
}

// serve starts it, and returns its source and its sink.
func (h *hostile) serve(t testing.TB) *Set {
	t.Helper()
	leavesNothing(t)
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	contract.RegisterPluginServer(server, h)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	var err error
	h.conn, err = grpc.NewClient("passthrough:///hostile", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec()), grpc.MaxCallRecvMsgSize(16<<20)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.conn.Close() })
	h.killed, h.done = make(chan error, 10), make(chan struct{})
	return Classes(&contract.Description{Name: "hostile", Version: "1", Classes: []*contract.Class{
		{Type: contract.Class_SOURCE, Name: "S"}, {Type: contract.Class_SINK, Name: "K"}, {Type: 99, Name: "of the future"},
	}}, h, slog.New(slog.DiscardHandler))
}

func fromSource(m any) *contract.FromSource {
	switch m := m.(type) {
	case *contract.SourceOpened:
		return &contract.FromSource{Message: &contract.FromSource_Opened{Opened: m}}
	case *contract.SourceBatch:
		return &contract.FromSource{Message: &contract.FromSource_Batch{Batch: m}}
	case *contract.TaskClosed:
		return &contract.FromSource{Message: &contract.FromSource_Closed{Closed: m}}
	case *contract.LogLine:
		return &contract.FromSource{Message: &contract.FromSource_Log{Log: m}}
	case *contract.Metrics:
		return &contract.FromSource{Message: &contract.FromSource_Metrics{Metrics: m}}
	}
	return &contract.FromSource{}
}

// says is a source that opens its task, says this, and listens until the stream is cut.
func says(messages ...any) func(grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
	return func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
		for _, m := range append([]any{&contract.SourceOpened{}}, messages...) {
			if err := s.Send(fromSource(m)); err != nil {
				return err
			}
		}
		for {
			if _, err := s.Recv(); err != nil {
				return err
			}
		}
	}
}

func textRecord() *contract.SourceRecord {
	return &contract.SourceRecord{Topic: "t", ValueSchema: 8, Value: &contract.Value{Kind: &contract.Value_String_{String_: "x"}}}
}

func TestASourceThatBreaksTheContractFailsItsTaskAndNamesHow(t *testing.T) {
	flood := []any{}
	for range 120 {
		b := &contract.SourceBatch{}
		for range 1000 {
			b.Records = append(b.Records, textRecord())
		}
		flood = append(flood, b)
	}
	for name, c := range map[string]struct {
		does func(grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error
		want string
	}{
		"opened twice":      {says(&contract.SourceOpened{}), "it opened a task twice"},
		"closed unasked":    {says(&contract.TaskClosed{}), "it closed a task that was not asked to stop"},
		"unknown partition": {says(&contract.SourceBatch{Records: []*contract.SourceRecord{{Topic: "t", Source: 7}}}), "source 7"},
		"unknown schema":    {says(&contract.SourceBatch{Records: []*contract.SourceRecord{{Topic: "t", ValueSchema: 77, Value: &contract.Value{}}}}), "77"},
		"no topic":          {says(&contract.SourceBatch{Records: []*contract.SourceRecord{{}}}), "it has no topic"},
		"ends too late":     {says(&contract.SourceBatch{Ends: []*contract.TransactionEnd{{Records: 5}}}), "a transaction ends after 5 records"},
		"too much":          {says(flood...), "it does not heed credit"},
		"records before": {func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
			return s.Send(fromSource(&contract.SourceBatch{Records: []*contract.SourceRecord{textRecord()}}))
		}, "records for a task that it had not opened"},
		"end of stream": {func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
			return s.Send(fromSource(&contract.SourceOpened{}))
		}, "it ended the stream of a task that was not closed"},
		"no stream": {func(grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error { return nil }, "it ended the stream of a task that was not closed"},
		"closed, not opened": {func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
			return s.Send(fromSource(&contract.TaskClosed{}))
		}, "closed a task"},
		"no bytes of ours": {func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
			return s.SendMsg(&garbage{"\xff\xff\xff"})
		}, "broke the contract"},
		"huge message": {says(&contract.LogLine{Text: strings.Repeat("x", 17<<20)}), "larger than max"},
		"not there": {func(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
			return contract.UnimplementedPluginServer{}.Source(s)
		}, "does not have what its description promises"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hostile{source: c.does}
			rt := newRuntime(t, nil)
			var task connect.SourceTask
			err := within(t, patience, func() (err error) {
				task, err = h.serve(t).Sources[0].Open(rt.stopped, rt)
				return err
			})
			if err == nil {
				if name != "too much" { // whoever takes all that comes has no reason to complain
					_, err = pollUntilFailed(t, rt, task)
				} else {
					err = rt.failed(t)
				}
				require.NoError(t, within(t, patience, func() error { return task.Close(ended(time.Second)) }))
			}
			broke := new(ContractError)
			require.ErrorAs(t, err, &broke)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "plugin hostile broke the contract: ")
			assert.Empty(t, h.killed)
		})
	}
}

// garbage is a message of no contract. It implements what the protobuf codec falls back to.
type garbage struct{ bytes string }

func TestASourceThatTalksTooMuchIsHeardWithinBounds(t *testing.T) {
	var messages []any
	for i := range 300 {
		messages = append(messages, &contract.LogLine{Text: "line"}, &contract.LogLine{Text: "line"}, &contract.LogLine{Text: "line", Attrs: make([]*contract.LogAttr, 100), Level: contract.LogLine_Level(i % 9)})
		m := &contract.Metrics{}
		for j := range 200 {
			m.Metrics = append(m.Metrics, &contract.Metric{Name: "m" + strings.Repeat("x", i%90) + string(rune('a'+j%26)), Counter: j%2 == 0, Value: -float64(i)})
		}
		messages = append(messages, m)
	}
	messages = append(messages, &contract.LogLine{Text: strings.Repeat("y", 1<<20)}, &contract.SourceBatch{Records: []*contract.SourceRecord{textRecord()}})
	h := &hostile{source: says(messages...)}
	rt := newRuntime(t, nil)
	task, err := h.serve(t).Sources[0].Open(rt.stopped, rt)
	require.NoError(t, err)
	poll(t, rt, task, 1)
	rt.stop()
	require.Error(t, within(t, patience, func() error { return task.Close(ended(100 * time.Millisecond)) }), "it does not close")
	assert.Len(t, h.killed, 1)
	assert.LessOrEqual(t, len(rt.metrics.All()), connect.MaxMetrics)
	assert.Less(t, rt.log.Len(), 3<<20)
}

func TestLinesBeyondTheBoundAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := lines{log: slog.New(slog.NewTextHandler(&log, nil))}
		for range linesASecond + 100 {
			l.write(&contract.LogLine{Text: "line"})
		}
		assert.Equal(t, linesASecond, strings.Count(log.String(), "\n"))
		time.Sleep(time.Second)
		l.write(&contract.LogLine{Text: "the next"})
		assert.Contains(t, log.String(), "100 lines of log were dropped")
		assert.Contains(t, log.String(), "the next")
	})
}

// answers is a sink that opens its task and answers each Put so.
func answers(with func(number uint64) *contract.FromSink) func(grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error {
	return func(s grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error {
		opened := &contract.SinkOpened{Credit: &contract.Credit{Records: 1000, Bytes: 1 << 20}, Commits: true, Assigns: true}
		if err := s.Send(&contract.FromSink{Message: &contract.FromSink_Opened{Opened: opened}}); err != nil {
			return err
		}
		for {
			m, err := s.Recv()
			if err != nil {
				return err
			}
			if put := m.GetPut(); put != nil {
				if err := s.Send(with(put.GetNumber())); err != nil {
					return err
				}
			}
		}
	}
}

func TestASinkThatBreaksTheContractFailsItsTaskAndNamesHow(t *testing.T) {
	done := func(d *contract.Done) *contract.FromSink {
		return &contract.FromSink{Message: &contract.FromSink_Done{Done: d}}
	}
	for name, c := range map[string]struct {
		with func(number uint64) *contract.FromSink
		want string
	}{
		"done of nothing": {func(n uint64) *contract.FromSink { return done(&contract.Done{Number: n + 100}) }, "it said done of 101"},
		"done without":    {func(uint64) *contract.FromSink { return done(&contract.Done{}) }, "it said done of 0"},
		"failed beyond": {func(n uint64) *contract.FromSink {
			return done(&contract.Done{Number: n, Failed: []*contract.FailedRecord{{Index: 10}}})
		}, "it refused record 10 of a Put of 10"},
		"commit of nothing": {func(uint64) *contract.FromSink {
			return &contract.FromSink{Message: &contract.FromSink_Commit{Commit: &contract.CommitAnswer{Number: 9}}}
		}, "it answered a commit that was not asked for"},
		"report of nothing": {func(uint64) *contract.FromSink {
			return &contract.FromSink{Message: &contract.FromSink_Report{Report: &contract.Report{Topic: "t", Offset: 99}}}
		}, "it reports the record at offset 99 of t-0, which it does not have"},
		"report without end": {func(uint64) *contract.FromSink {
			return &contract.FromSink{Message: &contract.FromSink_Report{Report: &contract.Report{Record: &contract.SinkRecord{ValueSchema: 99}}}}
		}, "it reports a record: "},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hostile{sink: answers(c.with)}
			rt := newRuntime(t, nil)
			task, err := h.serve(t).Sinks[0].Open(rt.stopped, rt)
			require.NoError(t, err)
			require.NoError(t, task.Put(rt.stopped, records(0, 10)))
			err = rt.failed(t)
			broke := new(ContractError)
			require.ErrorAs(t, err, &broke)
			assert.ErrorContains(t, err, c.want)
			assert.Equal(t, err, task.Put(context.Background(), records(10, 20)))
			require.NoError(t, within(t, patience, func() error { return task.Close(ended(time.Second)) }))
		})
	}
}

func TestASinkThatDoesNotReadBlocksNobodyForEver(t *testing.T) {
	h := &hostile{sink: func(s grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error {
		opened := &contract.SinkOpened{Credit: &contract.Credit{Records: 1 << 30, Bytes: 1 << 30}}
		_ = s.Send(&contract.FromSink{Message: &contract.FromSink_Opened{Opened: opened}})
		<-s.Context().Done()
		return nil
	}}
	rt := newRuntime(t, nil)
	task, err := h.serve(t).Sinks[0].Open(rt.stopped, rt)
	require.NoError(t, err)
	big := records(0, 10)
	for i := range big {
		big[i].SetString(strings.Repeat("x", 100_000))
	}
	putting, cancel := context.WithTimeout(rt.stopped, 300*time.Millisecond)
	defer cancel()
	var puts int
	for err == nil {
		err = within(t, patience, func() error { return task.Put(putting, big) })
		puts++
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, puts, 40, "credit is taken as far as it is sensible")
	rt.stop()
	require.ErrorContains(t, within(t, patience, func() error { return task.Close(ended(100 * time.Millisecond)) }), "did not end within its deadline")
	assert.Len(t, h.killed, 1)
}
