package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
)

// Names are those of all connectors, in no order.
func (c *Client) Names(ctx context.Context) (names []string, err error) {
	return names, c.get(ctx, "/connectors", &names)
}

// Connectors are all connectors by their names.
func (c *Client) Connectors(ctx context.Context) (map[string]herder.ConnectorInfo, error) {
	var all map[string]struct{ Info *herder.ConnectorInfo }
	if err := c.get(ctx, "/connectors?expand=info", &all); err != nil {
		return nil, err
	}
	infos := make(map[string]herder.ConnectorInfo, len(all))
	for name, one := range all {
		if one.Info != nil { // null is a connector that was deleted meanwhile
			infos[name] = *one.Info
		}
	}
	return infos, nil
}

// Statuses are those of all connectors that have one, by name: one that was only just created has none.
func (c *Client) Statuses(ctx context.Context) (map[string]herder.ConnectorStateInfo, error) {
	var all map[string]struct{ Status *herder.ConnectorStateInfo }
	if err := c.get(ctx, "/connectors?expand=status", &all); err != nil {
		return nil, err
	}
	statuses := make(map[string]herder.ConnectorStateInfo, len(all))
	for name, one := range all {
		if one.Status != nil {
			statuses[name] = *one.Status
		}
	}
	return statuses, nil
}

// Connector is one connector.
func (c *Client) Connector(ctx context.Context, name string) (info herder.ConnectorInfo, err error) {
	return info, c.get(ctx, of(name, ""), &info)
}

// Status is that of one connector; it is not found as long as there is none.
func (c *Client) Status(ctx context.Context, name string) (status herder.ConnectorStateInfo, err error) {
	return status, c.get(ctx, of(name, "/status"), &status)
}

// Topics are those that a connector has used.
func (c *Client) Topics(ctx context.Context, name string) ([]string, error) {
	var all map[string]herder.ActiveTopics
	err := c.get(ctx, of(name, "/topics"), &all)
	return all[name].Topics, err
}

// Create creates a connector, which must not be there. State is RUNNING, PAUSED or STOPPED, or empty for what a worker takes.
func (c *Client) Create(ctx context.Context, name string, config connect.Config, state string) (Reply, error) {
	return c.ask(ctx, http.MethodPost, "/connectors", struct {
		Name         string         `json:"name"`
		Config       connect.Config `json:"config"`
		InitialState string         `json:"initial_state,omitempty"`
	}{name, config, state}, nil)
}

// PutConfig creates a connector or replaces its configuration.
func (c *Client) PutConfig(ctx context.Context, name string, config connect.Config) (Reply, error) {
	return c.ask(ctx, http.MethodPut, of(name, "/config"), config, nil)
}

// Delete removes a connector; its offsets stay.
func (c *Client) Delete(ctx context.Context, name string) error {
	_, err := c.ask(ctx, http.MethodDelete, of(name, ""), nil, nil)
	return err
}

// Pause has a connector's tasks wait, which keep what they hold.
func (c *Client) Pause(ctx context.Context, name string) error { return c.put(ctx, name, "/pause") }

// Resume ends a pause or a stop.
func (c *Client) Resume(ctx context.Context, name string) error { return c.put(ctx, name, "/resume") }

// Stop ends a connector's tasks; its offsets can be changed then.
func (c *Client) Stop(ctx context.Context, name string) error { return c.put(ctx, name, "/stop") }

func (c *Client) put(ctx context.Context, name, what string) error {
	_, err := c.ask(ctx, http.MethodPut, of(name, what), nil, nil)
	return err
}

// Restart restarts a connector's instance, with its tasks where they are included, and only what has failed where that is asked for. The plan is nil where
// only the instance was restarted, which is done when the answer is there.
func (c *Client) Restart(ctx context.Context, name string, includeTasks, onlyFailed bool) (*herder.ConnectorStateInfo, error) {
	path := of(name, fmt.Sprintf("/restart?includeTasks=%t&onlyFailed=%t", includeTasks, onlyFailed))
	if !includeTasks && !onlyFailed {
		_, err := c.ask(ctx, http.MethodPost, path, nil, nil)
		return nil, err
	}
	plan := new(herder.ConnectorStateInfo)
	_, err := c.ask(ctx, http.MethodPost, path, nil, plan)
	return plan, err
}

// RestartTask restarts one task.
func (c *Client) RestartTask(ctx context.Context, name string, task int) error {
	_, err := c.ask(ctx, http.MethodPost, of(name, fmt.Sprintf("/tasks/%d/restart", task)), nil, nil)
	return err
}
