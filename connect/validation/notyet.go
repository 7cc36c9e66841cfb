package validation

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// notYet are keys that are accepted, because manifests have them, but have no effect in this version: whoever submits one is told.
var notYet = map[string]string{
	"topic.creation.": "this version leaves the creation of topics to the broker's defaults",
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
