package remote

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// outstanding are the Puts that a sink task has sent and that are not done, in order.
type outstanding struct {
	mu      sync.Mutex
	puts    []*put
	records int
	bytes   int
	last    uint64 // the number of the last message that has one
	anew    bool   // the next Put begins again with what was refused: its number says so by leaving one out
	// again is why, since the plugin has asked for another try; nil while it has not.
	again    *connect.RetryError
	due      time.Time
	pause    time.Duration // the last back-off
	timer    *time.Timer   // until due
	retried  bool          // Puts were sent again, and none of them is done yet
	finished bool          // the task closes: nothing is sent again
	changed  chan struct{} // capacity 1
}

// put is one Put.
type put struct {
	number  uint64
	records []connect.SinkRecord
	bytes   int
	state   putState
}

type putState int

const (
	underWay  putState = iota // its Done is to come
	reporting                 // taken except for some records, which are not safe in the error handling yet
	refused                   // not taken
)

func (o *outstanding) signal() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// number is the next.
func (o *outstanding) number() uint64 {
	o.last++
	return o.last
}

// busy reports whether something is under way.
func (o *outstanding) busy() bool {
	return slices.ContainsFunc(o.puts, func(p *put) bool { return p.state != refused })
}

// find is the Put that a Done answers: the first that is under way. nil where another is, or none.
func (o *outstanding) find(number uint64) *put {
	for _, p := range o.puts {
		if p.state == underWay {
			if p.number == number {
				return p
			}
			return nil
		}
	}
	return nil
}

// remove forgets a Put that is done.
func (o *outstanding) remove(done *put) {
	o.puts = slices.DeleteFunc(o.puts, func(p *put) bool { return p == done })
	o.count()
}

func (o *outstanding) count() {
	o.records, o.bytes = 0, 0
	for _, p := range o.puts {
		o.records += len(p.records)
		o.bytes += p.bytes
	}
}

// drop forgets what was refused of partitions that the task has no more: whoever gets them reads it again.
func (o *outstanding) drop(partitions []connect.TopicPartition) {
	for _, p := range o.puts {
		if p.state == refused { // the records are the runtime's slice: what is left goes into another
			p.records = slices.DeleteFunc(slices.Clone(p.records), func(r connect.SinkRecord) bool { return slices.Contains(partitions, r.Consumed) })
		}
	}
	o.puts = slices.DeleteFunc(o.puts, func(p *put) bool { return len(p.records) == 0 })
	o.count()
}

// held lowers offsets to the first record of each partition that is not done.
func (o *outstanding) held(offsets connect.Offsets) connect.Offsets {
	for _, p := range o.puts {
		for i := range p.records {
			r := &p.records[i]
			if at, ok := offsets[r.Consumed]; ok && r.Offset < at {
				offsets[r.Consumed] = r.Offset
			}
		}
	}
	return offsets
}

// record finds a record that is not done by where it was read; nil for one that is not there.
func (o *outstanding) record(at connect.TopicPartition, offset int64) *connect.SinkRecord {
	for _, p := range o.puts {
		for i := range p.records {
			if r := &p.records[i]; r.Offset == offset && r.Consumed == at {
				return r
			}
		}
	}
	return nil
}
