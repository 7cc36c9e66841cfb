package remote

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// polls is how many of the runtime's batches make the window of a source task, which is what may be under way that Poll has not taken: the plugin fills
// one while the worker works on the other.
const polls = 2

// What may come while there is no credit: records that must not be cut apart. A plugin that sends more, instead of waiting for credit, does not heed it.
const (
	debtRecords = 100_000
	debtBytes   = 32 << 20
)

// sourceTask is one source task in a plugin's process.
type sourceTask struct {
	*taskStream
	rt      connect.SourceContext
	decoder *wire.SourceDecoder
	opened  chan *contract.SourceOpened // capacity 1
	began   bool                        // of the reader: opened has come

	// Of the task's goroutine: what the next credit gives back, and that it answers a batch that asked for another try.
	records int
	bytes   int
	again   bool
	// windowed: the first Poll has given the plugin its window.
	windowed bool

	arrived arrived
	more    chan struct{} // capacity 1: something has arrived
}

// batch is a SourceBatch message as it came.
type batch struct {
	raw     []byte
	records int
}

// size is what credit counts for it: the message that carries it.
func (b batch) size() int { return protowire.SizeTag(2) + protowire.SizeBytes(len(b.raw)) }

// arrived are the batches that Poll has not taken.
type arrived struct {
	mu      sync.Mutex
	batches []batch
	empty   int // batches of no records since Poll was called, when nothing else was there
	credit  extent
	debt    extent // what has come since there was credit
}

// extent is how much records are.
type extent struct{ records, bytes int }

func (e *extent) add(records, bytes int) {
	e.records += records
	e.bytes += bytes
}

var stopSource = &contract.ToSource{Message: &contract.ToSource_Stop{Stop: &contract.StopTask{}}}

// next is the reader's: it takes one message in.
func (t *sourceTask) next() error {
	m := &wire.FromSource{}
	if err := t.stream.RecvMsg(m); err != nil {
		return err
	}
	if m.Message == nil && len(m.Batch) > 0 {
		return t.take(m.Batch) // credit bounds these
	}
	t.hear(messageCost)
	if m.Message == nil {
		return t.take(nil)
	}
	switch of := m.Message.GetMessage().(type) {
	case *contract.FromSource_Opened:
		if t.began {
			return t.broke("it opened a task twice")
		}
		t.began = true
		t.opened <- of.Opened
	case *contract.FromSource_Offset:
		if !t.errands.add(func() { t.answer(of.Offset) }) {
			return t.broke("it asks for too many offsets at once")
		}
	case *contract.FromSource_Waiting:
		t.waits(of.Waiting)
	case *contract.FromSource_Healthy:
		t.well()
	case *contract.FromSource_Fail:
		t.fail(wire.FromFault(of.Fail))
	case *contract.FromSource_Log:
		t.logs(of.Log)
	case *contract.FromSource_Metrics:
		t.measures(of.Metrics)
	case *contract.FromSource_Closed:
		t.ends(of.Closed)
	}
	return nil
}

// take keeps a batch for Poll.
func (t *sourceTask) take(raw []byte) error {
	if !t.began {
		return t.broke("it sent records for a task that it had not opened")
	}
	came := batch{raw, wire.Count(raw)}
	a := &t.arrived
	a.mu.Lock()
	switch {
	case len(raw) > 0:
		a.batches = append(a.batches, came)
		if a.credit.records > 0 && a.credit.bytes > 0 {
			a.debt = extent{}
		}
		a.credit.add(-came.records, -came.size())
		a.debt.add(came.records, came.size())
	case len(a.batches) == 0:
		a.empty++
	}
	debt := a.debt
	a.mu.Unlock()
	if debt.records > debtRecords || debt.bytes > debtBytes {
		return t.broke("it does not heed credit: without any it sent %d records in %d bytes", debt.records, debt.bytes)
	}
	t.nudge()
	return nil
}

func (t *sourceTask) nudge() {
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// Poll implements connect.SourceTask. It takes batches until b is full. Without records it returns when the plugin has said twice that it has none: what
// was there when Poll was called has then been looked for.
func (t *sourceTask) Poll(ctx context.Context, b *connect.Batch) error {
	enough := 2
	if t.again {
		enough = 1 // the plugin waits for this call
	}
	t.arrived.mu.Lock()
	t.arrived.empty = 0
	t.arrived.mu.Unlock()
	t.grant(b)
	for {
		next, idle := t.pop()
		if next.raw == nil && (b.Len() > 0 || len(b.TransactionEnds()) > 0 || idle >= enough) {
			return nil
		}
		if next.raw == nil {
			if stop, err := t.awaitMore(ctx); stop || err != nil {
				return err
			}
			continue
		}
		t.records += next.records
		t.bytes += next.size()
		fault, err := t.decoder.Decode(next.raw, b)
		if err != nil {
			err = t.broke("%v", err)
			t.breakOff(err)
			return err
		}
		if err := wire.FromFault(fault); err != nil {
			t.again = errors.As(err, new(*connect.RetryError))
			return err
		}
		if b.Full() {
			return nil
		}
	}
}

// grant gives back what the last Poll took; the first time it gives the window, by what fills b.
func (t *sourceTask) grant(b *connect.Batch) {
	credit := &contract.Credit{Records: uint32(t.records), Bytes: uint64(t.bytes)}
	switch {
	case !t.windowed:
		t.windowed = true
		records, bytes := b.Limits()
		credit.Records, credit.Bytes = uint32(polls*records), uint64(polls*bytes)
	case t.records == 0 && t.bytes == 0 && !t.again:
		return
	}
	t.records, t.bytes, t.again = 0, 0, false
	t.arrived.mu.Lock()
	t.arrived.credit.add(int(credit.GetRecords()), int(credit.GetBytes()))
	t.arrived.mu.Unlock()
	t.out.put(&contract.ToSource{Message: &contract.ToSource_Credit{Credit: credit}})
}

// pop takes a batch, one without bytes where there is none; then idle says how often the plugin had none either.
func (t *sourceTask) pop() (next batch, idle int) {
	a := &t.arrived
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.batches) == 0 {
		return batch{}, a.empty
	}
	next, a.batches = a.batches[0], a.batches[1:]
	return next, 0
}

// waiting reports whether there is a batch to take.
func (t *sourceTask) waiting() bool {
	t.arrived.mu.Lock()
	defer t.arrived.mu.Unlock()
	return len(t.arrived.batches) > 0
}

// awaitMore waits until something has arrived. stop tells that Poll shall return.
func (t *sourceTask) awaitMore(ctx context.Context) (stop bool, err error) {
	select {
	case <-t.more:
		return false, nil
	case <-ctx.Done():
		return true, nil
	case <-t.over:
		if t.waiting() {
			return false, nil // what came before the end counts
		}
		return true, t.failure()
	}
}

// answer reads an offset for the plugin.
func (t *sourceTask) answer(q *contract.OffsetQuestion) {
	answer := &contract.OffsetAnswer{Number: q.GetNumber()}
	attrs, err := wire.FromAttrs(q.GetPartition())
	if err == nil {
		var at connect.Offset
		if at, err = t.rt.Offset(t.life, t.rt.PartitionOf(attrs...)); err == nil {
			answer.Offset, err = wire.ToOffset(at)
		}
	}
	answer.Fault = wire.ToFault(err)
	t.out.put(&contract.ToSource{Message: &contract.ToSource_Offset{Offset: answer}})
}

// Close implements connect.SourceTask.
func (t *sourceTask) Close(ctx context.Context) error {
	return t.end(ctx, stopSource, func(timeout int64) any {
		return &contract.ToSource{Message: &contract.ToSource_Close{Close: &contract.CloseTask{TimeoutMs: timeout}}}
	})
}

// acknowledgedTask is a source task that wants receipts.
type acknowledgedTask struct{ *sourceTask }

// Ack implements connect.Acker: it sends the receipts and returns. What fails there fails the task.
func (t acknowledgedTask) Ack(_ context.Context, done []connect.Receipt) error {
	t.out.put(t.decoder.Receipts(done))
	return nil
}
