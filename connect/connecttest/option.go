package connecttest

import (
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Option changes the runtime of [StartSource] or [StartSink].
type Option func(*options)

type options struct {
	patience  time.Duration
	records   int
	bytes     int
	window    int
	holdAcks  bool
	taskID    int
	committed []stored
	// transactional is [Transactional].
	transactional bool
}

// retryDelay is the longest that the runtime waits before it repeats a call that asked for it: a test has no minutes to spare.
const retryDelay = 20 * time.Millisecond

func settle(opts []Option) options {
	o := options{patience: 10 * time.Second, records: 500, bytes: 1 << 20, window: 10_000}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// Patience is how long any wait may last before it is a failure of the test; 10 s by default.
func Patience(d time.Duration) Option { return func(o *options) { o.patience = d } }

// BatchSize is the number of records that fill a batch; 500 by default.
func BatchSize(records int) Option { return func(o *options) { o.records = records } }

// Window is how many records a source may have in flight, and how many the test may leave untaken, before Poll is not called any
// more; 10 000 by default. A small one shows whether back-pressure reaches the source's system.
func Window(records int) Option { return func(o *options) { o.window = records } }

// HoldAcks makes a source's records wait for [Source.Ack] or [Source.Release].
func HoldAcks() Option { return func(o *options) { o.holdAcks = true } }

// Transactional tells the task that records and their offsets are stored together, as on a worker for exactly-once sources.
func Transactional() Option { return func(o *options) { o.transactional = true } }

// TaskID is the task's number; 0 by default.
func TaskID(n int) Option { return func(o *options) { o.taskID = n } }

// Stored puts an offset into the store before the task starts: what an earlier life left there. kv is the source partition, names
// and values in turn.
func Stored(at connect.Offset, kv ...string) Option { return StoredOf(at, connect.Strings(kv...)...) }

// StoredOf is Stored for members of other kinds.
func StoredOf(at connect.Offset, partition ...connect.Attr) Option {
	return func(o *options) { o.committed = append(o.committed, stored{partition, at}) }
}
