package worker

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/versions"
)

// newChain makes a task's transforms and predicates from a connector's configuration (ConnectorConfig.transformationStages), which the framework has
// accepted: what can still be wrong, such as a predicate that nobody defines, is a [connect.ConfigError] that names the key. A predicate that no
// transform uses must still be a good one.
func newChain(classes *catalog.Catalog, f *validation.Framework, cfg connect.Config) (c chain, err error) {
	defer func() {
		if err != nil {
			c.close()
			c = nil
		}
	}()
	for _, alias := range f.Predicates {
		p, err := newPredicate(classes, alias, cfg)
		if err != nil {
			return c, err
		}
		p.Close()
	}
	for _, alias := range f.Transforms {
		l, err := newLinkOf(classes, alias, cfg)
		if err != nil {
			return c, err
		}
		c = append(c, l)
	}
	return c, nil
}

// newLinkOf makes a transform and the predicate that it names.
func newLinkOf(classes *catalog.Catalog, alias string, cfg connect.Config) (link, error) {
	prefix := "transforms." + alias + "."
	def, err := classes.TransformVersion(strings.TrimSpace(cfg[prefix+"type"]), versions.Asked(cfg, prefix+"plugin.version"))
	if err != nil {
		return link{}, wrongType(prefix, cfg, err)
	}
	predicate, conditional := cfg[prefix+"predicate"]
	t, err := def.New(below(prefix, cfg))
	if err != nil {
		return link{}, prefixed(prefix, err)
	}
	if !conditional {
		return newLink(def.Spec.Class, t, nil, false), nil
	}
	p, err := newPredicate(classes, predicate, cfg)
	if err != nil {
		t.Close()
		return link{}, fmt.Errorf("%spredicate: %w", prefix, err)
	}
	return newLink(def.Spec.Class, t, p, strings.EqualFold(cfg[prefix+"negate"], "true")), nil
}

func newPredicate(classes *catalog.Catalog, alias string, cfg connect.Config) (connect.Predicate, error) {
	prefix := "predicates." + alias + "."
	def, err := classes.PredicateVersion(strings.TrimSpace(cfg[prefix+"type"]), versions.Asked(cfg, prefix+"plugin.version"))
	if err != nil {
		return nil, wrongType(prefix, cfg, err)
	}
	p, err := def.New(below(prefix, cfg))
	return p, prefixed(prefix, err)
}

// wrongType is the error for a class that is not named or not here.
func wrongType(prefix string, cfg connect.Config, cause error) error {
	if cfg[prefix+"type"] == "" {
		return &connect.ConfigError{Key: prefix + "type", Reason: "no class is given for this alias"}
	}
	return &connect.ConfigError{Key: prefix + "type", Reason: cause.Error()}
}

// prefixed names a key of a transform or predicate as the connector's configuration has it.
func prefixed(prefix string, err error) error {
	if e := new(connect.ConfigError); errors.As(err, &e) {
		return &connect.ConfigError{Key: prefix + e.Key, Reason: e.Reason}
	}
	return err
}

// below are the entries under a prefix, without it.
func below(prefix string, cfg connect.Config) connect.Config {
	out := connect.Config{}
	for key, value := range cfg {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			out[name] = value
		}
	}
	return out
}
