package stores

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// Record is a key and a value to be written. A nil Value is a tombstone: it deletes what stands under the key.
type Record struct{ Key, Value []byte }

// Entry is a record that was read back.
type Entry struct {
	Record
	Partition int32
	Offset    int64
	Timestamp time.Time
	Headers   []*sarama.RecordHeader // the stores' own records have none
}

// Outage is why, and since when, a store stands still. The Cause is nil while it does not. The store tries again by itself.
type Outage struct {
	Cause error
	Since time.Time
}

// journal is where a store's records are kept. Entries come to the store's callback one at a time, those of a partition in
// order, also those from before Start.
type journal interface {
	// Start returns when everything written so far has been delivered.
	Start(ctx context.Context) error
	// ReadToEnd returns when everything written before the call has been delivered.
	ReadToEnd(ctx context.Context) error
	// Send returns when the records are stored. They are delivered some time after that.
	Send(ctx context.Context, records ...Record) error
	// Outage tells since when and why the journal is out of reach.
	Outage() Outage
	// Close ends deliveries. When ctx ends first, it returns without having waited for everything.
	Close(ctx context.Context) error
}

var (
	_ journal = (*Log)(nil)
	_ journal = (*memory)(nil)
	_ journal = (*file)(nil)
)
