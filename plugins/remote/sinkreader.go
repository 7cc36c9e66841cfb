package remote

import (
	"errors"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// next is the reader's: it takes one message in.
func (t *sinkTask) next() error {
	m := &contract.FromSink{}
	if err := t.stream.RecvMsg(m); err != nil {
		return err
	}
	if m.GetDone() == nil { // what was put bounds these
		t.hear(messageCost)
	}
	switch of := m.GetMessage().(type) {
	case *contract.FromSink_Opened:
		if t.began {
			return t.broke("it opened a task twice")
		}
		t.began = true
		t.opened <- of.Opened
	case *contract.FromSink_Done:
		return t.done(of.Done)
	case *contract.FromSink_Commit:
		return t.committed(of.Commit)
	case *contract.FromSink_Report:
		return t.report(of.Report)
	case *contract.FromSink_Pause:
		t.rt.Pause(wire.FromTopicPartitions(of.Pause.GetPartitions())...)
	case *contract.FromSink_Resume:
		t.rt.Resume(wire.FromTopicPartitions(of.Resume.GetPartitions())...)
	case *contract.FromSink_Rewind:
		t.rt.Rewind(wire.FromSinkOffsets(of.Rewind.GetOffsets()))
	case *contract.FromSink_RequestCommit:
		t.rt.RequestCommit()
	case *contract.FromSink_Waiting:
		t.waits(of.Waiting)
	case *contract.FromSink_Healthy:
		t.well()
	case *contract.FromSink_Fail:
		t.fail(wire.FromFault(of.Fail))
	case *contract.FromSink_Log:
		t.logs(of.Log)
	case *contract.FromSink_Metrics:
		t.measures(of.Metrics)
	case *contract.FromSink_Closed:
		t.ends(of.Closed)
	}
	return nil
}

// done takes in the answer to a Put, or to Assigned or Revoked.
func (t *sinkTask) done(m *contract.Done) error {
	o := &t.outstanding
	o.mu.Lock()
	defer o.mu.Unlock()
	fault := wire.FromFault(m.GetFault())
	if m.GetNumber() == t.asked && t.asked != 0 {
		t.asked = 0
		t.answered <- answer{err: fault}
		return nil
	}
	if at := slices.Index(t.late, m.GetNumber()); at >= 0 {
		t.late = slices.Delete(t.late, at, at+1)
		return nil
	}
	p := o.find(m.GetNumber())
	if p == nil {
		return t.broke("it said done of %d, which is not what it has to answer next", m.GetNumber())
	}
	defer o.signal()
	if fault != nil {
		p.state = refused
		t.refused(fault)
		return nil
	}
	if o.retried {
		o.retried, o.pause = false, 0
		t.rt.Healthy()
	}
	if len(m.GetFailed()) == 0 {
		o.remove(p)
		t.sendAgain()
		return nil
	}
	return t.reportFailed(p, m.GetFailed())
}

// maxPause is the longest back-off before a Put is sent again, where the plugin does not say when.
const maxPause = time.Minute

// refused sees to a Put that was not taken: it is sent again later, or ends the task. One that is refused because the task stops comes again after the
// next start.
func (t *sinkTask) refused(fault error) {
	o := &t.outstanding
	var again *connect.RetryError
	switch {
	case t.stopping():
		return
	case !errors.As(fault, &again):
		t.fail(fault)
		return
	case o.again != nil: // one behind it
		t.sendAgain()
		return
	}
	wait := again.After
	if wait <= 0 {
		o.pause = min(max(2*o.pause, time.Second), maxPause)
		wait = o.pause
	}
	o.again, o.due, o.anew = again, time.Now().Add(wait), true
	t.rt.Waiting(again.Cause, o.due)
	o.timer = time.AfterFunc(wait, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		t.sendAgain()
	})
}

// sendAgain sends what was refused, when it is due and nothing of it is under way any more.
func (t *sinkTask) sendAgain() {
	o := &t.outstanding
	if o.finished || o.again == nil || time.Now().Before(o.due) || o.busy() {
		return
	}
	puts := o.puts
	o.puts, o.again, o.retried = nil, nil, true
	for _, p := range puts {
		t.sendPut(p.records) // all of them have been encoded before
	}
	o.signal()
}

// reportFailed hands the records of a Put that alone were not taken to the error handling. Until that has them the Put is not done.
func (t *sinkTask) reportFailed(p *put, failed []*contract.FailedRecord) error {
	for _, f := range failed {
		if int(f.GetIndex()) >= len(p.records) {
			return t.broke("it refused record %d of a Put of %d", f.GetIndex(), len(p.records))
		}
	}
	p.state = reporting
	ok := t.errands.add(func() {
		for _, f := range failed {
			cause := wire.FromFault(f.GetFault())
			if cause == nil {
				cause = errors.New("the plugin refused the record without a reason")
			}
			if err := t.rt.Report(t.life, &p.records[f.GetIndex()], cause); err != nil {
				t.fail(err)
				t.reported(func(*outstanding) { p.state = refused })
				return
			}
		}
		t.reported(func(o *outstanding) { o.remove(p) })
	})
	if !ok {
		return t.broke("it refuses more records than the error handling takes")
	}
	return nil
}

// reported notes what the error handling said of a Put.
func (t *sinkTask) reported(note func(o *outstanding)) {
	o := &t.outstanding
	o.mu.Lock()
	defer o.mu.Unlock()
	note(o)
	t.sendAgain()
	o.signal()
}

// report hands a record to the error handling: the one that was put, or else the one that the plugin has sent.
func (t *sinkTask) report(m *contract.Report) error {
	o := &t.outstanding
	o.mu.Lock()
	record := o.record(connect.TopicPartition{Topic: m.GetTopic(), Partition: m.GetPartition()}, m.GetOffset())
	o.mu.Unlock()
	if record == nil {
		if m.GetRecord() == nil {
			return t.broke("it reports the record at offset %d of %s-%d, which it does not have", m.GetOffset(), m.GetTopic(), m.GetPartition())
		}
		var receiver wire.Receiver
		record = &connect.SinkRecord{}
		if err := receiver.Learn(false, m.GetSchemas()); err != nil {
			return t.broke("it reports a record: %v", err)
		}
		if err := receiver.SinkRecord(m.GetRecord(), record); err != nil {
			return t.broke("it reports a record: %v", err)
		}
	}
	cause := wire.FromFault(m.GetCause())
	if cause == nil {
		cause = errors.New("the plugin reported the record without a reason")
	}
	ok := t.errands.add(func() {
		err := t.rt.Report(t.life, record, cause)
		t.out.put(&contract.ToSink{Message: &contract.ToSink_Reported{Reported: &contract.Reported{Number: m.GetNumber(), Fault: wire.ToFault(err)}}})
	})
	if !ok {
		return t.broke("it reports more records than the error handling takes")
	}
	return nil
}

// committed takes in the answer to PreCommit. One that comes too late is dropped.
func (t *sinkTask) committed(m *contract.CommitAnswer) error {
	o := &t.outstanding
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := slices.Index(t.late, m.GetNumber()); at >= 0 {
		t.late = slices.Delete(t.late, at, at+1)
		return nil
	}
	if m.GetNumber() != t.asked || t.asked == 0 {
		return t.broke("it answered a commit that was not asked for")
	}
	t.asked = 0
	t.answered <- answer{safe: wire.FromSinkOffsets(m.GetSafe()), err: wire.FromFault(m.GetFault())}
	return nil
}
