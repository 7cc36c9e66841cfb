package worker

import (
	"errors"
	"fmt"
	"log/slog"
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

// ErrToleranceExceeded is the class of failures of a task because of one record, with errors.tolerance=none.
var ErrToleranceExceeded = errors.New("tolerance exceeded in error handler (with errors.tolerance=all such records are skipped)")

// errantPolicy decides about records that cannot be handled (the errors.* keys).
type errantPolicy struct {
	tolerate bool // errors.tolerance=all
	logEach  bool // errors.log.enable
	log      *slog.Logger
	metrics  *errorMetrics
}

// judge returns nil for a record to be skipped, or the error that ends the task.
func (p *errantPolicy) judge(at stageName, where string, cause error) error {
	p.metrics.failed()
	if p.logEach {
		p.log.Error("error encountered in task", "stage", string(at), "record", where, "error", cause)
	}
	if p.tolerate {
		p.metrics.skipped()
		return nil
	}
	return fmt.Errorf("%w: %s of %s: %w", ErrToleranceExceeded, at, where, cause)
}
