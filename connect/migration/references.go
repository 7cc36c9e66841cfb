package migration

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// reference is one to a config provider: ${provider:path:key} or ${provider:key} (ConfigTransformer).
var reference = regexp.MustCompile(`\$\{([^}:]*):[^}]*\}`)

// providerOf is the provider among those of the worker that a value refers to; "" where there is none, so that Java takes the value as it stands.
func providerOf(value string, worker map[string]string) string {
	for _, found := range reference.FindAllStringSubmatch(value, -1) {
		for provider := range strings.SplitSeq(worker["config.providers"], ",") {
			if strings.TrimSpace(provider) == found[1] && found[1] != "" {
				return found[1]
			}
		}
	}
	return ""
}

// references finds those to config providers, in a connector's configuration or in the worker's own.
func (f *findings) references(config, worker map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if !reference.MatchString(config[key]) {
			continue
		}
		if provider := providerOf(config[key], worker); provider != "" {
			f.add(key, Blocks, "it refers to the config provider "+provider+", and there are none yet: give the value itself")
		} else {
			f.add(key, Unknown, "it looks like a reference to a config provider, but config.providers names none such: it is taken as it stands, as in Java")
		}
	}
}

// Unresolved names the keys of a worker that refer to config providers, nil where there are none: Kafka may be out of reach because of them.
func Unresolved(w *workerconfig.Worker) error {
	var f findings
	f.references(w.Properties, w.Properties)
	var keys []string
	for _, one := range f.all {
		if one.Weight == Blocks {
			keys = append(keys, one.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return fmt.Errorf("config providers are not there yet, and these keys refer to some: %s: give the values themselves, by --set or the environment",
		strings.Join(keys, ", "))
}
