package worker

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// slot is one source record on its way: the producer's message, what the message points to, and the receipt to be.
type slot struct {
	msg       *sarama.ProducerMessage // in slab.msgs
	key       sarama.ByteEncoder      // msg.Key and msg.Value point here: no boxing
	value     sarama.ByteEncoder
	headers   []sarama.RecordHeader // backing of msg.Headers, reused
	partition int32                 // as the record wants it; sarama overwrites msg.Partition with its choice
	size      int                   // bytes counted against the window
	skipped   bool                  // Kafka does not get it
	settled   bool                  // its fate is known: receipt is complete
	suspect   bool                  // Kafka refused a batch that it was in: it must go alone
	letter    bool                  // it is the record's dead letter
	cut       bool                  // and does not show the whole record
	ends      ending                // of a transaction behind it
	about     string                // names the record of a sink's dead letter for people
	receipt   connect.Receipt
	slab      *slab
}

// slab holds the records of one Poll. It is reused only after its last record has left the producer and the ring, so neither sarama
// nor a receipt can see it change.
type slab struct {
	slots  []slot
	msgs   []sarama.ProducerMessage
	arena  converters.Arena // what converters cut bytes from
	polled time.Time        // when Poll returned its records
	stamp  int64            // time stamp of the first, in Unix milliseconds; negative for none
	open   int              // slots still in the tracker, and 1 for the sender; guarded by the tracker's lock
	prev   *slab            // neighbours in the tracker's list, in the order of Poll
	next   *slab
}

// reset makes the slab ready for n records.
func (s *slab) reset(n int) {
	if cap(s.slots) < n {
		s.slots = make([]slot, n)
		s.msgs = make([]sarama.ProducerMessage, n)
		for i := range s.slots {
			s.slots[i].slab, s.slots[i].msg = s, &s.msgs[i]
		}
	}
	s.slots = s.slots[:n]
	s.arena.Reset()
}

// clear forgets what the slot held, keeping its header slice.
func (s *slot) clear() {
	headers := s.headers[:0]
	clear(s.headers)
	*s.msg = sarama.ProducerMessage{}
	*s = slot{headers: headers, slab: s.slab, msg: s.msg}
}

// arm makes the message ready to be sent, again where it has been sent before.
func (s *slot) arm() {
	s.msg.Partition = s.partition
	s.msg.Metadata = s
	s.msg.Key, s.msg.Value = nil, nil
	if s.key != nil {
		s.msg.Key = &s.key
	}
	if s.value != nil {
		s.msg.Value = &s.value
	}
	s.msg.Headers = s.headers
}

// slabs keeps retired slabs for reuse, a few of them: the window bounds how many are out at once.
type slabs struct {
	free []*slab // guarded by the tracker's lock
}

const slabKeepCount = 8

func (f *slabs) get(n int) *slab {
	if last := len(f.free) - 1; last >= 0 {
		s := f.free[last]
		f.free = f.free[:last]
		s.reset(n)
		return s
	}
	s := &slab{}
	s.reset(n)
	return s
}

func (f *slabs) put(s *slab) {
	if len(f.free) >= slabKeepCount {
		return
	}
	for i := range s.slots {
		s.slots[i].clear()
	}
	f.free = append(f.free, s)
}
