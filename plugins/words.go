package plugins

import "github.com/sluice-connect/sluice/plugins/contract"

// sourceWords are words of a Source stream.
type sourceWords struct{}

func (sourceWords) log(m *contract.LogLine) any {
	return &contract.FromSource{Message: &contract.FromSource_Log{Log: m}}
}

func (sourceWords) metrics(m *contract.Metrics) any {
	return &contract.FromSource{Message: &contract.FromSource_Metrics{Metrics: m}}
}

func (sourceWords) waiting(m *contract.Waiting) any {
	return &contract.FromSource{Message: &contract.FromSource_Waiting{Waiting: m}}
}

func (sourceWords) healthy() any {
	return &contract.FromSource{Message: &contract.FromSource_Healthy{Healthy: &contract.Healthy{}}}
}

func (sourceWords) fail(m *contract.Fault) any {
	return &contract.FromSource{Message: &contract.FromSource_Fail{Fail: m}}
}

func (sourceWords) closed(m *contract.TaskClosed) any {
	return &contract.FromSource{Message: &contract.FromSource_Closed{Closed: m}}
}

func (sourceWords) opened(fault *contract.Fault, acks bool) any {
	return &contract.FromSource{Message: &contract.FromSource_Opened{Opened: &contract.SourceOpened{Fault: fault, Acks: acks}}}
}

// nothing is a batch of no records: it says that there is no more at hand, or that what had failed works again.
func (sourceWords) nothing() any {
	return &contract.FromSource{Message: &contract.FromSource_Batch{Batch: &contract.SourceBatch{}}}
}

func (sourceWords) offset(q *contract.OffsetQuestion) any {
	return &contract.FromSource{Message: &contract.FromSource_Offset{Offset: q}}
}

// sinkWords are words of a Sink stream.
type sinkWords struct{}

func (sinkWords) log(m *contract.LogLine) any {
	return &contract.FromSink{Message: &contract.FromSink_Log{Log: m}}
}

func (sinkWords) metrics(m *contract.Metrics) any {
	return &contract.FromSink{Message: &contract.FromSink_Metrics{Metrics: m}}
}

func (sinkWords) waiting(m *contract.Waiting) any {
	return &contract.FromSink{Message: &contract.FromSink_Waiting{Waiting: m}}
}

func (sinkWords) healthy() any {
	return &contract.FromSink{Message: &contract.FromSink_Healthy{Healthy: &contract.Healthy{}}}
}

func (sinkWords) fail(m *contract.Fault) any {
	return &contract.FromSink{Message: &contract.FromSink_Fail{Fail: m}}
}

func (sinkWords) closed(m *contract.TaskClosed) any {
	return &contract.FromSink{Message: &contract.FromSink_Closed{Closed: m}}
}

func (sinkWords) opened(m *contract.SinkOpened) any {
	return &contract.FromSink{Message: &contract.FromSink_Opened{Opened: m}}
}

func (sinkWords) done(m *contract.Done) any {
	return &contract.FromSink{Message: &contract.FromSink_Done{Done: m}}
}

func (sinkWords) commit(m *contract.CommitAnswer) any {
	return &contract.FromSink{Message: &contract.FromSink_Commit{Commit: m}}
}

func (sinkWords) report(m *contract.Report) any {
	return &contract.FromSink{Message: &contract.FromSink_Report{Report: m}}
}

func (sinkWords) pause(m *contract.Pause) any {
	return &contract.FromSink{Message: &contract.FromSink_Pause{Pause: m}}
}

func (sinkWords) resume(m *contract.Pause) any {
	return &contract.FromSink{Message: &contract.FromSink_Resume{Resume: m}}
}

func (sinkWords) rewind(m *contract.Rewind) any {
	return &contract.FromSink{Message: &contract.FromSink_Rewind{Rewind: m}}
}

func (sinkWords) requestCommit() any {
	return &contract.FromSink{Message: &contract.FromSink_RequestCommit{RequestCommit: &contract.RequestCommit{}}}
}
