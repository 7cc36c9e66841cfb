package remote

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// sinkTask is one sink task in a plugin's process. Puts are sent ahead of the Dones of earlier ones, as far as the plugin's credit goes; their records
// stay here until they are done, and PreCommit commits nothing of them.
type sinkTask struct {
	*taskStream
	rt      connect.SinkContext
	opened  chan *contract.SinkOpened // capacity 1
	began   bool                      // of the reader: opened has come
	commits bool
	assigns bool
	drains  bool
	// What may be put that is not done; 0: one Put at a time.
	mostRecords int
	mostBytes   int

	outstanding outstanding
	encoder     wire.PutEncoder // guarded by outstanding.mu, as are the next
	asked       uint64          // the number of the question that the task's goroutine waits with, 0 for none
	answered    chan answer
	late        []uint64 // questions whose answers nobody waits for any more
}

// answer answers Assigned, Revoked or PreCommit.
type answer struct {
	safe connect.Offsets
	err  error
}

var stopSink = &contract.ToSink{Message: &contract.ToSink_Stop{Stop: &contract.StopTask{}}}

// What a plugin's credit counts for at most: the records are kept here until they are done.
const (
	mostCreditRecords = 100_000
	mostCreditBytes   = 16 << 20
)

// agree takes in what the task is like.
func (t *sinkTask) agree(m *contract.SinkOpened) {
	t.commits, t.assigns, t.drains = m.GetCommits(), m.GetAssigns(), m.GetDrains()
	if m.GetCredit() != nil {
		t.mostRecords = int(min(m.GetCredit().GetRecords(), mostCreditRecords))
		t.mostBytes = int(min(m.GetCredit().GetBytes(), mostCreditBytes))
	}
}

// Put implements connect.SinkTask. It returns when the records are sent, and waits before that while the plugin has no credit for them. While the plugin
// wants earlier ones tried again later, so does Put.
func (t *sinkTask) Put(ctx context.Context, records []connect.SinkRecord) error {
	o := &t.outstanding
	for {
		if err := t.ended(); err != nil {
			return err
		}
		o.mu.Lock()
		if again := o.again; again != nil {
			rest := max(time.Until(o.due), time.Millisecond)
			o.mu.Unlock()
			return connect.Retry(again.Cause, rest)
		}
		if t.room(len(records)) {
			refused := t.sendPut(records)
			o.mu.Unlock()
			if refused != nil {
				return &connect.BatchError{Failed: refused}
			}
			return nil
		}
		o.mu.Unlock()
		if err := t.awaitChange(ctx); err != nil {
			return err
		}
	}
}

// ended is why nothing can be put any more; nil while it can.
func (t *sinkTask) ended() error {
	if err := t.failure(); err != nil {
		return err
	}
	return t.gone()
}

// gone is why nothing can be asked any more, which a task that has failed by what it said itself can.
func (t *sinkTask) gone() error {
	select {
	case <-t.over:
		if err := t.failure(); err != nil {
			return err
		}
		return errClosed
	default:
		return nil
	}
}

var errClosed = errors.New("the plugin's task is closed")

// awaitChange waits until something has happened to what is outstanding.
func (t *sinkTask) awaitChange(ctx context.Context) error {
	select {
	case <-t.outstanding.changed:
		return nil
	case <-t.over:
		return t.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// room reports whether so many records may be put. A Put that is larger than the credit goes alone.
func (t *sinkTask) room(records int) bool {
	o := &t.outstanding
	if len(o.puts) == 0 {
		return true
	}
	return o.records+records <= t.mostRecords && o.bytes < t.mostBytes
}

// sendPut sends records as one Put, or as several where one message cannot take them, and returns those that the contract cannot carry.
func (t *sinkTask) sendPut(records []connect.SinkRecord) (cannot map[int]error) {
	o := &t.outstanding
	for at := 0; at < len(records); {
		number := o.number()
		if o.anew {
			number = o.number()
		}
		out, n, err := t.encoder.Encode(number, records[at:])
		if err != nil {
			o.last-- // it was not used; a Put that begins anew still leaves one out
			if o.anew {
				o.last--
			}
			if cannot == nil {
				cannot = map[int]error{}
			}
			cannot[at] = err
			at++
			continue
		}
		o.anew = false
		o.puts = append(o.puts, &put{number: number, records: records[at : at+n : at+n], bytes: out.Len()})
		t.out.put(out)
		at += n
	}
	o.count()
	return cannot
}

// Close implements connect.SinkTask.
func (t *sinkTask) Close(ctx context.Context) error {
	o := &t.outstanding
	o.mu.Lock()
	o.finished = true
	if o.timer != nil {
		o.timer.Stop()
	}
	o.mu.Unlock()
	return t.end(ctx, stopSink, func(timeout int64) any {
		return &contract.ToSink{Message: &contract.ToSink_Close{Close: &contract.CloseTask{TimeoutMs: timeout}}}
	})
}

// PreCommit implements connect.PreCommitter. It waits for what is under way, and asks the plugin how far it is with the rest. What was refused, or not
// answered in time, is not committed.
func (t *sinkTask) PreCommit(ctx context.Context, offsets connect.Offsets) (connect.Offsets, error) {
	o := &t.outstanding
	err := t.awaitDone(ctx)
	o.mu.Lock()
	offsets = o.held(maps.Clone(offsets))
	o.mu.Unlock()
	if !t.commits {
		return offsets, nil // what is done counts
	}
	if err != nil {
		return nil, err
	}
	a, err := t.ask(ctx, func(number uint64) any {
		return &contract.ToSink{Message: &contract.ToSink_Commit{Commit: &contract.CommitQuestion{
			Number: number, Put: wire.ToSinkOffsets(offsets), TimeoutMs: timeoutOf(ctx),
		}}}
	})
	if err != nil {
		return nil, err
	}
	return a.safe, a.err
}

// awaitDone waits until nothing that was put is under way any more.
func (t *sinkTask) awaitDone(ctx context.Context) error {
	o := &t.outstanding
	for {
		o.mu.Lock()
		busy := o.busy() && o.again == nil
		o.mu.Unlock()
		if !busy {
			return nil
		}
		if err := t.awaitChange(ctx); err != nil {
			return err
		}
	}
}

// Drain implements connect.Drainer. What comes of it the PreCommit after it says.
func (t *sinkTask) Drain(ctx context.Context) {
	if t.awaitDone(ctx) != nil || !t.drains {
		return
	}
	_, _ = t.ask(ctx, func(number uint64) any {
		return &contract.ToSink{Message: &contract.ToSink_Drain{Drain: &contract.Drain{Number: number, TimeoutMs: timeoutOf(ctx)}}}
	})
}

// Assigned implements connect.Assigner.
func (t *sinkTask) Assigned(ctx context.Context, partitions []connect.TopicPartition) error {
	if !t.assigns {
		return nil
	}
	a, err := t.ask(ctx, func(number uint64) any {
		return &contract.ToSink{Message: &contract.ToSink_Assigned{Assigned: &contract.Assigned{Number: number, Partitions: wire.ToTopicPartitions(partitions)}}}
	})
	if err != nil {
		return err
	}
	return a.err
}

// Revoked implements connect.Assigner.
func (t *sinkTask) Revoked(ctx context.Context, partitions []connect.TopicPartition) error {
	t.outstanding.mu.Lock()
	t.outstanding.drop(partitions)
	t.outstanding.mu.Unlock()
	if !t.assigns {
		return nil
	}
	a, err := t.ask(ctx, func(number uint64) any {
		return &contract.ToSink{Message: &contract.ToSink_Revoked{Revoked: &contract.Assigned{Number: number, Partitions: wire.ToTopicPartitions(partitions)}}}
	})
	if err != nil {
		return err
	}
	return a.err
}

// ask puts a question of the task's goroutine and waits for the answer.
func (t *sinkTask) ask(ctx context.Context, message func(number uint64) any) (answer, error) {
	if err := t.gone(); err != nil {
		return answer{}, err
	}
	answered := make(chan answer, 1)
	o := &t.outstanding
	o.mu.Lock()
	number := o.number()
	t.asked, t.answered = number, answered
	t.out.put(message(number))
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if t.asked == number {
			t.asked, t.late = 0, append(t.late, number)
		}
	}()
	select {
	case a := <-answered:
		return a, nil
	case <-t.over:
		return answer{}, t.gone()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}
