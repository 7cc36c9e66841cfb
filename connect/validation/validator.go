package validation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// Validator checks configurations of connectors. It is safe for concurrent use.
type Validator struct {
	Catalog *catalog.Catalog
	// Worker is the worker's own configuration: its converters are the defaults of its connectors'. Nil shows none.
	Worker map[string]string
	// OverridePolicy is connector.client.config.override.policy: All, also where it is empty, Principal or None, or the class of one of them.
	OverridePolicy string
	// GroupID is the worker's group, which no sink may share; "" where there is none.
	GroupID string
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

// Validate checks a configuration whole (AbstractHerder.validateConnectorConfig). The connector's own checks may take as long as ctx lasts, a minute at
// most; one that hangs is left behind. An error is not about a key: [ErrNoConnectorClass], a class that is not here or not unique
// ([*catalog.NotFoundError], [*catalog.AmbiguousError]), a check that panicked ([*PanicError]) or did not return.
func (v *Validator) Validate(ctx context.Context, cfg connect.Config) (Result, error) {
	name, ok := cfg[keyClass.Name()]
	if !ok {
		return Result{}, ErrNoConnectorClass
	}
	class, err := v.Catalog.Connector(name)
	if err != nil {
		return Result{}, err
	}
	framework := Definition(class.Type)
	v.offer(framework, class, cfg)
	r := newReport()
	r.add(framework.Validate(cfg))
	v.converterClasses(cfg, r)
	v.crossChecks(class.Type, cfg, r)
	warnings, err := v.consult(ctx, class, cfg, r)
	if err != nil {
		return Result{}, err
	}
	infos := ConfigInfos{Name: name, ErrorCount: r.errors(), Groups: groups(class.Spec.Keys, groups(framework, nil)), Configs: r.ordered()}
	v.overrides(class.Type, cfg, &infos)
	v.converterOptions(cfg, &infos)
	return Result{Infos: infos, Warnings: slices.Concat(warnings, otherVersion(class, cfg), WithoutEffect(cfg), unknown(class, framework, cfg))}, nil
}

// consult asks the connector: its keys, and, when all is well so far, what it has to say of them together.
func (v *Validator) consult(ctx context.Context, class *catalog.Class, cfg connect.Config, r *report) (warnings []string, err error) {
	found, err := call(ctx, v, func(context.Context) []connect.KeyReport { return class.Spec.Keys.Validate(maps.Clone(cfg)) })
	if err != nil {
		return nil, err
	}
	r.add(found)
	checker, ok := class.Plugin.(connect.Validator)
	if !ok || v.Offline || r.errors() > 0 {
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

// otherVersion says that a version which is asked for is not to be had. Java refuses it; here each class has one version, in place of all of Java's.
func otherVersion(class *catalog.Class, cfg connect.Config) []string {
	asked, given := keyPluginVersion.Lookup(cfg)
	if !given || asked == class.Spec.Version {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s is asked for, and this worker has %s of %s alone, which it uses",
		keyPluginVersion.Name(), asked, class.Spec.Version, class.Spec.Class)}
}

// openPrefixes begin keys that have a meaning without being defined.
var openPrefixes = []string{"key.converter.", "value.converter.", "header.converter.", "producer.override.", "consumer.override.", "admin.override.",
	"topic.creation.", "transforms.", "predicates.", "errors.deadletterqueue."}

// unknown names keys that nobody knows: most are typing errors.
func unknown(class *catalog.Class, framework connect.ConfigDef, cfg connect.Config) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(cfg)) {
		below := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
		known := framework.Has(key) || class.Spec.Keys.Has(key) ||
			slices.ContainsFunc(openPrefixes, below) || slices.ContainsFunc(class.Spec.Prefixes, below)
		if !known {
			out = append(out, key+": no such key of "+class.Spec.Class+", it has no effect")
		}
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
	offerVersion(keyIn(framework, keyPluginVersion.Name()), class.Spec.Version)
	for _, k := range framework {
		if !class.Spec.Keys.Has(k.Name) {
			out = append(out, KeyInfo(k))
		}
	}
	return out
}
