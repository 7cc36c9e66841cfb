package assignment

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Division is what a leader decided in a round, and knows until the next: who runs what, and where. Its fields are not to be changed.
type Division struct {
	Protocol     Protocol
	Generation   int32
	Leader       string
	Error        Error
	ConfigOffset int64    // which all members must have read
	Snapshot     Snapshot // the newest that the leader took; what was divided unless Error is set
	// Delay is after how long the members join again, and Scheduled when, for work that is held back; zero for neither.
	Delay     time.Duration
	Scheduled time.Time
	// Holders are the members, by id. With an Error set nobody's share is known.
	Holders map[string]Holder
	// Assignments are the answers for the SyncGroup request, by member id; one for every member.
	Assignments map[string][]byte

	owners map[stores.TaskID]string
}

// Holder is a member and its share of the work.
type Holder struct {
	Member, URL  string
	ConfigOffset int64 // as it said when it joined
	Share
}

// hold notes a member's share.
func (d *Division) hold(member string, share Share) {
	h := d.Holders[member]
	h.Share = share
	d.Holders[member] = h
	if d.owners == nil {
		d.owners = make(map[stores.TaskID]string, d.Snapshot.Configured.Size())
	}
	for id := range share.Keeps.items() {
		d.owners[id] = member
	}
}

// Revokes reports whether some member has to give up something, and will ask for another round when it has.
func (d *Division) Revokes() bool {
	for _, h := range d.Holders {
		if !h.Revoked.Empty() {
			return true
		}
	}
	return false
}

// Obsolete reports whether somebody keeps what is not configured any more. A leader that does not know the round before leaves it where it is, as
// Java's do, and counts it as load; the next round takes it away.
func (d *Division) Obsolete() bool {
	configured := setOf(d.Snapshot.Configured)
	for id := range d.owners {
		if !configured.has(id) {
			return true
		}
	}
	return false
}

// ConnectorOwner is the member that runs the connector's own instance; false if none does.
func (d *Division) ConnectorOwner(connector string) (Holder, bool) {
	return d.owner(stores.TaskID{Connector: connector, Task: instance})
}

// TaskOwner is the member that runs the task; false if none does.
func (d *Division) TaskOwner(id stores.TaskID) (Holder, bool) { return d.owner(id) }

func (d *Division) owner(id stores.TaskID) (Holder, bool) {
	member, owned := d.owners[id]
	return d.Holders[member], owned
}

// Waiting is what is configured and runs nowhere after this round: it is held back for a worker that may return, or on its way from one
// member to another. Nothing is known to wait while Error is set.
func (d *Division) Waiting() Work {
	var w Work
	if d.Error != NoError {
		return w
	}
	for id := range d.Snapshot.Configured.items() {
		if _, owned := d.owners[id]; owned {
			continue
		}
		if kindOf(id) == connectors {
			w.Connectors = append(w.Connectors, id.Connector)
		} else {
			w.Tasks = append(w.Tasks, id)
		}
	}
	return w
}

// LogValue tells a round in one line: numbers of items, not their names.
func (d *Division) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("protocol", d.Protocol.String()), slog.Int("generation", int(d.Generation)),
		slog.Int64("config_offset", d.ConfigOffset), slog.Int("members", len(d.Holders)),
	}
	if d.Error != NoError {
		return slog.GroupValue(append(attrs, slog.Int64("leader_config_offset", d.Snapshot.ConfigOffset))...)
	}
	assigned, revoked := 0, 0
	for _, h := range d.Holders {
		assigned += h.New.Size()
		revoked += h.Revoked.Size()
	}
	attrs = append(attrs, slog.Int("running", len(d.owners)), slog.Int("assigned", assigned), slog.Int("revoked", revoked),
		slog.Int("waiting", d.Waiting().Size()))
	if d.Delay > 0 {
		attrs = append(attrs, slog.Duration("delay", d.Delay))
	}
	return slog.GroupValue(attrs...)
}

// encode writes every member's assignment.
func (d *Division) encode() error {
	d.Assignments = make(map[string][]byte, len(d.Holders))
	for id, h := range d.Holders {
		bytes, err := Assignment{
			Error: d.Error, Leader: d.Leader, LeaderURL: d.Holders[d.Leader].URL, ConfigOffset: d.ConfigOffset,
			Assigned: h.New, Revoked: h.Revoked, Delay: d.Delay,
		}.Encode(d.Protocol)
		if err != nil {
			return fmt.Errorf("answering member %s: %w", id, err)
		}
		d.Assignments[id] = bytes
	}
	return nil
}
