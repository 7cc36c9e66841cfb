package herder

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
)

const (
	// farewellDelay is how long a connector must be away before its class is told that it was deleted. Who deletes one to make it again, with other
	// settings, wants it to go on where it was.
	farewellDelay = 10 * time.Second
	// farewellTime is how long the class may take.
	farewellTime = 30 * time.Second
)

// farewells tells the classes of connectors that ran here of their deletion. It belongs to the mind's goroutine.
type farewells struct {
	h     *Herder
	delay time.Duration
	due   map[string]context.CancelFunc // by connector
}

// look begins what is due for connectors that are gone, and gives up what is due for one that is back.
func (f *farewells) look(state *stores.ConfigState, gone map[string]connect.Config) {
	for name, cancel := range f.due {
		if state.Contains(name) {
			cancel()
			delete(f.due, name)
		}
	}
	for name, config := range gone {
		if state.Contains(name) {
			continue
		}
		if cancel := f.due[name]; cancel != nil { // deleted, made again and deleted
			cancel()
		}
		ctx, cancel := context.WithCancel(f.h.ended)
		f.due[name] = cancel
		f.h.background.Go(func() {
			defer cancel()
			f.h.farewell(ctx, name, config, f.delay)
		})
	}
}

// farewell tells the class of a deleted connector.
func (h *Herder) farewell(ctx context.Context, name string, config connect.Config, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if h.worker.Released(ctx) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewellTime)
	defer cancel()
	if err := h.remove(ctx, name, config); err != nil {
		h.Log.Warn("what the deleted connector has left in its system may still be there", "connector", name, "error", err)
	}
}

// remove calls the class on a goroutine that is left behind if it does not heed ctx.
func (h *Herder) remove(ctx context.Context, name string, config connect.Config) error {
	if class, err := validation.ClassOf(h.Catalog, config); err == nil {
		if _, ok := class.Plugin.(connect.Remover); !ok {
			return nil // and nothing is looked up for it
		}
	}
	resolved, err := h.Providers.Resolve(ctx, config)
	if err != nil {
		return err
	}
	class, err := validation.ClassOf(h.Catalog, resolved.Config)
	if err != nil {
		return resolved.Secrets.Error(err)
	}
	remover, ok := class.Plugin.(connect.Remover)
	if !ok {
		return nil
	}
	gone := connect.Removal{Config: resolved.Config, Log: resolved.Secrets.Logger(h.Log.With("connector", name))}
	if class.Type == catalog.Source {
		if gone.Offsets, err = h.storedOffsets(ctx, name, resolved.Config); err != nil {
			return resolved.Secrets.Error(err)
		}
	}
	answer := make(chan error, 1)
	go func() { answer <- h.tellRemoved(ctx, remover, gone, resolved.Secrets) }()
	select {
	case err := <-answer:
		return resolved.Secrets.Error(err)
	case <-ctx.Done():
		return fmt.Errorf("the connector's Remove has not returned: %w", ctx.Err())
	}
}

// storedOffsets are those of a source.
func (h *Herder) storedOffsets(ctx context.Context, name string, config connect.Config) (offsets []connect.SourceOffset, err error) {
	err = h.withOffsets(ctx, name, config, func(store stores.OffsetStore) error {
		stored, err := store.Stored(ctx, name)
		for _, o := range stored {
			offsets = append(offsets, connect.SourceOffset(o))
		}
		return err
	})
	return offsets, err
}

func (h *Herder) tellRemoved(ctx context.Context, remover connect.Remover, gone connect.Removal, secrets redaction.Values) (err error) {
	defer func() {
		if what := recover(); what != nil {
			gone.Log.Error("the connector's Remove panicked", "panic", secrets.Removed(fmt.Sprint(what)), "stack", string(debug.Stack()))
			err = errors.New("the connector's Remove panicked")
		}
	}()
	return remover.Remove(ctx, gone)
}
