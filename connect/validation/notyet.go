package validation

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// notYet are keys that are accepted, because manifests have them, but have no effect in this version: whoever submits one is told.
var notYet = map[string]string{
	"errors.deadletterqueue.topic.name": "this version has no dead letter queue: a record that cannot be handled fails the task",
	"errors.retry.timeout":              "this version does not retry converters",
	"offsets.storage.topic":             "this version keeps offsets in the worker's topic",
	"topic.creation.":                   "this version leaves the creation of topics to the broker's defaults",
	"admin.override.":                   "this version has no admin client of the connector's",
}

// WithoutEffect warns of keys of the framework that have none yet, each as "key: consequence", sorted by key.
func WithoutEffect(cfg connect.Config) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(cfg)) {
		for name, consequence := range notYet {
			if key == name || strings.HasSuffix(name, ".") && strings.HasPrefix(key, name) {
				out = append(out, key+": "+consequence)
			}
		}
	}
	return out
}

// losesRecords refuses what would skip records that the manifest wants kept: errors.tolerance=all with a dead letter queue.
func losesRecords(cfg connect.Config) string {
	if strings.TrimSpace(cfg["errors.deadletterqueue.topic.name"]) == "" || cfg["errors.tolerance"] != "all" {
		return ""
	}
	return "errors.deadletterqueue.topic.name: this version has no dead letter queue, and with errors.tolerance=all records would be lost: " +
		"remove one of the two"
}
