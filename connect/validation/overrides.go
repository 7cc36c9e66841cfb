package validation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/javahash"
)

// overrides lists the client settings that a connector brings, for the clients that it will have, and refuses those which the policy forbids and
// those which do not parse: Java answers 500 for them.
func (v *Validator) overrides(t catalog.Type, cfg connect.Config, nulls []string, infos *ConfigInfos) {
	policy := overridePolicy(v.OverridePolicy)
	for _, c := range clients(t, cfg, v.ExactlyOnce) {
		settings := under(c.prefix(), cfg)
		absent := namesUnder(c.prefix(), nulls)
		names := slices.AppendSeq(slices.Clone(absent), maps.Keys(settings))
		slices.Sort(names)
		javahash.Sort(names, func(name string) string { return name })
		for _, name := range names {
			info := override(c, name, settings, absent)
			if problem := policy.refuses(name); problem != "" {
				info.Value.Errors = append(info.Value.Errors, problem)
			}
			infos.add(info)
		}
	}
}

// override shows one setting. What Kafka's clients do not know is shown as it was given, unless it calls itself a secret.
func override(c client, name string, settings connect.Config, nulls []string) ConfigInfo {
	if key, known := clientKeys()[c].Key(name); known {
		return configInfo(connect.ConfigDef{key}.Validate(settings, nulls...)[0], c.prefix())
	}
	info := ConfigInfo{Value: newValueInfo(c.prefix()+name, nil)}
	if value, given := settings[name]; given {
		if looksSecret(name) {
			value = connect.Hidden
		}
		info.Value.Value = &value
	}
	return info
}

func looksSecret(setting string) bool {
	return strings.HasSuffix(setting, "password") || strings.HasSuffix(setting, "secret") || strings.HasSuffix(setting, "passphrase")
}

// clients are the kinds of clients that a connector's tasks will have, where the worker is exactly-once or not (AbstractHerder, DistributedHerder), a
// source's dead letter queue included.
func clients(t catalog.Type, cfg connect.Config, exactlyOnce bool) []client {
	if t == catalog.Sink {
		if deadLetterTopic(cfg) != "" {
			return []client{producer, consumer, admin}
		}
		return []client{consumer}
	}
	ownOffsets := exactlyOnce || keyOffsetsTopic.Get(cfg) != ""
	out := []client{producer}
	if ownOffsets {
		out = append(out, consumer)
	}
	if ownOffsets || len(under(creationPrefix, cfg)) > 0 || deadLetterTopic(cfg) != "" {
		out = append(out, admin)
	}
	return out
}

// overridePolicy says which settings of their clients connectors may set (org.apache.kafka.connect.connector.policy): the value of
// connector.client.config.override.policy, All where it is empty. One that nobody knows, a class of somebody's own, allows nothing.
type overridePolicy string

// refuses tells why a setting may not be overridden; "" if it may.
func (p overridePolicy) refuses(setting string) string {
	allowed := false
	switch p.name() {
	case "All", "":
		allowed = true
	case "Principal":
		allowed = setting == "sasl.jaas.config" || setting == "sasl.mechanism" || setting == "security.protocol"
	}
	if allowed {
		return ""
	}
	return fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.", p.name(), setting)
}

// name is the policy's short name, by which texts call it.
func (p overridePolicy) name() string {
	name := strings.TrimPrefix(strings.TrimSpace(string(p)), "org.apache.kafka.connect.connector.policy.")
	return strings.TrimSuffix(name, "ConnectorClientConfigOverridePolicy")
}

// refusedOverrides are what a worker's policy has against a configuration, one too that was stored before the policy was there.
func refusedOverrides(t catalog.Type, cfg connect.Config, worker map[string]string) []string {
	policy := overridePolicy(worker["connector.client.config.override.policy"])
	exactlyOnce := strings.EqualFold(strings.TrimSpace(worker["exactly.once.source.support"]), "enabled")
	var problems []string
	for _, c := range clients(t, cfg, exactlyOnce) {
		for _, name := range slices.Sorted(maps.Keys(under(c.prefix(), cfg))) {
			if problem := policy.refuses(name); problem != "" {
				problems = append(problems, c.prefix()+name+": "+problem)
			}
		}
	}
	return problems
}
