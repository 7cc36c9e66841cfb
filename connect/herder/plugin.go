package herder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/versions"
)

// Plugins lists the classes of this worker.
func (h *Herder) Plugins(connectorsOnly bool) []catalog.Listed { return h.Catalog.List(connectorsOnly) }

// PluginConfig lists the keys of a class, in a version that is in a range; "" is for the latest.
func (h *Herder) PluginConfig(name, version string) ([]validation.ConfigKeyInfo, error) {
	if version == "" {
		version = versions.Latest
	}
	if class, err := h.Catalog.ConnectorVersion(name, version); err == nil {
		return h.Validator.PluginKeys(class), nil
	} else if wrong := wrongVersion(err); wrong != nil {
		return nil, wrong
	}
	spec, err := h.Catalog.Part(name, version)
	if wrong := wrongVersion(err); wrong != nil {
		return nil, wrong
	}
	if err != nil {
		return nil, &NotFoundError{Message: fmt.Sprintf("Unknown plugin %s.", name)}
	}
	keys := make([]validation.ConfigKeyInfo, 0, len(spec.Keys))
	for _, k := range spec.Keys {
		keys = append(keys, validation.KeyInfo(k))
	}
	return keys, nil
}

// wrongVersion is the refusal of a version that is not here, or is none; nil for another error.
func wrongVersion(err error) error {
	var (
		missing *catalog.VersionError
		none    *versions.RangeError
	)
	if errors.As(err, &missing) || errors.As(err, &none) {
		return invalid("%s", err.Error())
	}
	return nil
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
