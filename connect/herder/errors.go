package herder

import (
	"errors"
	"fmt"
)

// NotFoundError says that there is no such connector, task or plugin. Its text is Kafka Connect's, which differs from call to call.
type NotFoundError struct{ Message string }

func (e *NotFoundError) Error() string { return e.Message }

// ExistsError says that a connector to be created is there already.
type ExistsError struct{ Name string }

func (e *ExistsError) Error() string { return fmt.Sprintf("Connector %s already exists", e.Name) }

// InvalidError says that the request is wrong: a configuration with errors, a name that does not match.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

// NotLeaderError says that another worker has to do this. URL is that worker's, "" where none is known.
type NotLeaderError struct{ URL string }

func (e *NotLeaderError) Error() string {
	if e.URL == "" {
		return "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
	}
	return "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
}

// DisabledError says that the worker's configuration does not allow what was asked for.
type DisabledError struct{ Message string }

func (e *DisabledError) Error() string { return e.Message }

// OffsetsError says that a connector's offsets could not be read or changed. Its text is Kafka Connect's, with the cause, where there is one, added.
type OffsetsError struct {
	Message string
	Cause   error
}

func (e *OffsetsError) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

func (e *OffsetsError) Unwrap() error { return e.Cause }

// RebalanceError says that the group is dividing its work anew, so that the answer would be stale at once.
type RebalanceError struct{}

func (*RebalanceError) Error() string {
	return "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"
}

// StageError says that the herder did not answer in time, and what it was doing.
type StageError struct{ Stage string }

func (e *StageError) Error() string { return e.Stage }

// unknownOr gives an error that says "not found" another text, as Kafka Connect's calls differ in it.
func unknownOr(err error, format, name string) error {
	if gone := new(NotFoundError); errors.As(err, &gone) {
		return unknownConnector(format, name)
	}
	return err
}
