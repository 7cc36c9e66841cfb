package worker

import (
	"context"
	"errors"
)

// Fencing keeps tasks of earlier generations from writing beside those of an exactly-once source's newest one.
type Fencing interface {
	// Fence returns when the producers of earlier generations of a connector's tasks cannot write any more. An error made by [connect.Retry] means
	// that another call may succeed.
	Fence(ctx context.Context, connector string) error
	// Current reads the configuration to its end, and returns [ErrSuperseded] unless the task's is still of that generation and the task is still to
	// run in this worker.
	Current(ctx context.Context, id TaskID, generation int) error
}

// ErrSuperseded says that a task is of an earlier generation, or another worker's. It will be stopped.
var ErrSuperseded = errors.New("the connector has other tasks by now, or this one is another worker's")
