package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// What may be put that is not done: the next batches are read and decoded while the author's task has one.
const (
	putRecords = 2000
	putBytes   = 4 << 20
)

// sinkTask runs one sink task. The stream's goroutine reads and decodes what the worker says; another makes all calls into the author's task, in that
// order.
type sinkTask struct {
	*task
	words    sinkWords
	decoder  wire.PutDecoder // of the stream's goroutine
	orders   *queue[order]
	reported questions[*contract.Reported]
	current  atomic.Pointer[[]connect.SinkRecord] // what Put has in hand, nil between Puts
	lease    lease

	last    uint64          // of the task's goroutine: the number of the last order
	refused *contract.Fault // likewise: why no Put is taken until the worker begins anew with the one that was not
}

// order is a message for the author's task: a Put where message is nil.
type order struct {
	number  uint64
	records []connect.SinkRecord
	message *contract.ToSink
}

// Sink implements contract.PluginServer.
func (s *server) Sink(stream grpc.BidiStreamingServer[contract.ToSink, contract.FromSink]) error {
	first := &wire.ToSink{}
	if err := stream.RecvMsg(first); err != nil {
		return err
	}
	open := first.Message.GetOpen()
	if open == nil {
		return status.Error(codes.InvalidArgument, "the first message of a stream must be open")
	}
	common, end := s.newTask(open, stream, sinkWords{})
	defer end()
	t := &sinkTask{task: common, orders: newQueue[order]()}
	connector, err := s.sink(open.GetClass())
	if err != nil {
		t.refuse(err)
		return nil
	}
	var working sync.WaitGroup
	s.tasks.begin()
	working.Go(func() {
		defer s.tasks.end()
		t.work(connector)
	})
	t.listen(stream)
	working.Wait()
	return nil
}

// listen takes messages until the task must close.
func (t *sinkTask) listen(stream grpc.ServerStream) {
	defer t.orders.close()
	for {
		m := &wire.ToSink{}
		if err := stream.RecvMsg(m); err != nil {
			t.orphaned()
			return
		}
		if m.Message == nil {
			number, records, err := t.decoder.Decode(m.Put)
			if err != nil {
				t.Fail(fmt.Errorf("the worker broke the contract: %w", err))
				t.orphaned()
				return
			}
			t.orders.put(order{number: number, records: records})
			continue
		}
		switch of := m.Message.GetMessage().(type) {
		case *contract.ToSink_Assigned:
			t.orders.put(order{number: of.Assigned.GetNumber(), message: m.Message})
		case *contract.ToSink_Revoked:
			t.orders.put(order{number: of.Revoked.GetNumber(), message: m.Message})
		case *contract.ToSink_Commit:
			t.orders.put(order{number: of.Commit.GetNumber(), message: m.Message})
		case *contract.ToSink_Reported:
			t.reported.answer(of.Reported.GetNumber(), of.Reported)
		case *contract.ToSink_Drain:
			t.orders.put(order{number: of.Drain.GetNumber(), message: m.Message})
		case *contract.ToSink_Lease:
			t.lease.renew(time.Duration(of.Lease.GetValidMs()) * time.Millisecond)
		case *contract.ToSink_Stop:
			t.stop()
		case *contract.ToSink_Close:
			t.close(time.Duration(of.Close.GetTimeoutMs()) * time.Millisecond)
			return
		}
	}
}

// refuse says that there is no task.
func (t *sinkTask) refuse(err error) {
	t.send(t.words.opened(&contract.SinkOpened{Fault: wire.ToFault(err)}))
	t.send(t.words.closed(&contract.TaskClosed{}))
}

// work is the task's goroutine.
func (t *sinkTask) work(connector connect.SinkConnector) {
	var task connect.SinkTask
	err := guard("Open", func() (err error) {
		task, err = connector.Open(t.working, t)
		return err
	})
	if err != nil {
		t.refuse(err)
		return
	}
	committer, commits := task.(connect.PreCommitter)
	assigner, assigns := task.(connect.Assigner)
	drainer, drains := task.(connect.Drainer)
	t.send(t.words.opened(&contract.SinkOpened{
		Credit: &contract.Credit{Records: putRecords, Bytes: putBytes}, Commits: commits, Assigns: assigns, Drains: drains,
	}))
	for {
		o, ok := t.orders.take(t.alive)
		if !ok {
			break
		}
		anew := o.number != t.last+1
		t.last = o.number
		if o.message == nil {
			t.put(task, o, anew)
			continue
		}
		switch of := o.message.GetMessage().(type) {
		case *contract.ToSink_Assigned:
			err := guard("Assigned", func() error { return assigner.Assigned(t.alive, wire.FromTopicPartitions(of.Assigned.GetPartitions())) })
			t.send(t.words.done(&contract.Done{Number: o.number, Fault: wire.ToFault(err)}))
		case *contract.ToSink_Revoked:
			err := guard("Revoked", func() error { return assigner.Revoked(t.alive, wire.FromTopicPartitions(of.Revoked.GetPartitions())) })
			t.send(t.words.done(&contract.Done{Number: o.number, Fault: wire.ToFault(err)}))
		case *contract.ToSink_Commit:
			t.commit(committer, of.Commit)
		case *contract.ToSink_Drain:
			t.drain(drainer, of.Drain)
		}
	}
	t.finish(t.awaitClose(), task.Close)
}

// errStopping answers what was put and not looked at when the task was asked to stop.
var errStopping = errors.New("the task stops")

// put gives a batch to the task. anew: the worker knows why earlier ones were refused, and begins again with those.
func (t *sinkTask) put(task connect.SinkTask, o order, anew bool) {
	if anew {
		t.refused = nil
	}
	if t.refused == nil && t.working.Err() != nil {
		t.refused = wire.ToFault(connect.Retry(errStopping, 0))
	}
	if t.refused != nil {
		t.send(t.words.done(&contract.Done{Number: o.number, Fault: t.refused}))
		return
	}
	t.current.Store(&o.records)
	err := guard("Put", func() error { return task.Put(t.working, o.records) })
	t.current.Store(nil)
	done := &contract.Done{Number: o.number}
	var partly *connect.BatchError
	if errors.As(err, &partly) {
		for i, cause := range partly.Failed {
			done.Failed = append(done.Failed, &contract.FailedRecord{Index: uint32(i), Fault: wire.ToFault(cause)})
		}
		err = nil
	}
	done.Fault = wire.ToFault(err)
	if t.refused = done.Fault; errors.As(err, new(*connect.RetryError)) {
		t.asksAgain()
	}
	t.send(t.words.done(done))
}

// commit asks the task how far it is.
func (t *sinkTask) commit(committer connect.PreCommitter, q *contract.CommitQuestion) {
	ctx, cancel := within(t.alive, q.GetTimeoutMs())
	defer cancel()
	var safe connect.Offsets
	err := guard("PreCommit", func() (err error) {
		safe, err = committer.PreCommit(ctx, wire.FromSinkOffsets(q.GetPut()))
		return err
	})
	t.send(t.words.commit(&contract.CommitAnswer{Number: q.GetNumber(), Safe: wire.ToSinkOffsets(safe), Fault: wire.ToFault(err)}))
}

// drain lets the task finish what it has in flight.
func (t *sinkTask) drain(drainer connect.Drainer, m *contract.Drain) {
	ctx, cancel := within(t.alive, m.GetTimeoutMs())
	defer cancel()
	err := guard("Drain", func() error {
		drainer.Drain(ctx)
		return nil
	})
	t.send(t.words.done(&contract.Done{Number: m.GetNumber(), Fault: wire.ToFault(err)}))
}

// Suspended implements connect.SinkContext.
func (t *sinkTask) Suspended() <-chan struct{} { return t.lease.suspended() }

// Pause implements connect.SinkContext.
func (t *sinkTask) Pause(partitions ...connect.TopicPartition) {
	t.send(t.words.pause(&contract.Pause{Partitions: wire.ToTopicPartitions(partitions)}))
}

// Resume implements connect.SinkContext.
func (t *sinkTask) Resume(partitions ...connect.TopicPartition) {
	t.send(t.words.resume(&contract.Pause{Partitions: wire.ToTopicPartitions(partitions)}))
}

// Rewind implements connect.SinkContext. Called in Assigned it is exact; called later, up to the credit's worth of records that are on their way come
// before.
func (t *sinkTask) Rewind(offsets connect.Offsets) {
	t.send(t.words.rewind(&contract.Rewind{Offsets: wire.ToSinkOffsets(offsets)}))
}

// RequestCommit implements connect.SinkContext.
func (t *sinkTask) RequestCommit() { t.send(t.words.requestCommit()) }

// Report implements connect.SinkContext. Of a record that Put has in hand the worker still has its own; any other is sent to it.
func (t *sinkTask) Report(ctx context.Context, record *connect.SinkRecord, cause error) error {
	report := &contract.Report{
		Topic: record.Consumed.Topic, Partition: record.Consumed.Partition, Offset: record.Offset, Cause: wire.ToFault(cause),
	}
	if !t.inHand(record) {
		var sender wire.Sender
		sent, schemas, err := sender.SinkRecord(record)
		if err != nil {
			return fmt.Errorf("reporting a record to the worker: %w", err)
		}
		report.Record, report.Schemas = sent, schemas.New
	}
	answer, err := t.reported.ask(ctx, t.alive, func(number uint64) {
		report.Number = number
		t.send(t.words.report(report))
	})
	if err != nil {
		return err
	}
	return wire.FromFault(answer.GetFault())
}

// inHand reports whether a record is one of those that Put has at present.
func (t *sinkTask) inHand(record *connect.SinkRecord) bool {
	records := t.current.Load()
	if records == nil {
		return false
	}
	for i := range *records {
		if &(*records)[i] == record {
			return true
		}
	}
	return false
}

var _ connect.SinkContext = (*sinkTask)(nil)
