package validation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
)

// Validate checks a configuration whole (AbstractHerder.validateConnectorConfig), with what its references to config providers stand for. The answer
// shows the references, where Java shows what they stand for, and no error repeats it. The connector's own checks may take as long as ctx lasts, a
// minute at most; one that hangs is left behind, and so is a provider. An error is not about a key: [ErrNoConnectorClass], a class that is not here or
// not unique ([*catalog.NotFoundError], [*catalog.AmbiguousError]), a check that panicked ([*PanicError]) or did not return.
//
// Nulls are keys that are given as JSON's null and are not in cfg.
func (v *Validator) Validate(ctx context.Context, cfg connect.Config, nulls ...string) (Result, error) {
	found, nowhere, err := v.resolve(ctx, cfg)
	if err != nil {
		return Result{}, err
	}
	keepUnnamed(found.Config, cfg)
	result, err := v.validate(found.Secrets.Context(ctx), found.Config, nulls, v.Offline || len(nowhere) > 0)
	if err != nil {
		return Result{}, found.Secrets.Error(err)
	}
	for _, info := range result.Infos.Configs {
		info.Value.conceal(cfg[info.Value.Name], found)
	}
	for i, warning := range result.Warnings {
		result.Warnings[i] = found.Secrets.Removed(warning)
	}
	for _, reference := range nowhere {
		result.Infos.unresolved(cfg[reference.Key], reference)
	}
	if class := cfg[keyClass.Name()]; class != "" {
		result.Infos.Name = class
	}
	return result, nil
}

// resolve looks up what a configuration refers to. Only what leads nowhere is no error.
func (v *Validator) resolve(ctx context.Context, cfg connect.Config) (configproviders.Resolved, []*configproviders.ReferenceError, error) {
	type answer struct {
		found configproviders.Resolved
		err   error
	}
	a, err := call(ctx, v, func(ctx context.Context) answer {
		found, err := v.Providers.Resolve(ctx, cfg)
		return answer{found, err}
	})
	if err != nil {
		return configproviders.Resolved{}, nil, err
	}
	if nowhere := new(configproviders.UnresolvedError); errors.As(a.err, &nowhere) {
		return a.found, nowhere.References, nil
	}
	return a.found, nil, a.err
}

// keepUnnamed lets a list of aliases stay a reference where the configuration itself has no keys under one of them: such an alias is wrong, and the
// answer would show it in the names of all keys that it could have.
func keepUnnamed(found, given connect.Config) {
	for _, list := range []struct {
		key    connect.Key[[]string]
		prefix string
	}{{keyTransforms, "transforms."}, {keyPredicates, "predicates."}, {keyCreationGroups, creationPrefix}} {
		name := list.key.Name()
		if !configproviders.Refers(given[name]) {
			continue
		}
		unnamed := func(alias string) bool {
			for key := range given {
				if strings.HasPrefix(key, list.prefix+alias+".") {
					return false
				}
			}
			return true
		}
		if slices.ContainsFunc(list.key.Get(found), unnamed) {
			found[name] = given[name]
		}
	}
}

// conceal puts the references that were given in place of what they stand for, and takes that out of the errors. PASSWORDs are not shown anyway.
func (i *ConfigValueInfo) conceal(given string, found configproviders.Resolved) {
	if configproviders.Refers(given) && i.Value != nil && *i.Value != connect.Hidden {
		i.Value = &given
	}
	for at, text := range i.Errors {
		if value := found.Config[i.Name]; configproviders.Refers(given) && value != "" { // however short it is
			text = strings.ReplaceAll(text, "Invalid value "+value+" for ", "Invalid value "+given+" for ")
		}
		i.Errors[at] = found.Secrets.Removed(text)
	}
}

// unresolved makes a reference that leads nowhere the one thing that is wrong with its key: all else was said of the reference itself.
func (i *ConfigInfos) unresolved(given string, reference *configproviders.ReferenceError) {
	text := "Invalid value " + given + " for configuration " + reference.Error()
	at := slices.IndexFunc(i.Configs, func(c ConfigInfo) bool { return c.Value.Name == reference.Key })
	if at < 0 {
		info := newValueInfo(reference.Key, &given)
		info.Errors = append(info.Errors, text)
		i.add(ConfigInfo{Value: info})
		return
	}
	value := i.Configs[at].Value
	counted := len(value.Errors)
	if at >= i.main {
		counted = min(counted, 1)
	}
	i.ErrorCount += 1 - counted
	value.Errors = []string{text}
}
