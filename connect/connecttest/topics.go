package connecttest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// topics are the in-memory topics that a sink consumes, and the consumer's state. The sink's state guards them.
type topics struct {
	records   []connect.SinkRecord // of all partitions, in the order of arrival
	ends      connect.Offsets      // the next offset of each partition
	assigned  map[connect.TopicPartition]bool
	paused    map[connect.TopicPartition]bool
	position  connect.Offsets // what comes next of the assigned partitions
	rewound   connect.Offsets // positions that the task wants at the next batch
	put       connect.Offsets // how far Put took them
	committed connect.Offsets
}

func newTopics() topics {
	return topics{
		ends:      connect.Offsets{},
		assigned:  map[connect.TopicPartition]bool{},
		paused:    map[connect.TopicPartition]bool{},
		position:  connect.Offsets{},
		rewound:   connect.Offsets{},
		put:       connect.Offsets{},
		committed: connect.Offsets{},
	}
}

// add appends records and returns the partitions that had none before.
func (t *topics) add(records []connect.SinkRecord) (fresh []connect.TopicPartition) {
	for _, r := range records {
		r = cloneSinkRecord(r)
		if r.Consumed.Topic == "" {
			r.Topic = cmp.Or(r.Topic, "test")
			r.Partition = max(0, r.Partition)
			r.Consumed = connect.TopicPartition{Topic: r.Topic, Partition: r.Partition}
			r.Offset = t.ends[r.Consumed]
		}
		if _, known := t.ends[r.Consumed]; !known && !t.assigned[r.Consumed] {
			fresh = append(fresh, r.Consumed)
		}
		t.ends[r.Consumed] = r.Offset + 1
		t.records = append(t.records, r)
	}
	return fresh
}

// next returns copies of what comes next, at most so many.
func (t *topics) next(most int) []connect.SinkRecord {
	for tp, at := range t.rewound {
		t.position[tp] = at
		if _, has := t.put[tp]; has {
			t.put[tp] = at
		}
	}
	clear(t.rewound)
	var batch []connect.SinkRecord
	for i := range t.records {
		if r := &t.records[i]; t.wanted(r.Consumed) && r.Offset >= t.position[r.Consumed] {
			if batch = append(batch, cloneSinkRecord(*r)); len(batch) == most {
				break
			}
		}
	}
	return batch
}

func (t *topics) wanted(tp connect.TopicPartition) bool { return t.assigned[tp] && !t.paused[tp] }

// taken tells that nothing comes next.
func (t *topics) taken() bool {
	for tp, end := range t.ends {
		if t.wanted(tp) && t.position[tp] < end {
			return false
		}
	}
	return len(t.rewound) == 0
}

// advance moves the positions behind a batch.
func (t *topics) advance(batch []connect.SinkRecord) {
	for i := range batch {
		if tp := batch[i].Consumed; t.assigned[tp] {
			t.position[tp] = batch[i].Offset + 1
			t.put[tp] = batch[i].Offset + 1
		}
	}
}

// commit moves the committed offsets as far as the runtime lets it: of assigned partitions, not beyond what was put.
func (t *topics) commit(safe connect.Offsets) {
	for tp, offset := range safe {
		if put, has := t.put[tp]; has && offset <= put && offset > t.committed[tp] {
			t.committed[tp] = offset
		}
	}
}

// rewind goes back to the committed offsets.
func (t *topics) rewind() {
	for tp := range t.assigned {
		t.position[tp] = t.committed[tp]
	}
	clear(t.put)
	clear(t.rewound)
}

func (t *topics) assign(partitions []connect.TopicPartition) {
	for _, tp := range partitions {
		t.assigned[tp] = true
		t.position[tp] = t.committed[tp]
	}
}

func (t *topics) revoke(partitions []connect.TopicPartition) {
	for _, tp := range partitions {
		delete(t.assigned, tp)
		delete(t.paused, tp)
		delete(t.position, tp)
		delete(t.rewound, tp)
		delete(t.put, tp)
	}
}

// release revokes all and returns what that was.
func (t *topics) release() []connect.TopicPartition {
	had := slices.SortedFunc(maps.Keys(t.assigned), byName)
	t.revoke(had)
	return had
}

func byName(a, b connect.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
