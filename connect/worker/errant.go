package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// stageName says where a record failed, in Kafka Connect's words (org.apache.kafka.connect.runtime.errors.Stage).
type stageName string

const (
	stagePoll      stageName = "TASK_POLL"
	stageTransform stageName = "TRANSFORMATION"
	stageKey       stageName = "KEY_CONVERTER"
	stageValue     stageName = "VALUE_CONVERTER"
	stageHeader    stageName = "HEADER_CONVERTER"
	stageProduce   stageName = "KAFKA_PRODUCE"
	stagePut       stageName = "TASK_PUT"
)

// The classes that Java names for stages that are its runtime's own.
const (
	classProduce = "org.apache.kafka.connect.runtime.WorkerSourceTask"
	classPut     = "org.apache.kafka.connect.sink.SinkTask"
)

// fault is where and why a record could not be handled (org.apache.kafka.connect.runtime.errors.ProcessingContext).
type fault struct {
	stage stageName
	class string // Java's name of the class that was at work
	cause error
}

// exception is the Java class that stands for the cause: tools tell dead letters apart by it. An error of its own class has the method JavaException.
func (f *fault) exception() string {
	var own interface{ JavaException() string }
	switch {
	case errors.As(f.cause, &own):
		return own.JavaException()
	case tooLarge(f.cause):
		return "org.apache.kafka.common.errors.RecordTooLargeException"
	case errors.Is(f.cause, connect.ErrData):
		return "org.apache.kafka.connect.errors.DataException"
	case errors.As(f.cause, new(*connect.RetryError)):
		return "org.apache.kafka.connect.errors.RetriableException"
	}
	return "org.apache.kafka.connect.errors.ConnectException"
}

// message is the cause without the name of its class, which [fault.exception] tells.
func (f *fault) message() string {
	return strings.TrimPrefix(f.cause.Error(), connect.ErrData.Error()+": ")
}

// tooLarge reports whether a record has no room in any request, or in its topic.
func tooLarge(cause error) bool {
	return errors.Is(cause, sarama.ErrMessageSizeTooLarge) || errors.Is(cause, sarama.ErrMessageSetSizeTooLarge) ||
		errors.As(cause, new(sarama.ConfigurationError))
}

// ErrToleranceExceeded is the class of failures of a task because of one record, with errors.tolerance=none.
var ErrToleranceExceeded = errors.New("tolerance exceeded in error handler (with errors.tolerance=all such records are skipped)")

// errantPolicy decides about records that cannot be handled (the errors.* keys). It is safe for concurrent use.
type errantPolicy struct {
	tolerate     bool // errors.tolerance=all
	logEach      bool // errors.log.enable
	logRecords   bool // errors.log.include.messages
	retryTimeout time.Duration
	task         TaskID
	log          *slog.Logger
	metrics      *errorMetrics
}

// judge returns nil for a record to be skipped, or the error that ends the task. where names the record for people without its content; details
// are what the log adds with errors.log.include.messages.
func (p *errantPolicy) judge(f *fault, where string, details func() string) error {
	again := new(connect.RetryError)
	retriable := errors.As(f.cause, &again)
	p.metrics.failed(f.stage, retriable, p.tolerate)
	if p.logEach {
		p.tell(f, details)
	}
	if p.tolerate {
		return nil
	}
	if retriable {
		return fmt.Errorf("%w: %s of %s: %w (it may pass: raise errors.retry.timeout, at present %v, to try for longer)",
			ErrToleranceExceeded, f.stage, where, again.Cause, p.retryTimeout)
	}
	return fmt.Errorf("%w: %s of %s: %w", ErrToleranceExceeded, f.stage, where, f.cause)
}

// tell logs a record that could not be handled, in Java's words (org.apache.kafka.connect.runtime.errors.LogReporter).
func (p *errantPolicy) tell(f *fault, details func() string) {
	about := ""
	if p.logRecords {
		about = details()
	}
	p.log.Error(fmt.Sprintf("Error encountered in task %s-%d. Executing stage '%s' with class '%s'%s.",
		p.task.Connector, p.task.Task, f.stage, f.class, about), "error", f.cause)
	p.metrics.logged.Inc()
}
