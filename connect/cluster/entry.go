package cluster

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
)

// Enter implements [group.Handler]. A member at this worker's own URL and address is this worker before it was killed: no other process can have
// the port by now. And a group that has read more of its configuration than there is in this worker's config topic has another one: this worker
// would be given work that it could never begin. Other topics are asked for.
func (h handler) Enter(ctx context.Context, protocol string, residents []group.Resident) (ghosts []string, err error) {
	c := h.Cluster
	p, err := assignment.ProtocolNamed(protocol)
	if err != nil {
		return nil, &group.FatalError{Cause: err, Text: fmt.Sprintf("group.id: the group's members are no Connect workers: they speak %q", protocol)}
	}
	ahead := assignment.WorkerState{ConfigOffset: -1}
	for _, r := range residents {
		state, err := assignment.DecodeWorkerState(p, r.Metadata)
		switch {
		case err != nil: // the leader of the next round will say so
		case r.Near && state.URL == c.URL:
			ghosts = append(ghosts, r.ID)
		case state.ConfigOffset > ahead.ConfigOffset:
			ahead = state
		}
	}
	if err := c.compare(ctx, ahead); err != nil {
		return nil, err
	}
	return ghosts, c.meet(ctx, p, residents)
}

// compare refuses a group in which another worker has read what is not in this worker's config topic.
func (c *Cluster) compare(ctx context.Context, other assignment.WorkerState) error {
	if own := c.mind.State().Offset(); own >= other.ConfigOffset {
		return nil
	}
	attempt, cancel := context.WithTimeout(ctx, c.Sync)
	defer cancel()
	if err := c.mind.CatchUp(attempt); err != nil {
		return nil // the rounds that follow will have to do with that
	}
	own := c.mind.State().Offset()
	if own >= other.ConfigOffset {
		return nil
	}
	return &group.FatalError{Text: fmt.Sprintf("config.storage.topic: the group's worker at %s has read its configurations to offset %d, but topic %s "+
		"ends at %d here: workers of a group need the same config.storage.topic and bootstrap.servers, or else another group.id",
		other.URL, other.ConfigOffset, c.ConfigTopic, own)}
}
