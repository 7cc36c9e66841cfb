package herder

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// ClusterInfo is how a cluster divides its work: the answer of GET /sluice/v1/cluster.
type ClusterInfo struct {
	// Source is leader where the leader tells what it decided, and statuses where no leader can be asked: then Members are the workers that
	// statuses name.
	Source       string          `json:"source"`
	Leader       string          `json:"leader,omitempty"` // URL
	Generation   int             `json:"generation"`
	Protocol     string          `json:"protocol,omitempty"`
	ConfigOffset int64           `json:"config_offset"`
	Members      []ClusterMember `json:"members"`
	// Waiting runs nowhere at present: held back for a worker that may return, or between two workers.
	Waiting   []string   `json:"waiting"`
	Scheduled *time.Time `json:"scheduled_rebalance,omitempty"`

	// The last rebalance.
	At     time.Time `json:"rebalanced_at"`
	Took   string    `json:"rebalance_took,omitempty"`
	Reason string    `json:"rebalance_reason,omitempty"`
	Joined []string  `json:"joined,omitempty"`
	Left   []string  `json:"left,omitempty"`
	Moved  int       `json:"moved"`

	// Disagreements are workers that keep the cluster's memory in other topics, as far as the worker that answers knows.
	Disagreements []Disagreement `json:"disagreements,omitempty"`
}

// ClusterMember is a worker and what it runs: connectors by name, tasks as name-number.
type ClusterMember struct {
	ID         string   `json:"id,omitempty"` // of the group's member
	URL        string   `json:"url"`          // or host:port where only statuses tell
	Connectors []string `json:"connectors"`
	Tasks      []string `json:"tasks"`
}

// Cluster tells how the cluster divides its work. Only the leader knows: elsewhere it is a [*NotLeaderError].
func (h *Herder) Cluster(ctx context.Context) (*ClusterInfo, error) {
	standing, err := h.settled(ctx)
	if err != nil {
		return nil, err
	}
	if o := h.Membership.Overview(); o != nil {
		info := *o
		info.Disagreements = standing.Disagreements
		return &info, nil
	}
	if standing.Leads {
		return h.ClusterByStatuses(ctx)
	}
	return nil, &NotLeaderError{URL: standing.LeaderURL}
}

// ClusterByStatuses tells what the statuses do: which worker last spoke for what. It needs no leader that understands the question.
func (h *Herder) ClusterByStatuses(ctx context.Context) (*ClusterInfo, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	standing := h.Membership.Standing()
	info := &ClusterInfo{
		Source: "statuses", Leader: standing.LeaderURL, Generation: standing.Generation, ConfigOffset: h.configs.Snapshot().Offset(),
		Members: []ClusterMember{}, Waiting: []string{}, At: time.Now().UTC(), Disagreements: standing.Disagreements,
	}
	members := map[string]*ClusterMember{}
	for _, i := range h.Statuses.Instances() {
		s, ok := h.Statuses.Get(i)
		if !ok {
			continue
		}
		name, task := i.Connector, i.Task != stores.WholeConnector
		if task {
			name = stores.TaskID(i).String()
		}
		if s.State == stores.StateUnassigned {
			info.Waiting = append(info.Waiting, name)
			continue
		}
		m := members[s.WorkerID]
		if m == nil {
			m = &ClusterMember{URL: s.WorkerID, Connectors: []string{}, Tasks: []string{}}
			members[s.WorkerID] = m
		}
		if task {
			m.Tasks = append(m.Tasks, name)
		} else {
			m.Connectors = append(m.Connectors, name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		info.Members = append(info.Members, *members[id])
	}
	return info, nil
}
