package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/stores"
)

// handler is the membership as its group sees it (WorkerCoordinator): each call is an event for the mind's goroutine.
type handler struct{ *Cluster }

// Prepare implements [group.Handler]. It waits for the end of what was taken away from this worker, so that whoever gets it in the round that
// follows finds it free.
func (h handler) Prepare(ctx context.Context) (offers []group.Offer, err error) {
	c := h.Cluster
	if err := c.mind.Do(ctx, c.prepare); err != nil {
		return nil, err
	}
	release, cancel := context.WithTimeout(ctx, c.Release)
	defer cancel()
	if err := c.mind.Released(release); err != nil && ctx.Err() == nil {
		c.Log.Warn("joining the group although something does not stop", "error", err)
	}
	if c.chosen == assignment.Eager { // Java flushes here: statuses of what was stopped must not come after its new owner's
		if err := c.mind.FlushStatuses(release); err != nil && ctx.Err() == nil {
			c.Log.Warn("statuses could not be written before joining the group", "error", err)
		}
	}
	doErr := c.mind.Do(ctx, func() { offers, err = c.offer() })
	return offers, errors.Join(doErr, err)
}

// prepare begins a round. In an eager group nothing runs through it.
func (c *Cluster) prepare() {
	if c.phase != preparing && c.phase != joining {
		c.began = time.Now()
	}
	c.metrics.rebalancing.Store(true)
	c.phase = preparing
	c.cancel()
	if c.underWay == nil {
		c.underWay = make(chan struct{})
		c.stand(func(s *herder.Standing) { s.Settled = c.underWay })
	}
	if c.chosen == assignment.Eager {
		c.held, c.running = assignment.Work{}, assignment.Work{}
	}
	c.mind.Apply()
}

// offer tells the group what this worker has read and holds.
func (c *Cluster) offer() ([]group.Offer, error) {
	state := c.mind.State()
	c.offered = assignment.SnapshotOf(state)
	for _, name := range c.offered.Configured.Connectors {
		c.known[name] = true
	}
	c.phase = joining
	c.stand(func(s *herder.Standing) { s.RebalanceDue = false })
	worker := assignment.WorkerState{URL: c.URL, ConfigOffset: c.offered.ConfigOffset}
	if c.completed >= 0 {
		held := c.last
		held.Assigned, held.Revoked = c.held, assignment.Work{}
		worker.Held = &held
	}
	encoded, err := worker.Offers(c.Protocol)
	if err != nil {
		return nil, fmt.Errorf("describing this worker to its group: %w", err)
	}
	offers := make([]group.Offer, 0, len(encoded))
	for _, o := range encoded {
		offers = append(offers, group.Offer{Protocol: o.Name, Metadata: o.Metadata})
	}
	return offers, nil
}

// Lead implements [group.Handler].
func (h handler) Lead(ctx context.Context, r group.Round, peers []group.Peer) (answers map[string][]byte, err error) {
	c := h.Cluster
	protocol, err := assignment.ProtocolNamed(r.Protocol)
	if err != nil {
		return nil, err
	}
	metadata := make([]assignment.Metadata, 0, len(peers))
	for _, p := range peers {
		metadata = append(metadata, assignment.Metadata{Member: p.ID, Bytes: p.Metadata})
	}
	doErr := c.mind.Do(ctx, func() {
		c.clearing = protocol == assignment.Eager && !c.follows(r)
		c.division, err = c.leader.Lead(assignment.Group{
			Protocol: protocol, Leader: r.MemberID, Metadata: metadata, LastCompleted: c.completed, Current: r.Generation, Snapshot: c.offered,
			Clears: c.clearing,
		})
		if err == nil {
			answers = c.division.Assignments
			c.report()
		}
	})
	return answers, errors.Join(doErr, err)
}

// follows reports whether an eager round is known to come right after another: only then has everybody ended its work before joining. A leader that
// has not seen the round before cannot know what others run, for metadata of the eager protocol does not tell.
func (c *Cluster) follows(r group.Round) bool {
	return c.protocol == assignment.Eager && c.completed == r.Generation-1
}

// Joined implements [group.Handler]. An assignment that arrives while this worker leaves is nobody's business: the group gives it to others.
func (h handler) Joined(ctx context.Context, r group.Round, bytes []byte) {
	c := h.Cluster
	_ = c.mind.Do(ctx, func() { // it fails only when the membership ends
		if ctx.Err() == nil {
			c.joined(r, bytes)
		}
	})
}

func (c *Cluster) joined(r group.Round, bytes []byte) {
	protocol, err := assignment.ProtocolNamed(r.Protocol)
	var a assignment.Assignment
	if err == nil {
		a, err = assignment.DecodeAssignment(protocol, bytes)
	}
	if err != nil {
		c.Log.Error("the leader's assignment cannot be read, joining again", "leader", r.LeaderID, "error", err)
		c.again("an unreadable assignment")
		return
	}
	if c.since < 0 || r.Generation < c.completed { // the coordinator counts anew when a group was empty for long
		c.since = r.Generation
	}
	c.round, c.completed, c.protocol, c.chosen, c.last = r, r.Generation, protocol, protocol, a
	switch {
	case protocol == assignment.Eager:
		c.held = a.Assigned
	default:
		c.held = c.held.Minus(a.Revoked).Plus(a.Assigned)
		c.running = c.running.Minus(a.Revoked)
	}
	c.lease.assigned()
	c.clearing = c.clearing && a.Leader == r.MemberID && a.Error == assignment.NoError
	if a.Leader != r.MemberID {
		c.division, c.told = nil, nil
		c.overview.Store(nil)
	}
	c.phase = assigned
	if a.Delay > 0 {
		c.after(a.Delay, "the delayed rebalance is due")
	}
	c.settle(a.Leader == r.MemberID)
	c.mind.Assigned()
	c.resolve()
}

// settle publishes what the round has decided. To the leader a round that revokes is not over before the next one: what was revoked may still run.
func (c *Cluster) settle(leads bool) {
	division := c.division
	c.stand(func(s *herder.Standing) {
		*s = herder.Standing{
			Generation: int(c.round.Generation), Since: int(c.since), Leads: leads, LeaderURL: c.last.LeaderURL,
			Signed: c.protocol == assignment.Sessioned, RebalanceDue: s.RebalanceDue, Behind: s.Behind,
			Disagreements: s.Disagreements,
		}
		if leads && division != nil {
			s.Owner = func(i stores.Instance) (string, bool) { return owner(division, i) }
		}
	})
	if c.underWay == nil {
		return
	}
	if leads && division != nil && division.Revokes() {
		c.stand(func(s *herder.Standing) { s.Settled = c.underWay })
		return
	}
	close(c.underWay)
	c.underWay = nil
}

func owner(d *assignment.Division, i stores.Instance) (string, bool) {
	if i.Task == stores.WholeConnector {
		holder, ok := d.ConnectorOwner(i.Connector)
		return holder.URL, ok
	}
	holder, ok := d.TaskOwner(stores.TaskID(i))
	return holder.URL, ok
}

// Missed implements [group.Handler]. In the first eager round of a group its leader has all work end, and divides it in the next: who has missed that
// round must not bring its work into the next. Where the protocol is unknown the work may run on but writes nothing, because others may begin it as
// soon as this worker has joined. (Java's workers join with all that they run, and write beside its next owners.)
func (h handler) Missed(ctx context.Context, r group.Round) {
	c := h.Cluster
	protocol, err := assignment.ProtocolNamed(r.Protocol)
	if err != nil {
		if c.lease.revoke() {
			c.Log.Warn("an answer of the group's coordinator was lost: nothing is written until this worker has joined again")
		}
		return
	}
	_ = c.mind.Do(ctx, func() { c.chosen = protocol }) // it fails only when the membership ends
}

// Lost implements [group.Handler]. Work goes on as long as the lease, stays what this worker says that it holds, and is resumed or ended as the
// next assignment says.
func (h handler) Lost(cause error) {
	c := h.Cluster
	c.metrics.losses.Add(1)
	c.lease.revoke()
	c.Log.Warn("membership in the group was lost: nothing is written until this worker has joined again", "cause", cause)
}

// Beat implements [group.Handler].
func (h handler) Beat(sent time.Time) { h.lease.beat(sent) }
