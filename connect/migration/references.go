package migration

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/connect/configproviders"
)

// references looks at what a configuration refers to, a connector's or the worker's own. unresolved is why it cannot be resolved, nil if it can.
func (c *Check) references(f *findings, config map[string]string, unresolved error) {
	nowhere := new(configproviders.UnresolvedError)
	errors.As(unresolved, &nowhere)
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if !configproviders.Refers(config[key]) {
			continue
		}
		at := slices.IndexFunc(nowhere.References, func(r *configproviders.ReferenceError) bool { return r.Key == key })
		switch {
		case at >= 0: // without its path and key, which are the value of this key
			f.add(key, Blocks, fmt.Sprintf("it refers to the config provider %s, which finds nothing here: each worker needs that on its own machine",
				nowhere.References[at].Provider))
		case !slices.ContainsFunc(configproviders.ProvidersOf(config[key]), c.Worker.Providers.Has):
			f.add(key, Unknown, "it looks like a reference to a config provider, but config.providers names none such: it is taken as it stands, as in Java")
		}
	}
}

// providers says which of the worker's config providers there are not.
func (c *Check) providers(f *findings) {
	missing := c.Worker.Providers.Missing()
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		key := "config.providers." + name + ".class"
		if _, given := c.Worker.Properties[key]; !given {
			key = "config.providers"
		}
		var classes []string
		for _, d := range configproviders.All() {
			classes = append(classes, d.Spec.Class)
		}
		if !f.has(key) {
			f.add(key, Missing, fmt.Sprintf("what refers to the config provider %s cannot run here: there are %s", name, choice(classes)))
		}
	}
}
