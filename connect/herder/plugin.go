package herder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
)

// Plugins lists the classes of this worker.
func (h *Herder) Plugins(connectorsOnly bool) []catalog.Listed { return h.Catalog.List(connectorsOnly) }

// PluginConfig lists the keys of a class. A version other than "" must be the class's.
func (h *Herder) PluginConfig(name, version string) ([]validation.ConfigKeyInfo, error) {
	if class, err := h.Catalog.Connector(name); err == nil {
		if err := wantVersion(class.Spec, version); err != nil {
			return nil, err
		}
		return h.Validator.PluginKeys(class), nil
	}
	spec, known := h.Catalog.Part(name)
	if !known {
		return nil, &NotFoundError{Message: fmt.Sprintf("Unknown plugin %s.", name)}
	}
	if err := wantVersion(spec, version); err != nil {
		return nil, err
	}
	keys := make([]validation.ConfigKeyInfo, 0, len(spec.Keys))
	for _, k := range spec.Keys {
		keys = append(keys, validation.KeyInfo(k))
	}
	return keys, nil
}

func wantVersion(spec connect.Spec, version string) error {
	if version == "" || version == spec.Version {
		return nil
	}
	return invalid("Plugin %s not found that matches the version range [%s,%s], available versions: [%s]", spec.Class, version, version, spec.Version)
}

// Validate checks a configuration without storing it. Nulls are keys that are given as null and are not in it.
func (h *Herder) Validate(ctx context.Context, _ string, config connect.Config, nulls ...string) (validation.ConfigInfos, error) {
	result, err := h.Validator.Validate(ctx, config, nulls...)
	if err == nil || ctx.Err() == nil {
		return result.Infos, err
	}
	err = h.late(ctx)
	if late := new(StageError); errors.As(err, &late) { // ConnectorPluginsResource leaves the full stop out
		err = &StageError{Stage: strings.TrimSuffix(late.Stage, ".")}
	}
	return validation.ConfigInfos{}, err
}
