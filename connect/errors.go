package connect

import (
	"errors"
	"fmt"
	"time"
)

// RetryError asks for the same call again. Make it with [Retry]; the runtime finds it with errors.As.
type RetryError struct {
	Cause error
	// After is how long to wait before the next try; 0 leaves it to the runtime (a back-off from 1 s to 60 s).
	After time.Duration
}

// Retry says that the call may succeed later: the runtime repeats it after d, again and again, and meanwhile the task's
// status says `retrying: ` with the cause. A nil cause gives nil.
func Retry(cause error, d time.Duration) error {
	if cause == nil {
		return nil
	}
	return &RetryError{Cause: cause, After: d}
}

// Error returns the cause's text: what an operator reads is the reason, not the mechanism.
func (e *RetryError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Cause }

// BatchError says that a sink took a batch except for some records. Those go to the connector's error handling (errors.*
// keys); the rest counts as taken. An error of any other type means that none was taken.
type BatchError struct {
	// Failed has the cause for each refused record, by its position in the batch.
	Failed map[int]error
}

// Error names how many records were refused and one of the causes.
func (e *BatchError) Error() string {
	first := -1
	for i := range e.Failed {
		if first < 0 || i < first {
			first = i
		}
	}
	if first < 0 {
		return "no record refused"
	}
	return fmt.Sprintf("%d records refused, the first: %v", len(e.Failed), e.Failed[first])
}

// ConfigError is a refused configuration: the key, the reason and what to do.
type ConfigError struct {
	Key    string
	Reason string
}

// Error frames the reason with the key.
func (e *ConfigError) Error() string { return e.Key + ": " + e.Reason }

// ErrUnsupported is returned by an optional ability that cannot do what is asked with this configuration. It is of class [errors.ErrUnsupported].
var ErrUnsupported = fmt.Errorf("%w by this connector", errors.ErrUnsupported)
