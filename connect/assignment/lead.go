package assignment

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Snapshot is the configuration of the cluster as of an offset of the config topic.
type Snapshot struct {
	ConfigOffset int64
	Configured   Work
}

// SnapshotOf takes from a state what is to be divided: all connectors, and those tasks that may run.
func SnapshotOf(state *stores.ConfigState) Snapshot {
	s := Snapshot{ConfigOffset: state.Offset()}
	s.Configured.Connectors = state.Connectors()
	for _, name := range s.Configured.Connectors {
		s.Configured.Tasks = append(s.Configured.Tasks, state.Tasks(name)...)
	}
	return s
}

// Group is what the coordinator tells a leader in its JoinGroup response, and what the leader itself knew when it joined.
type Group struct {
	Protocol Protocol // the one the coordinator has chosen
	Leader   string   // the leader's own member id
	// Metadata are the members' bytes, the leader's included, in the response's order.
	Metadata []Metadata
	// Current and LastCompleted are generations, as in [Round].
	LastCompleted, Current int32
	Snapshot               Snapshot // from which the leader's own metadata was made
	// Clears has an [Eager] round divide nothing: whatever the members still run ends with it.
	Clears bool
}

// Metadata is what one member sent with its JoinGroup request for the protocol that was chosen.
type Metadata struct {
	Member string
	Bytes  []byte
}

// Leader does a leader's work in a rebalance: it answers every member. It is to live as long as its worker, whether that leads or not,
// because its memory tells work that was lost from work that is new. Not safe for concurrent use.
type Leader struct {
	incremental *Incremental
	fresh       func() Snapshot
}

// NewLeader makes the leader that a worker may be called to be. maxDelay is scheduled.rebalance.max.delay.ms; fresh takes a snapshot of
// what the worker has read of the config topic by now. It must not wait for more: a rebalance is under way.
func NewLeader(maxDelay time.Duration, now func() time.Time, fresh func() Snapshot) *Leader {
	return &Leader{incremental: NewIncremental(maxDelay, now), fresh: fresh}
}

// Lead divides the work of the group. It fails with [ErrMalformed] if a member's metadata cannot be read; then no member can be given an
// assignment, and the group cannot go on while that member takes part.
func (l *Leader) Lead(g Group) (*Division, error) {
	d, members, err := begin(g)
	if err != nil {
		return nil, err
	}
	if l.agree(d) {
		l.divide(d, g, members)
	}
	if err := d.encode(); err != nil {
		return nil, err
	}
	return d, nil
}

// begin reads the members' metadata.
func begin(g Group) (*Division, []Member, error) {
	d := &Division{
		Protocol: g.Protocol, Generation: g.Current, Leader: g.Leader, Snapshot: g.Snapshot,
		Holders: make(map[string]Holder, len(g.Metadata)),
	}
	members := make([]Member, 0, len(g.Metadata))
	for _, metadata := range g.Metadata {
		state, err := DecodeWorkerState(g.Protocol, metadata.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the metadata of member %s: %w", metadata.Member, err)
		}
		d.Holders[metadata.Member] = Holder{Member: metadata.Member, URL: state.URL, ConfigOffset: state.ConfigOffset}
		m := Member{ID: metadata.Member}
		if state.Held != nil {
			m.Held = state.Held.Assigned
		}
		members = append(members, m)
	}
	if _, in := d.Holders[g.Leader]; !in {
		return nil, nil, fmt.Errorf("leading a group of %d members: the leader %q is not among them", len(members), g.Leader)
	}
	return d, members, nil
}

// agree settles which configuration is divided: one at least as new as any member's. A leader that has none divides nothing, and all
// members read on. (ensureLeaderConfig in both of Java's assignors)
func (l *Leader) agree(d *Division) bool {
	newest := int64(-1)
	for _, h := range d.Holders {
		newest = max(newest, h.ConfigOffset)
	}
	d.ConfigOffset = newest
	if d.Snapshot.ConfigOffset >= newest {
		return true
	}
	d.Snapshot = l.fresh()
	if d.Snapshot.ConfigOffset >= newest {
		d.ConfigOffset = d.Snapshot.ConfigOffset
		return true
	}
	d.Error = ConfigMismatch
	return false
}

func (l *Leader) divide(d *Division, g Group, members []Member) {
	if g.Protocol == Eager {
		work := d.Snapshot.Configured
		if g.Clears {
			work = Work{}
		}
		for id, work := range RoundRobin(work, slices.Collect(maps.Keys(d.Holders))) {
			d.hold(id, Share{New: work, Keeps: work})
		}
		return
	}
	plan := l.incremental.Assign(Round{
		Configured: d.Snapshot.Configured, Members: members, LastCompleted: g.LastCompleted, Current: g.Current,
	})
	d.Delay, d.Scheduled = plan.Delay, l.incremental.Scheduled()
	for id, share := range plan.Shares {
		d.hold(id, share)
	}
}
