package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect/herder"
)

// Server tells what the worker is.
func (c *Client) Server(ctx context.Context) (info herder.ServerInfo, err error) {
	return info, c.get(ctx, "/", &info)
}

// Cluster tells how the cluster divides its work. A Java worker cannot be asked that: then the statuses tell what worker ids there are.
func (c *Client) Cluster(ctx context.Context) (*herder.ClusterInfo, error) {
	info := new(herder.ClusterInfo)
	err := c.get(ctx, "/sluice/v1/cluster", info)
	if NotFound(err) {
		return c.clusterByStatuses(ctx)
	}
	return info, err
}

// unassigned is the state of what no worker runs.
const unassigned = "UNASSIGNED"

func (c *Client) clusterByStatuses(ctx context.Context) (*herder.ClusterInfo, error) {
	all, err := c.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	info := &herder.ClusterInfo{Source: "statuses", Generation: -1, ConfigOffset: -1, Members: []herder.ClusterMember{}, Waiting: []string{}, At: time.Now().UTC()}
	members := map[string]*herder.ClusterMember{}
	member := func(id string) *herder.ClusterMember {
		if members[id] == nil {
			members[id] = &herder.ClusterMember{URL: id, Connectors: []string{}, Tasks: []string{}}
		}
		return members[id]
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		status := all[name]
		if status.Connector.State == unassigned {
			info.Waiting = append(info.Waiting, name)
		} else {
			m := member(status.Connector.WorkerID)
			m.Connectors = append(m.Connectors, name)
		}
		for _, t := range status.Tasks {
			task := fmt.Sprintf("%s-%d", name, t.ID)
			if t.State == unassigned {
				info.Waiting = append(info.Waiting, task)
				continue
			}
			m := member(t.WorkerID)
			m.Tasks = append(m.Tasks, task)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		info.Members = append(info.Members, *members[id])
	}
	return info, nil
}
