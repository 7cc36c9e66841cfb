package validation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/restart"
)

// Validator checks configurations of connectors. It is safe for concurrent use.
type Validator struct {
	Catalog *catalog.Catalog
	// Worker is the worker's own configuration: its converters are the defaults of its connectors'. Nil shows none.
	Worker         map[string]string
	OverridePolicy OverridePolicy
	// GroupID is the worker's group, which no sink may share; "" where there is none.
	GroupID string
	// ExactlyOnce says that the worker writes records and offsets of sources in one transaction (exactly.once.source.support=enabled).
	ExactlyOnce bool
	// Providers resolve what configurations refer to; nil resolves nothing.
	Providers *configproviders.Providers
	// Offline leaves out what connectors check by connecting to their systems.
	Offline bool

	running atomic.Int32 // calls into connectors that have not returned
}

// ErrNoConnectorClass refuses a configuration that does not say what it configures. Java prints it here, secrets included.
var ErrNoConnectorClass = errors.New("Connector config contains no connector type: set connector.class") //lint:ignore ST1005 Kafka's text

// Result is what validation found.
type Result struct {
	Infos ConfigInfos
	// Warnings do not prevent acceptance: a server that cannot be reached at the moment, keys that nobody knows.
	Warnings []string
}

// validate checks a resolved configuration. offline leaves the connector's own checks out.
func (v *Validator) validate(ctx context.Context, cfg connect.Config, nulls []string, offline bool) (Result, error) {
	name, ok := cfg[keyClass.Name()]
	if !ok {
		return Result{}, ErrNoConnectorClass
	}
	class, err := ClassOf(v.Catalog, cfg)
	if missing := new(catalog.VersionError); errors.As(err, &missing) {
		latest, err := v.Catalog.Connector(name)
		return v.otherVersion(latest, cfg, nulls, missing), err
	}
	if err != nil {
		return Result{}, err
	}
	framework, named := v.definition(class, cfg, nulls)
	r := newReport()
	r.add(framework.Validate(cfg, nulls...))
	v.converterClasses(cfg, r)
	checkStages(named, func(key string) bool { _, ok := cfg[key]; return ok || slices.Contains(nulls, key) }, r)
	v.crossChecks(ctx, class, cfg, r)
	for _, key := range nulls {
		r.fault(key, "Null value can not be supplied as the configuration value.")
	}
	r.settle()
	warnings, err := v.consult(ctx, class, cfg, nulls, r, offline)
	if err != nil {
		return Result{}, err
	}
	infos := ConfigInfos{Name: name, ErrorCount: r.errors(), Groups: groups(class.Spec.Keys, groups(framework, nil)), Configs: r.ordered(), main: len(r.configs)}
	v.overrides(class.Type, cfg, nulls, &infos)
	v.converterOptions(cfg, nulls, &infos)
	v.restarts(cfg, &infos)
	warnings = slices.Concat(warnings, stageWarnings(named, cfg), unknown(class, framework, named, cfg),
		v.unknownOptions(framework, cfg))
	return Result{Infos: infos, Warnings: warnings}, nil
}

// definition is the framework's keys for a configuration, with what there is in this worker, and the transforms and predicates that it names.
func (v *Validator) definition(class *catalog.Class, cfg connect.Config, nulls []string) (connect.ConfigDef, []stage) {
	def := Definition(class.Type)
	v.offer(def, class, cfg, nulls)
	named := stages(v.Catalog, cfg)
	return withStages(def, named, v.Catalog, cfg), named
}

// consult asks the connector: its keys, and, when all is well so far, what it has to say of them together.
func (v *Validator) consult(ctx context.Context, class *catalog.Class, cfg connect.Config, nulls []string, r *report, offline bool) (warnings []string, err error) {
	found, err := call(ctx, v, func(context.Context) []connect.KeyReport { return class.Spec.Keys.Validate(maps.Clone(cfg), nulls...) })
	if err != nil {
		return nil, err
	}
	r.add(found)
	checker, ok := class.Plugin.(connect.Validator)
	if !ok || offline || r.errors() > 0 {
		return nil, nil
	}
	problems, err := call(ctx, v, func(ctx context.Context) []connect.Problem { return checker.Validate(ctx, maps.Clone(cfg)) })
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		if p.Warning {
			warnings = append(warnings, naming(p))
		} else {
			r.fault(p.Key, naming(p))
		}
	}
	return warnings, nil
}

// naming is a finding's text with its key: whoever reads the refusal of a whole configuration sees nothing else of it.
func naming(p connect.Problem) string {
	if strings.HasPrefix(p.Message, p.Key+": ") {
		return p.Message
	}
	return p.Key + ": " + p.Message
}

// openPrefixes begin keys that have a meaning without being defined.
var openPrefixes = []string{"key.converter.", "value.converter.", "header.converter.", "producer.override.", "consumer.override.", "admin.override.",
	creationPrefix}

// unknown names keys that nobody knows: most are typing errors.
func unknown(class *catalog.Class, framework connect.ConfigDef, named []stage, cfg connect.Config) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(cfg)) {
		below := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
		known := framework.Has(key) || class.Spec.Keys.Has(key) || beyondJava(class.Type).Has(key) || restart.Keys().Has(key) ||
			slices.ContainsFunc(openPrefixes, below) || slices.ContainsFunc(class.Spec.Prefixes, below)
		if known {
			continue
		}
		owner := class.Spec.Class
		for i := range named {
			if below(named[i].prefix) && named[i].class.Class != "" {
				owner = named[i].class.Class
			}
		}
		out = append(out, key+": no such key of "+owner+", it has no effect")
	}
	return out
}

// PluginKeys are the keys of a class as GET /connector-plugins/{plugin}/config shows them: its own, then the framework's that it does not have.
func (v *Validator) PluginKeys(class *catalog.Class) []ConfigKeyInfo {
	var out []ConfigKeyInfo
	for _, k := range class.Spec.Keys {
		out = append(out, KeyInfo(k))
	}
	framework := Definition(class.Type)
	offerVersions(keyIn(framework, keyPluginVersion.Name()), v.Catalog.Versions(class.Spec.Class))
	for _, k := range framework {
		if !class.Spec.Keys.Has(k.Name) {
			out = append(out, KeyInfo(k))
		}
	}
	return out
}
