package wire

import (
	"errors"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// ToFault is an error as the contract has it: its text, and the class by which the other side acts. nil gives nil.
func ToFault(err error) *contract.Fault {
	var config *connect.ConfigError
	var retry *connect.RetryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &retry):
		after := retry.After
		if after > 0 {
			after = max(after, time.Millisecond)
		}
		return &contract.Fault{Message: valid(err.Error()), Class: contract.Fault_RETRY, RetryAfterMs: after.Milliseconds()}
	case errors.As(err, &config):
		return &contract.Fault{Message: valid(config.Reason), Class: contract.Fault_CONFIG, Key: valid(config.Key)}
	case errors.Is(err, connect.ErrData):
		return &contract.Fault{Message: valid(err.Error()), Class: contract.Fault_DATA}
	case errors.Is(err, connect.ErrUnsupported):
		return &contract.Fault{Message: valid(err.Error()), Class: contract.Fault_UNSUPPORTED}
	}
	return &contract.Fault{Message: valid(err.Error())}
}

// FromFault is the reverse: an error made by [connect.Retry], a [*connect.ConfigError], or one of class [connect.ErrData] or [connect.ErrUnsupported]. nil
// gives nil. A class that is not known counts as FAILED.
func FromFault(f *contract.Fault) error {
	if f == nil {
		return nil
	}
	switch f.GetClass() {
	case contract.Fault_RETRY:
		const longest = 24 * time.Hour // what is more is a mistake, and must not overflow
		ms := min(max(f.GetRetryAfterMs(), 0), longest.Milliseconds())
		return connect.Retry(&fault{text: f.GetMessage()}, time.Duration(ms)*time.Millisecond)
	case contract.Fault_CONFIG:
		return &connect.ConfigError{Key: f.GetKey(), Reason: f.GetMessage()}
	case contract.Fault_DATA:
		return &fault{text: f.GetMessage(), class: connect.ErrData}
	case contract.Fault_UNSUPPORTED:
		return &fault{text: f.GetMessage(), class: connect.ErrUnsupported}
	}
	return &fault{text: f.GetMessage()}
}

// fault is an error of the other side, in its words.
type fault struct {
	text  string
	class error
}

func (f *fault) Error() string {
	if f.text == "" {
		return "an error without a text"
	}
	return f.text
}

func (f *fault) Unwrap() error { return f.class }
