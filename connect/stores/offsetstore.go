package stores

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sluice-connect/sluice/connect"
)

// OffsetStore keeps where the sources are. Encoding and writing are two steps, so that a task with exactly-once delivery can write its
// offsets in its own transaction. All methods are safe for concurrent use once Start has returned.
type OffsetStore interface {
	// Start reads what there is. It keeps trying until ctx ends while brokers are out of reach.
	Start(ctx context.Context) error
	// Topic is where encoded records belong; "" where they can only be given to Put.
	Topic() string
	// Encode appends to dst what stores an offset: one record, or for the zero Offset, which deletes, one for each form of
	// the key that is known. A nil partition stands for a source that has none. Members that are neither text, number, boolean, bytes nor null
	// are refused.
	Encode(dst []Record, connector string, p *connect.Partition, offset connect.Offset) ([]Record, error)
	// Put writes encoded records and returns when they are safe.
	Put(ctx context.Context, records []Record) error
	// PutBy is Put with another writer: a transaction, which commits them with the records that they are the offsets of.
	PutBy(ctx context.Context, write Writer, records []Record) error
	// Get reads to the end, then returns an offset for each partition, the zero Offset where there is none. Numbers come back as
	// int64 and float64, bytes as Base64 text.
	Get(ctx context.Context, connector string, partitions []*connect.Partition) ([]connect.Offset, error)
	// Stored reads to the end, then lists all that is known of a connector, in the order of the partitions' texts.
	Stored(ctx context.Context, connector string) ([]StoredOffset, error)
	// Outage tells whether the store can read at present.
	Outage() Outage
	// Close ends the store, waiting for what is being written until ctx ends.
	Close(ctx context.Context) error
}

// Writer writes encoded offsets to the topic that they belong to, and returns when they are safe.
type Writer func(ctx context.Context, topic string, records []Record) error

// StoredOffset is a source partition and its offset.
type StoredOffset struct {
	Partition *connect.Partition
	Offset    connect.Offset
}

// EncodeReset returns the records that delete every offset of a connector.
func EncodeReset(ctx context.Context, s OffsetStore, connector string) ([]Record, error) {
	stored, err := s.Stored(ctx, connector)
	if err != nil {
		return nil, err
	}
	for i := range stored {
		stored[i].Offset = connect.Offset{}
	}
	return EncodeAll(s, connector, stored)
}

// EncodeAll returns the records that store these offsets of a connector.
func EncodeAll(s OffsetStore, connector string, offsets []StoredOffset) (records []Record, err error) {
	for _, o := range offsets {
		if records, err = s.Encode(records, connector, o.Partition, o.Offset); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// offsets is the store on any journal.
type offsets struct {
	journal journal
	topic   string
	view    offsetView
	logger  *slog.Logger
}

// NewOffsetStore is the store on a topic made by [OffsetTopic].
func NewOffsetStore(k Kafka, topic Topic) OffsetStore {
	s := &offsets{topic: topic.Name, logger: k.logger().With("topic", topic.Name)}
	s.journal = NewLog(k, topic, s.replay)
	return s
}

// NewFileOffsetStore is the store of a standalone worker in the file of offset.storage.file.filename, which may be one that Java's
// FileOffsetBackingStore wrote. A missing file is an empty store.
func NewFileOffsetStore(path string, logger *slog.Logger) OffsetStore {
	s := &offsets{logger: orDiscard(logger).With("file", path)}
	s.journal = &file{path: path, deliver: s.replay}
	return s
}

func (s *offsets) Start(ctx context.Context) error {
	if err := s.journal.Start(ctx); err != nil {
		return fmt.Errorf("starting the offset store: %w", err)
	}
	return nil
}

func (s *offsets) Topic() string { return s.topic }

func (s *offsets) replay(e Entry) {
	if err := s.view.apply(e); err != nil {
		s.logger.Warn("ignoring an offset record", "key", string(e.Key), "partition", e.Partition, "offset", e.Offset, "cause", err)
	}
}

func (s *offsets) Encode(dst []Record, connector string, p *connect.Partition, offset connect.Offset) ([]Record, error) {
	if err := Members(partitionMembers(p)).CheckPrimitive(); err != nil {
		return dst, fmt.Errorf("encoding the source partition: %w", err)
	}
	if err := Members(offset.Attrs()).CheckPrimitive(); err != nil {
		return dst, fmt.Errorf("encoding the source offset: %w", err)
	}
	keys := s.view.keys(connector, p)
	if offset.IsZero() {
		for _, key := range keys {
			dst = append(dst, Record{Key: key})
		}
		return dst, nil
	}
	return append(dst, Record{Key: keys[0], Value: appendObject(nil, hashOrder(offset.Attrs()))}), nil
}

func (s *offsets) Put(ctx context.Context, records []Record) error {
	if err := s.journal.Send(ctx, records...); err != nil {
		return fmt.Errorf("storing offsets: %w", err)
	}
	return nil
}

func (s *offsets) PutBy(ctx context.Context, write Writer, records []Record) error {
	return write(ctx, s.topic, records)
}

func (s *offsets) Get(ctx context.Context, connector string, partitions []*connect.Partition) ([]connect.Offset, error) {
	if err := s.journal.ReadToEnd(ctx); err != nil {
		return nil, fmt.Errorf("reading offsets: %w", err)
	}
	found := make([]connect.Offset, 0, len(partitions))
	for _, p := range partitions {
		found = append(found, s.view.get(connector, p))
	}
	return found, nil
}

func (s *offsets) Stored(ctx context.Context, connector string) ([]StoredOffset, error) {
	if err := s.journal.ReadToEnd(ctx); err != nil {
		return nil, fmt.Errorf("reading offsets: %w", err)
	}
	return s.view.list(connector), nil
}

func (s *offsets) Outage() Outage { return s.journal.Outage() }

func (s *offsets) Close(ctx context.Context) error { return s.journal.Close(ctx) }
