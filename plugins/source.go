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

// sourceTask runs one source task. The stream's goroutine reads what the worker says, one opens, polls and closes the author's task, and one beside it
// passes receipts on.
type sourceTask struct {
	*task
	words      sourceWords
	partitions connect.Partitions
	encoder    wire.SourceEncoder
	credit     *credit
	receipts   *queue[[]byte]
	questions  questions[*contract.OffsetAnswer]
}

// Source implements contract.PluginServer.
func (s *server) Source(stream grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
	first := &wire.ToSource{}
	if err := stream.RecvMsg(first); err != nil {
		return err
	}
	open := first.Message.GetOpen()
	if open == nil {
		return status.Error(codes.InvalidArgument, "the first message of a stream must be open")
	}
	common, end := s.newTask(open, stream, sourceWords{})
	defer end()
	t := &sourceTask{task: common, credit: newCredit(), receipts: newQueue[[]byte]()}
	connector, err := s.source(open.GetClass())
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
func (t *sourceTask) listen(stream grpc.ServerStream) {
	defer t.receipts.close()
	for {
		m := &wire.ToSource{}
		if err := stream.RecvMsg(m); err != nil {
			t.orphaned()
			return
		}
		if m.Message == nil {
			t.receipts.put(m.Receipts)
			continue
		}
		switch m := m.Message.GetMessage().(type) {
		case *contract.ToSource_Credit:
			t.credit.add(m.Credit)
		case *contract.ToSource_Offset:
			t.questions.answer(m.Offset.GetNumber(), m.Offset)
		case *contract.ToSource_Stop:
			t.stop()
		case *contract.ToSource_Close:
			t.close(time.Duration(m.Close.GetTimeoutMs()) * time.Millisecond)
			return
		}
	}
}

// refuse says that there is no task.
func (t *sourceTask) refuse(err error) {
	t.send(t.words.opened(wire.ToFault(err), false))
	t.send(t.words.closed(&contract.TaskClosed{}))
}

// work is the task's goroutine.
func (t *sourceTask) work(connector connect.SourceConnector) {
	var task connect.SourceTask
	err := guard("Open", func() (err error) {
		task, err = connector.Open(t.working, t)
		return err
	})
	if err != nil {
		t.refuse(err)
		return
	}
	acker, acks := task.(connect.Acker)
	if acks {
		t.encoder.Ledger = &wire.Ledger{}
	}
	t.send(t.words.opened(nil, acks))
	var acking sync.WaitGroup
	if acks {
		acking.Go(func() { t.acknowledge(acker) })
	}
	t.poll(task)
	timeout := t.awaitClose()
	acking.Wait() // nothing is acknowledged after Close
	t.finish(timeout, task.Close)
}

// emptyEvery is how often a batch of no records says that there is no more at hand.
const emptyEvery = 50 * time.Millisecond

// poll polls until the task shall stop, or has failed.
func (t *sourceTask) poll(task connect.SourceTask) {
	var batch *connect.Batch
	var said time.Time // when the last empty batch was sent
	retried := false   // the last poll asked for another
	for t.credit.await(t.working) {
		if batch == nil {
			batch = connect.NewBatch(int(t.credit.poll.records), int(t.credit.poll.bytes))
		}
		batch.Reset()
		err := guard("Poll", func() error { return task.Poll(t.working, batch) })
		if err != nil && t.working.Err() != nil {
			err = nil // it says that it was asked to return
		}
		if err == nil && batch.Len() == 0 && len(batch.TransactionEnds()) == 0 {
			if now := time.Now(); retried || now.Sub(said) >= emptyEvery {
				said, retried = now, false
				t.send(t.words.nothing())
			}
			continue
		}
		seen := t.credit.seen() // what came before the fault is no answer to it
		t.sendBatch(batch, err)
		if retried = err != nil; retried {
			if !errors.As(err, new(*connect.RetryError)) {
				return
			}
			t.asksAgain()
			if !t.credit.awaitAgain(t.working, seen) {
				return
			}
		}
	}
}

// sendBatch sends what was polled.
func (t *sourceTask) sendBatch(batch *connect.Batch, fault error) {
	records := batch.Len()
	for _, m := range t.encoder.Encode(batch, wire.ToFault(fault)) {
		t.credit.spend(records, m.Len())
		records = 0
		t.send(m)
	}
}

// acknowledge passes on receipts until there will be none.
func (t *sourceTask) acknowledge(acker connect.Acker) {
	for {
		raw, ok := t.receipts.take(t.alive)
		if !ok {
			return
		}
		receipts, err := t.encoder.Ledger.Expand(raw)
		if err == nil && len(receipts) > 0 {
			err = guard("Ack", func() error { return acker.Ack(t.alive, receipts) })
		}
		if err != nil {
			t.Fail(fmt.Errorf("acknowledging to the source: %w", err))
			return
		}
	}
}

// Partition implements connect.SourceContext.
func (t *sourceTask) Partition(kv ...string) *connect.Partition {
	return t.partitions.Intern(connect.Strings(kv...)...)
}

// PartitionOf implements connect.SourceContext.
func (t *sourceTask) PartitionOf(attrs ...connect.Attr) *connect.Partition {
	return t.partitions.Intern(attrs...)
}

// Offset implements connect.SourceContext.
func (t *sourceTask) Offset(ctx context.Context, p *connect.Partition) (connect.Offset, error) {
	attrs, err := wire.ToAttrs(p.Attrs())
	if err != nil {
		return connect.Offset{}, err
	}
	answer, err := t.questions.ask(ctx, t.alive, func(number uint64) {
		t.send(t.words.offset(&contract.OffsetQuestion{Number: number, Partition: attrs}))
	})
	if err != nil {
		return connect.Offset{}, err
	}
	if err := wire.FromFault(answer.GetFault()); err != nil {
		return connect.Offset{}, err
	}
	return wire.FromOffset(answer.GetOffset())
}

// Transactional implements connect.SourceContext.
func (t *sourceTask) Transactional() bool { return t.open.GetTransactional() }

var _ connect.SourceContext = (*sourceTask)(nil)
