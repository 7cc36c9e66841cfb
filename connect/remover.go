package connect

import (
	"context"
	"log/slog"
)

// Remover is a connector, a source or a sink, that leaves something behind in its system which nobody needs once it is deleted: a session, a
// subscription, a replication slot.
type Remover interface {
	// Remove is told that a connector was deleted, once, by the worker that had it, some seconds later and after the tasks there have ended. It is not
	// told of a stop, of a move to another worker, or of a connector that is made again within those seconds; nor where the worker ends before, so that
	// it may never come. ctx ends after half a minute, and when the connector is made again meanwhile. The error is logged.
	Remove(ctx context.Context, gone Removal) error
}

// Removal is a connector that was deleted.
type Removal struct {
	// Config is its configuration, with what it referred to.
	Config Config
	// Offsets are a source's, as its tasks have stored them. They stay: a connector that is made again under the same name goes on from them.
	Offsets []SourceOffset
	// Log says the connector's name.
	Log *slog.Logger
}
