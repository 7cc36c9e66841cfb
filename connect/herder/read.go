package herder

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/connect/stores"
)

// Server describes this worker.
func (h *Herder) Server(ctx context.Context) (ServerInfo, error) {
	info := ServerInfo{Version: h.Version, Commit: h.Commit}
	if h.ClusterID == nil {
		return info, nil
	}
	id, err := h.ClusterID(ctx)
	if err != nil {
		return info, fmt.Errorf("asking Kafka for its cluster id: %w", err)
	}
	info.KafkaClusterID = &id
	return info, nil
}

// Connectors lists the names, sorted.
func (h *Herder) Connectors(ctx context.Context) ([]string, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	return h.configs.Snapshot().Connectors(), nil
}

// Connector describes a connector.
func (h *Herder) Connector(ctx context.Context, name string) (ConnectorInfo, error) {
	state, err := h.existing(ctx, name)
	if err != nil {
		return ConnectorInfo{}, err
	}
	return h.info(state, name), nil
}

// Config is a connector's configuration as it was submitted.
func (h *Herder) Config(ctx context.Context, name string) (map[string]string, error) {
	state, err := h.existing(ctx, name)
	if err != nil {
		return nil, err
	}
	return state.Connector(name), nil
}

// Tasks lists a connector's tasks with their configurations, in which passwords are masked.
func (h *Herder) Tasks(ctx context.Context, name string) ([]TaskInfo, error) {
	state, err := h.existing(ctx, name)
	if err != nil {
		return nil, err
	}
	connector := state.Connector(name)
	tasks := make([]TaskInfo, 0, state.TaskCount(name))
	for n := range state.TaskCount(name) {
		config := state.Task(stores.TaskID{Connector: name, Task: n})
		tasks = append(tasks, TaskInfo{ID: TaskRef{Connector: name, Task: n}, Config: h.masked(connector, config)})
	}
	return tasks, nil
}

func (h *Herder) existing(ctx context.Context, name string) (*stores.ConfigState, error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	state := h.configs.Snapshot()
	if !state.Contains(name) {
		return nil, unknownConnector("Connector %s not found", name)
	}
	return state, nil
}

func (h *Herder) info(state *stores.ConfigState, name string) ConnectorInfo {
	config := state.Connector(name)
	info := ConnectorInfo{Name: name, Config: config, Tasks: []TaskRef{}, Type: h.Catalog.TypeOf(config["connector.class"])}
	for _, id := range state.Tasks(name) {
		info.Tasks = append(info.Tasks, TaskRef{Connector: id.Connector, Task: id.Task})
	}
	return info
}
