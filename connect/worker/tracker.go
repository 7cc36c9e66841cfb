package worker

import (
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// tracker knows every record between Poll and its acknowledgement and lets acknowledgements out in order: for each source partition
// the finished prefix, nothing before it (org.apache.kafka.connect.runtime.SubmittedRecords, which keeps a deque of objects where
// this keeps a ring of pointers). It is the window too: what it holds is bounded in records and bytes by its callers' waiting for room.
//
// One lock a batch, never one a record.
type tracker struct {
	maxRecords, maxBytes int
	// transactional: what Kafka does not get leaves with the transaction that its offset is in, not by itself.
	transactional bool

	mu       sync.Mutex
	rings    []ring // by 1 + Partition.Index(); 0 is for records without source partition
	touched  []int  // rings with news since the last advance
	first    *slab  // those handed over and not emptied, in the order of Poll
	last     *slab
	slabs    slabs
	records  int
	bytes    int
	telling  int                          // receipts that are out but not told to the task yet
	room     chan struct{}                // capacity 1: a token when the window has shrunk
	progress time.Time                    // when a record last left
	emptied  func(s *slab, now time.Time) // told of each slab of which the last record has left, under the lock; nil for nobody
}

// ring is the queue of one source partition.
type ring struct {
	slots   []*slot // power of two
	head    int
	len     int
	touched bool

	partition *connect.Partition
	offset    connect.Offset // of the last record that left
	moved     uint64         // counts changes of offset
	stored    uint64         // moved when offset was last stored
}

func newTracker(maxRecords, maxBytes int) *tracker {
	return &tracker{maxRecords: maxRecords, maxBytes: maxBytes, room: make(chan struct{}, 1), progress: time.Now()}
}

// take returns a slab for n records that Poll has just returned.
func (t *tracker) take(n int) *slab {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slabs.get(n)
	s.polled, s.stamp = now, -1
	return s
}

// full reports whether the window has no room for another batch.
func (t *tracker) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records >= t.maxRecords || t.bytes >= t.maxBytes
}

// submit takes charge of a batch, in order. It reports whether some of it is settled by that, so that somebody must settle. The slab stays as
// it is until letGo, even when all of its records have left.
func (t *tracker) submit(s *slab, now time.Time) (settled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.open = len(s.slots) + 1
	if t.records == 0 {
		t.progress = now
	}
	s.prev = t.last
	if t.last == nil {
		t.first = s
	} else {
		t.last.next = s
	}
	t.last = s
	for i := range s.slots {
		sl := &s.slots[i]
		at := 0
		if p := sl.receipt.Source; p != nil {
			at = p.Index() + 1
		}
		for at >= len(t.rings) {
			t.rings = append(t.rings, ring{})
		}
		r := &t.rings[at]
		r.partition = sl.receipt.Source
		r.push(sl)
		t.bytes += sl.size
		if sl.skipped && !t.transactional {
			sl.settled, settled = true, true
			t.touch(at)
		}
	}
	t.records += len(s.slots)
	return settled
}

// letGo says that the sender of a slab is through with it.
func (t *tracker) letGo(s *slab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(s)
}

// leave counts down what keeps a slab.
func (t *tracker) leave(s *slab) {
	if s.open--; s.open == 0 {
		t.retire(s)
	}
}

// mark notes what became of records and leaves it to the next settle to let receipts out.
func (t *tracker) mark(finished []*slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.markLocked(finished)
}

func (t *tracker) markLocked(finished []*slot) {
	for _, s := range finished {
		s.settled = true
		at := 0
		if p := s.receipt.Source; p != nil {
			at = p.Index() + 1
		}
		t.touch(at)
	}
}

// settle notes what became of records and appends to done the receipts of all that may now be acknowledged. The caller tells them, and then
// calls told.
func (t *tracker) settle(finished []*slot, done []connect.Receipt, now time.Time) []connect.Receipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.markLocked(finished)
	before := len(done)
	for _, at := range t.touched {
		done = t.advance(&t.rings[at], done)
	}
	t.touched = t.touched[:0]
	if len(done) > before {
		t.telling += len(done) - before
		t.progress = now
		t.makeRoom()
	}
	return done
}

// told says that n receipts have reached the task.
func (t *tracker) told(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.telling -= n
	t.makeRoom()
}

func (t *tracker) makeRoom() {
	select {
	case t.room <- struct{}{}:
	default:
	}
}

// idle reports whether nothing is under way, neither to Kafka nor back to the task.
func (t *tracker) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records == 0 && t.telling == 0
}

func (t *tracker) touch(at int) {
	if r := &t.rings[at]; !r.touched {
		r.touched = true
		t.touched = append(t.touched, at)
	}
}

// advance lets the settled prefix of a ring out.
func (t *tracker) advance(r *ring, done []connect.Receipt) []connect.Receipt {
	r.touched = false
	mask := len(r.slots) - 1
	for r.len > 0 {
		s := r.slots[r.head&mask]
		if !s.settled {
			break
		}
		r.slots[r.head&mask] = nil
		r.head++
		r.len--
		r.offset = s.receipt.Offset
		r.moved++
		done = append(done, s.receipt)
		t.records--
		t.bytes -= s.size
		t.leave(s.slab)
	}
	return done
}

// retire takes an emptied slab out of the list of those handed over, wherever it stands: one stuck source partition must not hold the
// memory of the others.
func (t *tracker) retire(s *slab) {
	if s.prev == nil {
		t.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		t.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	if t.emptied != nil {
		t.emptied(s, time.Now())
	}
	t.slabs.put(s)
}

func (r *ring) push(s *slot) {
	if r.len == len(r.slots) {
		grown := make([]*slot, max(64, 2*len(r.slots)))
		for i := range r.len {
			grown[i] = r.slots[(r.head+i)&(len(r.slots)-1)]
		}
		r.slots, r.head = grown, 0
	}
	r.slots[(r.head+r.len)&(len(r.slots)-1)] = s
	r.len++
}

// unsettled returns what must be sent again after the producer was lost, in the order of Poll: up to the slot until, or all where that is nil.
func (t *tracker) unsettled(until *slot) []*slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	var again []*slot
	for s := t.first; s != nil; s = s.next {
		for i := range s.slots {
			if &s.slots[i] == until {
				return again
			}
			if !s.slots[i].settled {
				again = append(again, &s.slots[i])
			}
		}
	}
	return again
}

// stalled returns how long no record has left although some wait, and how many wait.
func (t *tracker) stalled(now time.Time) (time.Duration, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.records == 0 {
		return 0, 0
	}
	return now.Sub(t.progress), t.records
}

// filling tells how full the window is.
func (t *tracker) filling(now time.Time) filling {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := filling{records: t.records, bytes: t.bytes, maxRecords: t.maxRecords, maxBytes: t.maxBytes}
	if t.first != nil && t.records > 0 {
		f.oldest = now.Sub(t.first.polled)
	}
	return f
}

// position is an offset to be stored.
type position struct {
	partition *connect.Partition
	offset    connect.Offset
	ring      int
	moved     uint64
}

// positions returns the offsets that have moved since they were last stored.
func (t *tracker) positions() []position {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []position
	for i := range t.rings {
		r := &t.rings[i]
		if r.partition != nil && r.moved != r.stored && !r.offset.IsZero() {
			out = append(out, position{r.partition, r.offset, i, r.moved})
		}
	}
	return out
}

// stored notes that positions are in the offset store. What has moved since stays due.
func (t *tracker) stored(positions []position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range positions {
		t.rings[p.ring].stored = p.moved
	}
}
