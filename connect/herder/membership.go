package herder

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Membership says what of the cluster's work is this worker's, and keeps it so.
type Membership interface {
	// Run keeps the membership until ctx ends, and then gives it up. An error is one that no other try can mend. It is called once, after the
	// stores are read, on a goroutine of its own.
	Run(ctx context.Context, m Mind) error
	// Share picks what is to run here out of a configuration. It is called on the mind's goroutine.
	Share(state *stores.ConfigState) (connectors []string, tasks []stores.TaskID)
	// Heard tells of a change of the configuration, after Share was asked again. It is called on the mind's goroutine.
	Heard(e stores.ConfigEvent)
	// Standing is this worker's place in the cluster at present. It may be called from any goroutine.
	Standing() Standing
	// InternalTopics are where this worker keeps the memory of its cluster; nil for one without others. It may be called from any goroutine.
	InternalTopics() *InternalTopics
	// Overview is what the leader knows of the cluster; nil on others. It may be called from any goroutine.
	Overview() *ClusterInfo
}

// Mind is what a membership may ask of the herder that it serves.
type Mind interface {
	// Do runs f on the mind's goroutine and returns when it is done, or with ctx's error; then f may still run. f must not wait for anything.
	Do(ctx context.Context, f func()) error
	// State is the configuration as far as it is read. Any goroutine may ask.
	State() *stores.ConfigState
	// CatchUp reads the configuration to its end.
	CatchUp(ctx context.Context) error
	// Apply makes the worker run what Share says. It is for the mind's goroutine.
	Apply()
	// Assigned says that a round of the group has ended: Share and Standing are new. It is for the mind's goroutine.
	Assigned()
	// Released waits until what Apply has taken away from the worker has ended there.
	Released(ctx context.Context) error
	// FlushStatuses waits until all statuses said so far are written.
	FlushStatuses(ctx context.Context) error
	// InternalTopicsOf asks another worker for its topics. Its error is [ErrUntold] where that does not tell them.
	InternalTopicsOf(ctx context.Context, url string) (*InternalTopics, error)
}

// Standing is a worker's place in its cluster at one moment. It does not change.
type Standing struct {
	// Generation numbers the rounds of the group, for statuses; -1 before the first.
	Generation int
	// Since is the generation with which the membership began, for [InternalTopics].
	Since int
	// Leads is true for the one worker that writes the configuration.
	Leads bool
	// LeaderURL is where that worker is; "" where none is known.
	LeaderURL string
	// Signed is true where requests between workers must be signed (connect.protocol=sessioned, agreed by all workers).
	Signed bool
	// RebalanceDue is true from the moment that this worker knows of a change that needs another round, until that has begun.
	RebalanceDue bool
	// Lost is since when this worker has not been a member of its group for sure, so that nothing is written here; zero while it is one.
	Lost time.Time
	// Behind is since when what was assigned waits until the configuration is read that it is about; zero where nothing waits.
	Behind time.Time
	// Settled is closed when the round ends that is under way; nil where none is.
	Settled <-chan struct{}
	// Disagreements are those of this worker's topics with others' of the group, as far as they tell.
	Disagreements []Disagreement
	// Owner is the URL of the worker that was given a connector or task; only the leader knows.
	Owner func(stores.Instance) (url string, ok bool)
}
