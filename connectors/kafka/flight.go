package kafka

import (
	"sync"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// flight is one record on its way. The message points into it, so that nothing is allocated a record.
type flight struct {
	message    sarama.ProducerMessage
	key, value encoded
	slab       *slab
	lane       *lane
	record     *connect.SinkRecord
	landed     bool
	refused    error // why the target does not want this record
}

// slab is the flights of one batch. It is used again when its last flight is behind the acknowledged prefix.
type slab struct {
	flights []flight
	left    int
}

// encoded is bytes as sarama wants them, by pointer: a slice in an interface would be an allocation.
type encoded struct{ bytes []byte }

func (e *encoded) Encode() ([]byte, error) { return e.bytes, nil }
func (e *encoded) Length() int             { return len(e.bytes) }

// flights follows records until the target has them. For each partition consumed it knows the prefix that has landed. The task's goroutine and
// the one that takes the producer's answers share it.
type flights struct {
	mu      sync.Mutex
	lanes   map[connect.TopicPartition]*lane
	free    []*slab
	aloft   int           // not landed
	refused []*flight     // landed, because the target does not want them, and not reported yet
	landing chan struct{} // capacity 1: aloft went down, or the session failed
}

// lane is the records of one consumed partition in order.
type lane struct {
	queue []*flight
	head  int
	safe  int64 // behind the last record of the landed prefix
}

// freeSlabs is how many slabs are kept for use again.
const freeSlabs = 8

func newFlights() *flights {
	return &flights{lanes: map[connect.TopicPartition]*lane{}, landing: make(chan struct{}, 1)}
}

// slab returns room for n flights.
func (f *flights) slab(n int) *slab {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.free) - 1; i >= 0; i-- {
		if s := f.free[i]; cap(s.flights) >= n {
			f.free = append(f.free[:i], f.free[i+1:]...)
			s.flights = s.flights[:n]
			return s
		}
	}
	return &slab{flights: make([]flight, n)}
}

// launch notes the records of a slab, before they are sent.
func (f *flights) launch(s *slab) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.left = len(s.flights)
	f.aloft += len(s.flights)
	for i := range s.flights {
		at := s.flights[i].record.Consumed
		l := f.lanes[at]
		if l == nil {
			l = &lane{safe: -1}
			f.lanes[at] = l
		}
		s.flights[i].lane = l
		l.queue = append(l.queue, &s.flights[i])
	}
}

// land notes that flights have come to an end; each may have its refusal.
func (f *flights) land(landed []*flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aloft -= len(landed)
	for _, fl := range landed {
		fl.landed = true
		if fl.refused != nil {
			f.refused = append(f.refused, fl)
		}
		f.advance(fl.lane)
	}
	f.nudge()
}

// nudge wakes who waits for a landing.
func (f *flights) nudge() {
	select {
	case f.landing <- struct{}{}:
	default:
	}
}

// advance moves a lane's prefix over what has landed. A refused record holds it until it is reported.
func (f *flights) advance(l *lane) {
	for l.head < len(l.queue) && l.queue[l.head].landed && l.queue[l.head].refused == nil {
		fl := l.queue[l.head]
		l.queue[l.head] = nil
		l.head++
		l.safe = fl.record.Offset + 1
		f.release(fl.slab)
	}
	if l.head == len(l.queue) {
		l.queue, l.head = l.queue[:0], 0
	} else if l.head > 4096 && l.head > len(l.queue)/2 {
		l.queue = append(l.queue[:0], l.queue[l.head:]...)
		l.head = 0
	}
}

// release counts a flight out of its slab.
func (f *flights) release(s *slab) {
	if s.left--; s.left == 0 && len(f.free) < freeSlabs {
		clear(s.flights)
		f.free = append(f.free, s)
	}
}

// takeRefused returns the records that are to be reported.
func (f *flights) takeRefused() []*flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	refused := f.refused
	f.refused = nil
	return refused
}

// reported notes that a refused record is safe elsewhere.
func (f *flights) reported(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.refused = nil
	f.advance(fl.lane)
}

// safe says how far everything has landed.
func (f *flights) safe() connect.Offsets {
	f.mu.Lock()
	defer f.mu.Unlock()
	safe := make(connect.Offsets, len(f.lanes))
	for tp, l := range f.lanes {
		if l.safe >= 0 {
			safe[tp] = l.safe
		}
	}
	return safe
}

// down reports whether nothing is aloft.
func (f *flights) down() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.aloft == 0
}

// none reports whether all partitions are forgotten.
func (f *flights) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lanes) == 0
}

// forget drops partitions. Their flights still land, and count for nothing.
func (f *flights) forget(partitions []connect.TopicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, tp := range partitions {
		delete(f.lanes, tp)
	}
}
