package herder

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Restart restarts a connector's instance at once (nil), or, with tasks or for failed ones only, asks all workers to restart their share and
// returns what that will be. The former is for the worker that runs it, the latter for the leader.
func (h *Herder) Restart(ctx context.Context, name string, includeTasks, onlyFailed bool) (*ConnectorStateInfo, error) {
	standing, err := h.undisturbed(ctx)
	if err != nil {
		return nil, err
	}
	if !includeTasks && !onlyFailed {
		return nil, h.restartConnector(standing, name)
	}
	var plan *ConnectorStateInfo
	err = h.write(ctx, func(ctx context.Context) error {
		if _, err := h.known(ctx, name); err != nil {
			return unknownOr(err, "Unknown connector: %s", name)
		}
		request := stores.RestartRequest{Connector: name, IncludeTasks: includeTasks, OnlyFailed: onlyFailed}
		if plan = h.announce(request); plan == nil {
			return unknownConnector("Status for connector %s not found", name)
		}
		return h.configs.PutRestartRequest(ctx, request)
	})
	return plan, err
}

func (h *Herder) restartConnector(standing Standing, name string) error {
	if !h.configs.Snapshot().Contains(name) {
		return unknownConnector("Unknown connector: %s", name)
	}
	if h.worker.RestartConnector(name) {
		return nil
	}
	return elsewhere(standing, stores.ConnectorInstance(name), "connector: "+name)
}

// RestartTask restarts one task. It is for the worker that runs it.
func (h *Herder) RestartTask(ctx context.Context, name string, task int) error {
	standing, err := h.undisturbed(ctx)
	if err != nil {
		return err
	}
	state := h.configs.Snapshot()
	if !state.Contains(name) {
		return unknownConnector("Unknown connector: %s", name)
	}
	id := stores.TaskID{Connector: name, Task: task}
	if state.Task(id) == nil || task >= state.TaskCount(name) {
		return &NotFoundError{Message: fmt.Sprintf("Unknown task: %s", id)}
	}
	if h.worker.RestartTask(id) {
		return nil
	}
	return elsewhere(standing, stores.TaskInstance(id), "task: "+id.String())
}

// undisturbed is settled for requests that a rebalance, known to be due, would make stale.
func (h *Herder) undisturbed(ctx context.Context) (Standing, error) {
	standing, err := h.settled(ctx)
	if err == nil && standing.RebalanceDue {
		return standing, &RebalanceError{}
	}
	return standing, err
}

// elsewhere tells who runs what is not here: the leader knows, and the others know the leader.
func elsewhere(standing Standing, i stores.Instance, what string) error {
	if !standing.Leads {
		return &NotLeaderError{URL: standing.LeaderURL}
	}
	if standing.Owner != nil {
		url, _ := standing.Owner(i)
		return &NotLeaderError{URL: url}
	}
	return fmt.Errorf("failed to start %s", what)
}

// restartPlan is what a request means by the statuses of the moment (org.apache.kafka.connect.runtime.RestartPlan).
type restartPlan struct {
	connector bool
	tasks     []int
}

func (h *Herder) restartPlan(r stores.RestartRequest) *restartPlan {
	s, ok := h.Statuses.Get(stores.ConnectorInstance(r.Connector))
	if !ok {
		return nil
	}
	wanted := func(s stores.Status) bool { return !r.OnlyFailed || s.State == stores.StateFailed }
	plan := &restartPlan{connector: wanted(s)}
	if r.IncludeTasks {
		for n, s := range h.Statuses.Tasks(r.Connector) {
			if wanted(s) {
				plan.tasks = append(plan.tasks, n)
			}
		}
	}
	return plan
}

// announce is the status with RESTARTING in place of what the request means; every worker writes that for its own share.
func (h *Herder) announce(r stores.RestartRequest) *ConnectorStateInfo {
	info, plan := h.status(r.Connector), h.restartPlan(r)
	if info == nil || plan == nil {
		return nil
	}
	if plan.connector {
		info.Connector.State, info.Connector.Trace = string(stores.StateRestarting), ""
	}
	for _, n := range plan.tasks {
		for i := range info.Tasks {
			if info.Tasks[i].ID == n {
				info.Tasks[i].State, info.Tasks[i].Trace = string(stores.StateRestarting), ""
			}
		}
	}
	return info
}

func (h *Herder) restarting(i stores.Instance) {
	h.Statuses.Put(i, stores.Status{State: stores.StateRestarting, WorkerID: h.WorkerID, Generation: h.Membership.Standing().Generation})
}
