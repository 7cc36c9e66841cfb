package herder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/versions"
)

// Create makes a connector. It is an [*ExistsError] where there is one of that name, which is looked at after the configuration.
func (h *Herder) Create(ctx context.Context, req NewConnector) (Created, error) {
	target, err := initialTarget(req.InitialState)
	if err != nil {
		return Created{}, err
	}
	warnings, err := h.accept(ctx, req.Config, req.Nulls...)
	if err != nil {
		return Created{}, err
	}
	err = h.write(ctx, func(ctx context.Context) error {
		if h.configs.Snapshot().Contains(req.Name) {
			return &ExistsError{Name: req.Name}
		}
		return h.configs.PutConnector(ctx, req.Name, req.Config, target)
	})
	return h.created(req.Name, true, warnings, err)
}

// PutConfig creates a connector or replaces its configuration. Nulls are as in [NewConnector].
func (h *Herder) PutConfig(ctx context.Context, name string, config connect.Config, nulls ...string) (Created, error) {
	warnings, err := h.accept(ctx, config, nulls...)
	if err != nil {
		return Created{}, err
	}
	isNew := false
	err = h.write(ctx, func(ctx context.Context) error {
		isNew = !h.configs.Snapshot().Contains(name)
		return h.configs.PutConnector(ctx, name, config, nil)
	})
	return h.created(name, isNew, warnings, err)
}

// PatchConfig merges a patch into the stored configuration; a nil value removes its key. The merged configuration is validated, which may take
// long, before it is stored: where the stored one has changed by then, the patch is merged into that one anew, so that none of two patches is lost.
func (h *Herder) PatchConfig(ctx context.Context, name string, patch map[string]*string) (Created, error) {
	for {
		if standing, err := h.leading(ctx); err != nil {
			return Created{}, err
		} else if !standing.Leads { // the leader merges: it has the newest configuration
			return Created{}, &NotLeaderError{URL: standing.LeaderURL}
		}
		state, err := h.known(ctx, name)
		if err != nil {
			return Created{}, unknownOr(err, "Connector %s not found", name)
		}
		stored := state.Connector(name)
		config := patched(stored, patch)
		warnings, err := h.accept(ctx, config)
		if err != nil {
			return Created{}, err
		}
		current := true
		err = h.write(ctx, func(ctx context.Context) error {
			if current = maps.Equal(stored, h.configs.Snapshot().Connector(name)); !current {
				return nil
			}
			return h.configs.PutConnector(ctx, name, config, nil)
		})
		if err != nil || current {
			return h.created(name, false, warnings, err)
		}
	}
}

func patched(stored connect.Config, patch map[string]*string) connect.Config {
	config := maps.Clone(stored)
	for key, value := range patch {
		if value == nil {
			delete(config, key)
		} else {
			config[key] = *value
		}
	}
	return config
}

// Delete removes a connector. Its source offsets stay, as in Kafka Connect.
func (h *Herder) Delete(ctx context.Context, name string) error {
	return h.write(ctx, func(ctx context.Context) error {
		if _, err := h.known(ctx, name); err != nil {
			return unknownOr(err, "Connector %s not found", name)
		}
		return h.configs.RemoveConnector(ctx, name)
	})
}

// Pause asks a connector's tasks to hold still; they stay where they are.
func (h *Herder) Pause(ctx context.Context, name string) error {
	return h.retarget(ctx, name, stores.Paused)
}

// Resume ends a pause or a stop.
func (h *Herder) Resume(ctx context.Context, name string) error {
	return h.retarget(ctx, name, stores.Started)
}

// retarget writes what a connector shall be; any worker may.
func (h *Herder) retarget(ctx context.Context, name string, target stores.TargetState) error {
	if err := h.await(ctx); err != nil {
		return err
	}
	return h.inscribe(ctx, func(ctx context.Context) error {
		if _, err := h.known(ctx, name); err != nil {
			return unknownOr(err, "Unknown connector %s", name)
		}
		if err := h.configs.PutTargetState(ctx, name, target); err != nil {
			return fmt.Errorf("writing the target state to Kafka: %w", err)
		}
		return h.configs.Refresh(ctx)
	})
}

// Stop ends a connector's tasks: an empty set of tasks is written before the target state, so that no worker starts them again.
func (h *Herder) Stop(ctx context.Context, name string) error {
	if err := h.await(ctx); err != nil {
		return err
	}
	if _, err := h.known(ctx, name); err != nil {
		return unknownOr(err, "Unknown connector %s", name)
	}
	return h.write(ctx, func(ctx context.Context) error {
		if err := h.configs.Refresh(ctx); err != nil {
			return err
		}
		if !h.configs.Snapshot().Contains(name) {
			return unknownConnector("Unknown connector %s", name)
		}
		if err := h.configs.PutTaskConfigs(ctx, name, nil); err != nil {
			return err
		}
		if err := h.configs.PutTargetState(ctx, name, stores.Stopped); err != nil {
			return fmt.Errorf("writing the target state to Kafka: %w", err)
		}
		return h.configs.Refresh(ctx)
	})
}

// known looks a connector up for a request that changes it. One that is missing may be unread yet, on a worker that has just become the leader too:
// what is answered "not found" is taken for gone, and would run on.
func (h *Herder) known(ctx context.Context, name string) (*stores.ConfigState, error) {
	if state := h.configs.Snapshot(); state.Contains(name) {
		return state, nil
	}
	if err := h.configs.Refresh(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, h.late(ctx)
		}
		return nil, fmt.Errorf("reading the config topic to its end, for it may have a connector %s: %w", name, err)
	}
	state := h.configs.Snapshot()
	if !state.Contains(name) {
		return nil, unknownConnector("Connector %s not found", name)
	}
	return state, nil
}

// accept validates a configuration that is to be stored.
func (h *Herder) accept(ctx context.Context, config connect.Config, nulls ...string) (warnings []string, err error) {
	if err := h.await(ctx); err != nil {
		return nil, err
	}
	result, err := h.Validator.Validate(ctx, config, nulls...)
	if err != nil {
		if ctx.Err() != nil {
			return nil, h.late(ctx)
		}
		return nil, refusedClass(err)
	}
	if result.Infos.ErrorCount > 0 {
		return nil, &InvalidError{Message: result.Infos.Refusal()}
	}
	return result.Warnings, nil
}

// refusedClass makes a class that is missing, unknown or ambiguous the client's mistake, as Kafka Connect 4.1.2 does: 400, earlier ones said 500.
func refusedClass(err error) error {
	var (
		unknown   *catalog.NotFoundError
		ambiguous *catalog.AmbiguousError
		noRange   *versions.RangeError
	)
	switch {
	case errors.Is(err, validation.ErrNoConnectorClass):
		return &InvalidError{Message: err.Error()}
	case errors.As(err, &unknown), errors.As(err, &ambiguous), errors.As(err, &noRange):
		return &InvalidError{Message: err.Error()}
	}
	return err
}

func (h *Herder) created(name string, isNew bool, warnings []string, err error) (Created, error) {
	if err != nil {
		return Created{}, err
	}
	for _, w := range warnings {
		h.Log.Warn(w, "connector", name)
	}
	state := h.configs.Snapshot()
	return Created{Info: h.info(state, name), New: isNew, Warnings: warnings}, nil
}

// initialTarget maps REST's names to target states; nil where none is asked for.
func initialTarget(state string) (*stores.TargetState, error) {
	target := stores.Started
	switch strings.ToUpper(state) {
	case "":
		return nil, nil
	case "RUNNING":
	case "PAUSED":
		target = stores.Paused
	case "STOPPED":
		target = stores.Stopped
	default:
		return nil, &InvalidError{Message: fmt.Sprintf("initial_state: %q is not one of RUNNING, PAUSED, STOPPED", state)}
	}
	return &target, nil
}
