package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sluice-connect/sluice/connect"
)

// layered is a connector's own offset store above the worker's (KIP-618).
type layered struct {
	own    OffsetStore
	shared OffsetStore
	copies *outbox // to the worker's store
}

// NewLayeredOffsetStore is the store of a connector with its own offsets.storage.topic. What it lacks is looked up in the worker's store, so
// that a connector that is given a topic goes on where it was, and what it stores is copied there beside it, so that one whose topic is taken away
// does so too. A copy that fails is tried again, and nothing waits for it; but a deletion is made in the worker's store first, else it would come back
// from there.
//
// Start and Close are those of the connector's store and of the copies: the worker's store belongs to the worker.
func NewLayeredOffsetStore(own, shared OffsetStore, logger *slog.Logger) OffsetStore {
	return &layered{own: own, shared: shared, copies: newOutbox(func(ctx context.Context, records ...Record) error {
		return shared.Put(ctx, records)
	}, "copying offsets to the worker's topic", new(Outages), orDiscard(logger))}
}

func (l *layered) Start(ctx context.Context) error {
	if err := l.own.Start(ctx); err != nil {
		return err
	}
	l.copies.start(context.WithoutCancel(ctx))
	return nil
}

func (l *layered) Close(ctx context.Context) error {
	return errors.Join(l.copies.close(ctx), l.own.Close(ctx))
}

// Topic is the connector's.
func (l *layered) Topic() string { return l.own.Topic() }

func (l *layered) Outage() Outage {
	if o := l.own.Outage(); o.Cause != nil {
		return o
	}
	return l.shared.Outage()
}

// Encode takes the key under which the connector's store knows the partition. A deletion names the forms of both.
func (l *layered) Encode(dst []Record, connector string, p *connect.Partition, offset connect.Offset) ([]Record, error) {
	first := len(dst)
	dst, err := l.own.Encode(dst, connector, p, offset)
	if err != nil || !offset.IsZero() {
		return dst, err
	}
	forms, err := l.shared.Encode(nil, connector, p, offset)
	for _, r := range forms {
		if !contains(dst[first:], r.Key) {
			dst = append(dst, r)
		}
	}
	return dst, err
}

func contains(records []Record, key []byte) bool {
	for _, r := range records {
		if string(r.Key) == string(key) {
			return true
		}
	}
	return false
}

func (l *layered) Put(ctx context.Context, records []Record) error {
	return l.put(ctx, records, func() error { return l.own.Put(ctx, records) })
}

func (l *layered) PutBy(ctx context.Context, write Writer, records []Record) error {
	return l.put(ctx, records, func() error { return l.own.PutBy(ctx, write, records) })
}

func (l *layered) put(ctx context.Context, records []Record, write func() error) error {
	if err := l.deleteShared(ctx, records); err != nil {
		return fmt.Errorf("deleting from the worker's offsets: %w", err)
	}
	if err := write(); err != nil {
		return err
	}
	for _, r := range records {
		if r.Value != nil {
			l.copies.put(string(r.Key), message{value: r.Value, wanted: always})
		}
	}
	return nil
}

// deleteShared makes the deletions among the records in the worker's store, where no copy of before may come after them.
func (l *layered) deleteShared(ctx context.Context, records []Record) error {
	var deletions []Record
	for _, r := range records {
		if r.Value != nil {
			continue
		}
		if err := l.copies.withdraw(ctx, string(r.Key)); err != nil {
			return err
		}
		deletions = append(deletions, r)
	}
	if len(deletions) == 0 {
		return nil
	}
	return l.shared.Put(ctx, deletions)
}

func (l *layered) Get(ctx context.Context, connector string, partitions []*connect.Partition) ([]connect.Offset, error) {
	found, err := l.own.Get(ctx, connector, partitions)
	if err != nil {
		return nil, err
	}
	fallback, err := l.shared.Get(ctx, connector, partitions)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].IsZero() {
			found[i] = fallback[i]
		}
	}
	return found, nil
}

func (l *layered) Stored(ctx context.Context, connector string) ([]StoredOffset, error) {
	own, err := l.own.Stored(ctx, connector)
	shared, errShared := l.shared.Stored(ctx, connector)
	if err := errors.Join(err, errShared); err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(own))
	for _, o := range own {
		known[identity(o.Partition.Attrs(), false)] = true
	}
	for _, o := range shared {
		if !known[identity(o.Partition.Attrs(), false)] {
			own = append(own, o)
		}
	}
	return own, nil
}
