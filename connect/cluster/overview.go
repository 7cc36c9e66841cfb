package cluster

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

// report computes for people what the round that this worker leads has changed since the last one that the log tells of. A round that could not be
// divided has changed nothing.
func (c *Cluster) report() {
	d := c.division
	if d.Error != assignment.NoError {
		return
	}
	o := &herder.ClusterInfo{
		Source: "leader", Generation: int(d.Generation), Protocol: d.Protocol.String(), Leader: d.Holders[d.Leader].URL, At: time.Now().UTC(),
		ConfigOffset: d.ConfigOffset, Waiting: pieces(d.Waiting()),
	}
	if !d.Scheduled.IsZero() {
		at := d.Scheduled.UTC()
		o.Scheduled = &at
	}
	for _, id := range slices.Sorted(maps.Keys(d.Holders)) {
		h := d.Holders[id]
		o.Members = append(o.Members, herder.ClusterMember{
			ID: h.Member, URL: h.URL, Connectors: pieces(assignment.Work{Connectors: h.Keeps.Connectors}), Tasks: pieces(assignment.Work{Tasks: h.Keeps.Tasks}),
		})
		o.Moved += h.New.Size() + h.Revoked.Size()
	}
	if c.told != nil {
		o.Joined, o.Left = missing(d, c.told), missing(c.told, d)
	}
	c.overview.Store(o)
}

// missing are the URLs of the members of a division that are not in another.
func missing(in, from *assignment.Division) (urls []string) {
	for id, h := range in.Holders {
		if _, there := from.Holders[id]; !there {
			urls = append(urls, h.URL)
		}
	}
	slices.Sort(urls)
	return urls
}

// pieces are the names of connectors and tasks, a task's as name-number.
func pieces(w assignment.Work) []string {
	w = w.Sorted()
	names := make([]string, 0, w.Size())
	names = append(names, w.Connectors...)
	for _, id := range w.Tasks {
		names = append(names, id.String())
	}
	return names
}

// tell logs the round, in one line, and counts it.
func (c *Cluster) tell() {
	took := time.Since(c.began)
	c.metrics.rebalanced(&place{
		epoch: c.round.Generation, leader: c.last.LeaderURL, protocol: c.protocol, connectors: len(c.held.Connectors), tasks: len(c.held.Tasks),
	}, c.last.Assigned.Size()+c.last.Revoked.Size(), took)
	reason := strings.Join(c.reasons, ", ")
	if reason == "" {
		reason = "the group asked for it: a worker joined or left, or has news of its own"
	}
	if c.division == nil {
		c.Log.Info("rebalanced", "generation", c.round.Generation, "leader", c.last.LeaderURL, "new", c.last.Assigned.Size(),
			"revoked", c.last.Revoked.Size(), "running", c.running.Size(), "delay", c.last.Delay.String(), "reason", reason, "took", took.String())
		return
	}
	c.told = c.division
	o := *c.overview.Load()
	o.Took, o.Reason = took.Round(time.Millisecond).String(), reason
	c.overview.Store(&o)
	c.Log.Info("rebalanced", "generation", o.Generation, "leader", "this worker", "members", len(o.Members), "joined", strings.Join(o.Joined, " "),
		"left", strings.Join(o.Left, " "), "moved", o.Moved, "waiting", len(o.Waiting), "running", c.running.Size(), "delay", c.last.Delay.String(),
		"reason", reason, "took", took.String())
}

// Overview implements [herder.Membership].
func (c *Cluster) Overview() *herder.ClusterInfo { return c.overview.Load() }
