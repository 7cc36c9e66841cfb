package validation

import (
	"errors"
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
	for _, c := range Clients(t, cfg, v.ExactlyOnce) {
		settings := under(c.prefix(), cfg)
		absent := namesUnder(c.prefix(), nulls)
		names := slices.AppendSeq(slices.Clone(absent), maps.Keys(settings))
		slices.Sort(names)
		javahash.Sort(names, func(name string) string { return name })
		for _, name := range names {
			info := override(c, name, settings, absent)
			if refusal := v.OverridePolicy.refusal(name); refusal != "" {
				info.Value.Errors = append(info.Value.Errors, refusal)
			}
			infos.add(info)
		}
	}
}

// override shows one setting. What Kafka's clients do not know is shown as it was given, unless it calls itself a secret.
func override(c Client, name string, settings connect.Config, nulls []string) ConfigInfo {
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

// Clients are the kinds of clients that a connector's tasks will have, where the worker is exactly-once or not (AbstractHerder, DistributedHerder), a
// source's dead letter queue included.
func Clients(t catalog.Type, cfg connect.Config, exactlyOnce bool) []Client {
	if t == catalog.Sink {
		if deadLetterTopic(cfg) != "" {
			return []Client{Producer, Consumer, Admin}
		}
		return []Client{Consumer}
	}
	ownOffsets := exactlyOnce || keyOffsetsTopic.Get(cfg) != ""
	out := []Client{Producer}
	if ownOffsets {
		out = append(out, Consumer)
	}
	if ownOffsets || len(under(creationPrefix, cfg)) > 0 || deadLetterTopic(cfg) != "" {
		out = append(out, Admin)
	}
	return out
}

// OverridePolicy says which settings of its clients a connector may bring (connector.client.config.override.policy): All, also where it is empty,
// Principal or None, or the class of one of them (org.apache.kafka.connect.connector.policy). One that nobody knows allows nothing.
type OverridePolicy string

// refusal says in Kafka Connect's words that a setting is not allowed; "" where it is.
func (p OverridePolicy) refusal(setting string) string {
	switch p.name() {
	case "All", "":
		return ""
	case "Principal":
		if setting == "sasl.jaas.config" || setting == "sasl.mechanism" || setting == "security.protocol" {
			return ""
		}
	}
	return fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.", p.name(), setting)
}

// name is the short one, by which texts call it.
func (p OverridePolicy) name() string {
	name := strings.TrimPrefix(string(p), "org.apache.kafka.connect.connector.policy.")
	return strings.TrimSuffix(name, "ConnectorClientConfigOverridePolicy")
}

// Known reports whether the policy is one that is here; all others are Java classes.
func (p OverridePolicy) Known() bool {
	return slices.Contains([]string{"", "All", "Principal", "None"}, p.name())
}

// Check refuses what a connector may not bring for some kinds of clients. A configuration may have been stored under another policy.
func (p OverridePolicy) Check(cfg connect.Config, clients ...Client) error {
	var refused []string
	for _, c := range clients {
		for _, name := range slices.Sorted(maps.Keys(under(c.prefix(), cfg))) {
			if refusal := p.refusal(name); refusal != "" {
				refused = append(refused, c.prefix()+name+": "+refusal)
			}
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return errors.New(strings.Join(refused, "; ") + " (connector.client.config.override.policy)")
}
