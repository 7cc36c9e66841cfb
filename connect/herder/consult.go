package herder

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// consultTime is how long a plugin may think about offsets: less than the 90 s after which REST gives up.
const consultTime = 60 * time.Second

// busy is a set of connectors that something is being done to. It is safe for concurrent use; the zero value is empty.
type busy struct {
	mu    sync.Mutex
	names map[string]bool
}

// enter reports false where the connector is in already.
func (b *busy) enter(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names[name] {
		return false
	}
	if b.names == nil {
		b.names = map[string]bool{}
	}
	b.names[name] = true
	return true
}

func (b *busy) leave(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.names, name)
}

// consult asks the connector's plugin about new offsets, on a goroutine that is left behind if it does not return in time. While one is, the
// connector's offsets stay as they are, so that a plugin which hangs leaves one goroutine and no more.
func (c *stoppedConnector) consult(ctx context.Context, ask func(ctx context.Context) error) error {
	if !c.h.consulted.enter(c.name) {
		return c.failed(errors.New("an earlier request has not got its answer from the connector's AlterOffsets yet"))
	}
	ctx, cancel := context.WithTimeout(c.secrets.Context(ctx), consultTime)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		defer c.h.consulted.leave(c.name)
		defer func() {
			if what := recover(); what != nil {
				c.h.Log.Error("the connector's AlterOffsets panicked", "connector", c.name, "panic", c.secrets.Removed(fmt.Sprint(what)), "stack", string(debug.Stack()))
				answer <- c.failed(fmt.Errorf("the connector's AlterOffsets panicked: %v", what))
			}
		}()
		answer <- ask(ctx)
	}()
	select {
	case err := <-answer:
		if errors.Is(err, errors.ErrUnsupported) {
			return &OffsetsError{Message: fmt.Sprintf("Failed to modify offsets for connector %s because it doesn't support external modification of offsets",
				c.name)}
		}
		return c.secrets.Error(err)
	case <-ctx.Done():
		return &OffsetsError{Message: fmt.Sprintf("Timed out while calling the 'alterOffsets' method for %s connector %s", c.class.Type, c.name)}
	}
}
