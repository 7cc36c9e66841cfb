package validation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// overrides lists the client settings that a connector brings, for the clients that it will have, and refuses those which the policy forbids.
func (v *Validator) overrides(t catalog.Type, cfg connect.Config, infos *ConfigInfos) {
	for _, client := range clients(t, cfg) {
		prefix := client + ".override."
		settings := under(prefix, cfg)
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			value := settings[name]
			if clientSecret(name) {
				value = connect.Hidden
			}
			info := newValueInfo(prefix+name, &value)
			if !v.allows(name) {
				info.Errors = append(info.Errors,
					fmt.Sprintf("The '%s' policy does not allow '%s' to be overridden in the connector configuration.", v.policy(), name))
			}
			infos.add(ConfigInfo{Value: info})
		}
	}
}

// clients are the kinds of clients that a connector's tasks will have (AbstractHerder, DistributedHerder).
func clients(t catalog.Type, cfg connect.Config) []string {
	if t == catalog.Sink {
		if deadLetterTopic(cfg) != "" {
			return []string{"producer", "consumer", "admin"}
		}
		return []string{"consumer"}
	}
	ownOffsets := keyOffsetsTopic.Get(cfg) != ""
	out := []string{"producer"}
	if ownOffsets {
		out = append(out, "consumer")
	}
	if ownOffsets || len(under("topic.creation.", cfg)) > 0 {
		out = append(out, "admin")
	}
	return out
}

// allows is the override policy (org.apache.kafka.connect.connector.policy). One that nobody knows allows nothing.
func (v *Validator) allows(setting string) bool {
	switch v.policy() {
	case "All", "":
		return true
	case "Principal":
		return setting == "sasl.jaas.config" || setting == "sasl.mechanism" || setting == "security.protocol"
	}
	return false
}

// policy is the policy's short name, by which texts call it.
func (v *Validator) policy() string { return shortPolicy(v.OverridePolicy) }

func shortPolicy(name string) string {
	name = strings.TrimPrefix(name, "org.apache.kafka.connect.connector.policy.")
	return strings.TrimSuffix(name, "ConnectorClientConfigOverridePolicy")
}

// KnownPolicy reports whether an override policy is one that is here; all others are Java classes.
func KnownPolicy(name string) bool {
	return slices.Contains([]string{"", "All", "Principal", "None"}, shortPolicy(name))
}

// clientSecrets are the settings of Kafka's clients that are of type PASSWORD; besides, what calls itself one is not shown.
var clientSecrets = []string{"sasl.jaas.config", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates"}

func clientSecret(setting string) bool {
	return slices.Contains(clientSecrets, setting) || strings.HasSuffix(setting, "password") || strings.HasSuffix(setting, "secret") ||
		strings.HasSuffix(setting, "passphrase")
}
