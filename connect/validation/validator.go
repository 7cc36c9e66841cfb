package validation

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// Validator checks configurations of connectors. It is safe for concurrent use.
type Validator struct {
	Catalog *catalog.Catalog
	// OverridePolicy is connector.client.config.override.policy: All, Principal or None.
	OverridePolicy string
	// GroupID is the worker's group, which no sink may share; "" where there is none.
	GroupID string
}

// Result is what validation found.
type Result struct {
	Infos ConfigInfos
	// Warnings do not prevent acceptance: a server that cannot be reached at the moment, keys that nobody knows.
	Warnings []string
}

// Validate checks a configuration whole. The connector's own check may take as long as ctx lasts; one that hangs is left behind. An error is not
// about a key: the class is not here, or the connector's check broke.
func (v *Validator) Validate(ctx context.Context, cfg connect.Config) (Result, error) {
	class, err := v.Catalog.Connector(cfg["connector.class"])
	if err != nil {
		return Result{}, err
	}
	framework := Definition(v.Catalog, class.Type)
	r := &report{infos: ConfigInfos{Name: cfg["connector.class"], Groups: groups(class.Spec.Keys, groups(framework, nil))}, at: map[string]int{}}
	r.add(framework.Validate(cfg), "")
	v.crossCheck(class, cfg, r)
	r.add(class.Spec.Keys.Validate(cfg), "")
	var warnings []string
	if r.errors() == 0 {
		problems, err := ask(ctx, class.Plugin, cfg)
		if err != nil {
			return Result{}, err
		}
		for _, p := range problems {
			if p.Warning {
				warnings = append(warnings, p.Key+": "+p.Message)
			} else {
				r.fault(p.Key, p.Message)
			}
		}
	}
	r.infos.ErrorCount = r.errors()
	v.overrides(class.Type, cfg, r)
	v.converters(cfg, r)
	return Result{Infos: r.infos, Warnings: append(warnings, v.unknown(class, framework, cfg)...)}, nil
}

// report gathers the answer.
type report struct {
	infos ConfigInfos
	at    map[string]int // position of a key in infos.Configs
}

// add takes reports in. A key that is there already keeps its place and gets the later value: the connector's own word counts.
func (r *report) add(reports []connect.KeyReport, prefix string) (faulty int) {
	for _, k := range reports {
		info := configInfo(k, prefix)
		if len(k.Errors) > 0 {
			faulty++
		}
		if i, ok := r.at[info.Value.Name]; ok {
			r.infos.Configs[i].Value = info.Value
			continue
		}
		r.at[info.Value.Name] = len(r.infos.Configs)
		r.infos.Configs = append(r.infos.Configs, info)
	}
	return faulty
}

// fault adds an error to a key, which need not be defined.
func (r *report) fault(key, message string) {
	i, ok := r.at[key]
	if !ok {
		i = len(r.infos.Configs)
		r.at[key] = i
		r.infos.Configs = append(r.infos.Configs, ConfigInfo{Value: &ConfigValueInfo{Name: key, RecommendedValues: []string{}, Visible: true}})
	}
	value := r.infos.Configs[i].Value
	value.Errors = append(value.Errors, message)
}

func (r *report) errors() int {
	n := 0
	for _, c := range r.infos.Configs {
		n += len(c.Value.Errors)
	}
	return n
}

// crossCheck looks at keys together (SinkConnectorConfig.validate).
func (v *Validator) crossCheck(class *catalog.Class, cfg connect.Config, r *report) {
	if class.Type != catalog.Sink {
		return
	}
	topics, regex := keyTopics.Get(cfg), strings.TrimSpace(cfg["topics.regex"])
	switch {
	case len(topics) == 0 && regex == "":
		r.fault("topics", "Must configure one of topics or topics.regex")
		r.fault("topics.regex", "Must configure one of topics or topics.regex")
	case len(topics) > 0 && regex != "":
		r.fault("topics", "topics and topics.regex are mutually exclusive options, but both are set.")
		r.fault("topics.regex", "topics and topics.regex are mutually exclusive options, but both are set.")
	}
	if dead := strings.TrimSpace(cfg["errors.deadletterqueue.topic.name"]); dead != "" {
		if slices.Contains(topics, dead) {
			r.fault("topics", fmt.Sprintf("The DLQ topic '%s' may not be included in the list of topics ('topics=[%s]') consumed by the connector",
				dead, strings.Join(topics, ", ")))
		}
		if p, err := regexp.Compile("^(?:" + regex + ")$"); err == nil && regex != "" && p.MatchString(dead) {
			r.fault("topics.regex", fmt.Sprintf("The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') consumed by the connector",
				dead, regex))
		}
	}
	v.checkGroup(cfg, r)
}

// checkGroup refuses a sink whose consumer group is the worker's.
func (v *Validator) checkGroup(cfg connect.Config, r *report) {
	const override = "consumer.override.group.id"
	group, own := cfg[override]
	switch {
	case v.GroupID == "":
	case own && group == v.GroupID:
		r.fault(override, fmt.Sprintf("Consumer group %s conflicts with Connect worker group %s", group, v.GroupID))
	case !own && "connect-"+cfg["name"] == v.GroupID:
		r.fault("name", fmt.Sprintf("Consumer group for sink connector named %s conflicts with Connect worker group %s", cfg["name"], v.GroupID))
	}
}

// ask calls the connector's own check, which may panic or hang.
func ask(ctx context.Context, plugin any, cfg connect.Config) ([]connect.Problem, error) {
	checker, ok := plugin.(connect.Validator)
	if !ok {
		return nil, nil
	}
	type answer struct {
		problems []connect.Problem
		err      error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if what := recover(); what != nil {
				a.err = fmt.Errorf("the connector's validation panicked: %v\n%s", what, debug.Stack())
			}
			answered <- a
		}()
		a.problems = checker.Validate(ctx, maps.Clone(cfg))
	}()
	select {
	case a := <-answered:
		return a.problems, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the connector's validation does not return: %w", ctx.Err())
	}
}

// overrides lists the client settings that the connector brings, and refuses those that the policy forbids.
func (v *Validator) overrides(t catalog.Type, cfg connect.Config, r *report) {
	clients := []string{"producer.override."}
	if t == catalog.Sink {
		clients = []string{"consumer.override."}
	}
	for _, prefix := range clients {
		for _, name := range slices.Sorted(maps.Keys(under(prefix, cfg))) {
			value := cfg[prefix+name]
			info := &ConfigValueInfo{Name: prefix + name, Value: &value, RecommendedValues: []string{}, Errors: []string{}, Visible: true}
			if !v.allows(name) {
				info.Errors = []string{fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.",
					v.OverridePolicy, name)}
				r.infos.ErrorCount++
			}
			if i, ok := r.at[prefix+name]; ok { // a fault was found before
				info.Errors = append(info.Errors, r.infos.Configs[i].Value.Errors...)
				r.infos.Configs[i].Value = info
				continue
			}
			r.at[prefix+name] = len(r.infos.Configs)
			r.infos.Configs = append(r.infos.Configs, ConfigInfo{Value: info})
		}
	}
}

// allows is the override policy (org.apache.kafka.connect.connector.policy).
func (v *Validator) allows(key string) bool {
	switch v.OverridePolicy {
	case "None":
		return false
	case "Principal":
		return key == "sasl.jaas.config" || key == "sasl.mechanism" || key == "security.protocol"
	}
	return true
}

// converters validates the options of converters that the connector names itself, in Kafka Connect's order.
func (v *Validator) converters(cfg connect.Config, r *report) {
	for _, key := range []string{"header.converter", "key.converter", "value.converter"} {
		if cfg[key] == "" {
			continue
		}
		d, err := v.Catalog.Converter(cfg[key])
		if err != nil {
			continue // said already
		}
		options := under(key+".", cfg)
		options["converter.type"] = strings.TrimSuffix(key, ".converter")
		r.infos.ErrorCount += r.add(d.Spec.Keys.Validate(options), key+".")
		r.infos.Groups = groups(d.Spec.Keys, r.infos.Groups)
	}
}

// openPrefixes begin keys that have a meaning without being defined.
var openPrefixes = []string{"key.converter.", "value.converter.", "header.converter.", "producer.override.", "consumer.override.", "admin.override.",
	"topic.creation.", "transforms.", "predicates.", "errors.deadletterqueue.", "confluent."}

// unknown names keys that nobody knows: most are typing errors.
func (v *Validator) unknown(class *catalog.Class, framework connect.ConfigDef, cfg connect.Config) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(cfg)) {
		known := framework.Has(key) || class.Spec.Keys.Has(key) ||
			slices.ContainsFunc(openPrefixes, func(p string) bool { return strings.HasPrefix(key, p) })
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
	for _, k := range Definition(v.Catalog, class.Type) {
		if !class.Spec.Keys.Has(k.Name) {
			out = append(out, KeyInfo(k))
		}
	}
	return out
}
