package migration

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/redaction"
)

// harmless are keys whose values may be shown.
var harmless = []string{"name", "connector.class", "tasks.max", "topics", "topics.regex", "topic", "key.converter", "value.converter", "header.converter",
	"bootstrap.servers", "group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic", "security.protocol", "sasl.mechanism",
	"producer.security.protocol", "producer.sasl.mechanism", "consumer.security.protocol", "consumer.sasl.mechanism", "config.providers", "listeners",
	"connector.client.config.override.policy", "errors.tolerance", "errors.deadletterqueue.topic.name", "transforms", "predicates"}

// secretsOf are the values of a configuration that must not be shown. Errors of checks repeat values, and nobody can tell from a key which of
// them is a secret: what is not known to be harmless is none of the reader's business.
func secretsOf(configs ...map[string]string) redaction.Values {
	var all []string
	for _, config := range configs {
		for key, value := range config {
			if !slices.Contains(harmless, key) {
				all = append(all, value)
			}
		}
	}
	return redaction.Of(all...)
}

// unframed is what a check has against a value, without the value: Kafka's texts are "Invalid value v for configuration k: reason".
func unframed(key, text string) string {
	text = strings.TrimPrefix(text, key+": ")
	if strings.HasPrefix(text, "Invalid value ") {
		if _, reason, ok := strings.Cut(text, " for configuration "+key+": "); ok {
			return reason
		}
	}
	return text
}
