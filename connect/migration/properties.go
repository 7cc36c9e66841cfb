package migration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// missing are worker keys of Kafka Connect that do something there and nothing here, with what that means (worker-config of Kafka 4.1).
var missing = map[string]string{
	"plugin.path":                  "Java plugins cannot run here: the connectors below say which classes are there",
	"plugin.discovery":             "there are no Java plugins to discover",
	"rest.extension.classes":       "REST extensions are Java classes: put a proxy with a login in front of REST",
	"config.providers":             "there are no config providers yet: references like ${file:...} are not replaced",
	"exactly.once.source.support":  "there are no exactly-once sources yet: sources deliver at least once",
	"topic.creation.enable":        "topics of sources are created by the broker, if it is allowed to, with its defaults",
	"admin.listeners":              "there are no listeners for administration: /admin is where REST is",
	"access.control.allow.origin":  "browsers of other origins are not let in",
	"access.control.allow.methods": "browsers of other origins are not let in",
	"response.http.headers.config": "no headers are added to REST's answers",
	"metric.reporters":             "metric reporters are Java classes: metrics are at /metrics for Prometheus",
	"metrics.num.samples":          "metrics are at /metrics for Prometheus, which does the sampling",
	"metrics.sample.window.ms":     "metrics are at /metrics for Prometheus, which does the sampling",
	"metrics.recording.level":      "metrics are at /metrics for Prometheus, all of them",
	"auto.include.jmx.reporter":    "there is no JMX: metrics are at /metrics for Prometheus",
	"rest.port":                    "gone since Kafka 3.0: use listeners",
	"rest.host.name":               "gone since Kafka 3.0: use listeners",
	"internal.key.converter":       "gone since Kafka 3.0: internal topics are JSON always",
	"internal.value.converter":     "gone since Kafka 3.0: internal topics are JSON always",
}

// prefixes begin keys that belong to something else than the worker itself.
var prefixes = []string{"producer.", "consumer.", "admin.", "key.converter.", "value.converter.", "header.converter."}

// properties looks at the worker's own keys.
func properties(p workerconfig.Properties, classes *catalog.Catalog) []Finding {
	found := []Finding{}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		switch reason, listed := missing[key]; {
		case listed:
			found = append(found, Finding{key, Differs, reason})
		case workerconfig.Knows(workerconfig.Distributed, key), ofClients(key), key == "header.converter":
		case strings.HasPrefix(key, "config.providers."):
			found = append(found, Finding{key, Differs, missing["config.providers"]})
		case strings.HasPrefix(key, "listeners.https."):
			found = append(found, Finding{key, Differs, "REST has no TLS yet: put a proxy in front of it"})
		default:
			found = append(found, Finding{key, Differs, "no such key here, it has no effect"})
		}
	}
	for _, key := range []string{"key.converter", "value.converter", "header.converter"} {
		if class := p[key]; class != "" {
			if _, err := classes.Converter(class); err != nil {
				found = append(found, Finding{key, Blocks, fmt.Sprintf("%v There are: %s", err, strings.Join(classes.ConverterNames(), ", "))})
			}
		}
	}
	if strings.HasPrefix(strings.ToLower(p["listeners"]), "https:") {
		found = append(found, Finding{"listeners", Blocks, "REST has no TLS yet: listen on http and put a proxy in front"})
	}
	return found
}

// ofClients reports whether a key is for Kafka clients or converters.
func ofClients(key string) bool {
	return kafkaclient.AdminClient.Knows(key) || kafkaclient.ProducerClient.Knows(key) || kafkaclient.ConsumerClient.Knows(key) ||
		slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}
