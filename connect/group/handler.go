package group

import (
	"context"
	"time"
)

// Offer is one protocol that a member offers, and what it says of itself in it.
type Offer struct {
	Protocol string
	Metadata []byte
}

// Peer is a member of the group as the coordinator tells the leader.
type Peer struct {
	ID       string
	Metadata []byte
}

// Round is one generation of the group.
type Round struct {
	Generation         int32
	MemberID, LeaderID string
	Protocol           string // the one that the coordinator has chosen
}

// Handler decides for a member. It is called by one goroutine, one call at a time, but for Beat; heartbeats go on meanwhile.
type Handler interface {
	// Enter is called once, before the first JoinGroup, where the group has members and is at rest. It names those that are this member's own former
	// lives, which ended without a goodbye: they are removed, so that nobody waits for them until their sessions end. A [*FatalError] ends Run.
	Enter(ctx context.Context, protocol string, residents []Resident) (ghosts []string, err error)
	// Prepare is called before each JoinGroup. It may take its time, until ctx ends, and returns what to offer, the preferred protocol first.
	Prepare(ctx context.Context) ([]Offer, error)
	// Lead is called on the leader between join and sync. It returns what each member is to be given, by member id.
	Lead(ctx context.Context, r Round, peers []Peer) (map[string][]byte, error)
	// Joined tells the assignment of a completed round.
	Joined(ctx context.Context, r Round, assignment []byte)
	// Missed tells that the coordinator may have taken this member into a round whose assignment it did not get. r is zero where the answer to the
	// JoinGroup was lost, so that even the protocol of that round is unknown.
	Missed(ctx context.Context, r Round)
	// Lost tells that the coordinator does not know this member any more.
	Lost(cause error)
	// Beat tells that the coordinator has answered well to a request that was sent then. It is called from any goroutine.
	Beat(sent time.Time)
}
