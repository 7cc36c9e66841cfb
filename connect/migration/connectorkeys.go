package migration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/validation"
)

// connectorKeys looks at every key of a connector's configuration; class is nil for one that is not here.
func (c *Check) connectorKeys(ctx context.Context, class *catalog.Class, t catalog.Type, given connect.Config) []Finding {
	found, unresolved := c.Worker.Providers.Resolve(ctx, given)
	config := found.Config
	f := &findings{secrets: redaction.Of(slices.Concat(secretsOf(config), found.Secrets)...)}
	c.references(f, given, unresolved)
	f.converters(config, c.Worker.Properties, c.Catalog)
	if class == nil {
		f.noClass(config, c.Catalog)
	} else {
		c.validate(ctx, f, class, given)
	}
	if t != catalog.Unknown {
		f.overrides(t, config, c.Worker.Properties)
	}
	f.chains(config, c.Catalog)
	f.deadLetters(t, config)
	for key := range config {
		if !f.has(key) {
			f.add(key, silence(class, key), "")
		}
	}
	return f.sorted()
}

// silence is the weight of a key that nobody had a word on.
func silence(class *catalog.Class, key string) Weight {
	if class != nil || ofFramework(key) {
		return OK
	}
	return Unjudged
}

// ofFramework tells the keys that every connector has.
func ofFramework(key string) bool {
	return validation.Definition(catalog.Source).Has(key) || validation.Definition(catalog.Sink).Has(key) || slices.ContainsFunc(
		[]string{"key.converter.", "value.converter.", "header.converter.", "producer.override.", "consumer.override.", "admin.override.", "topic.creation.",
			"transforms.", "predicates."},
		func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// validate has the configuration checked as if it were submitted here.
func (c *Check) validate(ctx context.Context, f *findings, class *catalog.Class, config connect.Config) {
	result, err := c.Validator.Validate(ctx, config)
	if err != nil {
		f.quote("connector.class", Blocks, err.Error())
		return
	}
	for _, info := range result.Infos.Configs {
		if f.blocked(info.Value.Name) { // a reference is not a number, of course
			continue
		}
		if errs := info.Value.Errors; len(errs) > 0 {
			f.quote(info.Value.Name, Blocks, reasons(info.Value.Name, errs))
		}
	}
	for _, warning := range result.Warnings {
		if key, reason, _ := strings.Cut(warning, ": "); !f.has(key) {
			f.quote(key, warned(class, key), reason)
		}
	}
}

// reasons puts all that is wrong with a value into one line. Of what cannot be parsed Kafka says besides that it is null.
func reasons(key string, errs []string) string {
	var all []string
	for i, e := range errs {
		if reason := unframed(key, e); i == 0 || reason != "Value must be non-null" {
			all = append(all, reason)
		}
	}
	return strings.Join(slices.Compact(all), "; ")
}

// warned is the weight of a warning: the framework warns of what it cannot do yet, the connector of itself, and both of keys that nobody knows.
func warned(class *catalog.Class, key string) Weight {
	switch {
	case class.Spec.Keys.Has(key), strings.HasSuffix(key, "plugin.version"):
		return Differs
	case ofFramework(key):
		return Missing
	}
	return Unknown
}

// noClass says that a class is not here. In a cluster with Java workers the connector may still run on these, if it is given to one.
func (f *findings) noClass(config connect.Config, classes *catalog.Catalog) {
	if config["connector.class"] == "" {
		f.add("connector.class", Blocks, "it is not set")
		return
	}
	var there []string
	for _, listed := range classes.List(true) {
		there = append(there, listed.Class)
	}
	f.add("connector.class", Blocks, "there is no such class here: leave the connector to a Java cluster of its own, or use one of "+choice(there))
}

// converters judges those that the connector has of the worker, and options that nobody reads; its own are validated.
func (f *findings) converters(config connect.Config, worker map[string]string, classes *catalog.Catalog) {
	for _, key := range converterKeys {
		if class, own := config[key]; own {
			if !isConverter(classes, key, class) && !f.has(key) {
				f.add(key, Blocks, fmt.Sprintf("there is no %s here: use one of %s", class, choice(converters(classes, key))))
			}
			f.options(key, config, classes)
			continue
		}
		if class := worker[key]; class != "" && !isConverter(classes, key, class) {
			f.add(key, Blocks, fmt.Sprintf("the worker's is %s, which is not here: give the connector one of %s", class, choice(converters(classes, key))))
		}
		for option := range config {
			if strings.HasPrefix(option, key+".") && !strings.HasSuffix(option, ".plugin.version") && !f.has(option) {
				f.add(option, Ignored, "it has no effect without "+key+", here as in Java")
			}
		}
	}
}

// options finds those that a converter which is here does not have.
func (f *findings) options(key string, config map[string]string, classes *catalog.Catalog) {
	converter, err := classes.Converter(strings.TrimSpace(config[key]))
	if err != nil {
		return
	}
	for _, option := range slices.Sorted(maps.Keys(config)) {
		name, ok := strings.CutPrefix(option, key+".")
		if ok && name != "plugin.version" && !converter.Spec.Keys.Has(name) && !f.has(option) {
			f.add(option, Unknown, "no such option of "+converter.Spec.Class+", it has no effect")
		}
	}
}

// chains judges the keys of transforms and predicates.
func (f *findings) chains(config connect.Config, classes *catalog.Catalog) {
	transform := func(name string) (connect.Spec, error) {
		def, err := classes.Transform(name)
		return def.Spec, err
	}
	predicate := func(name string) (connect.Spec, error) {
		def, err := classes.Predicate(name)
		return def.Spec, err
	}
	f.chain("transforms", []string{"type", "plugin.version", "predicate", "negate"}, transform, config)
	f.chain("predicates", []string{"type", "plugin.version"}, predicate, config)
}

// chain judges the keys of one of the two lists. own are the keys that each alias has beside those of its class.
func (f *findings) chain(list string, own []string, find func(string) (connect.Spec, error), config connect.Config) {
	var known []string
	for _, alias := range connect.ListKey(list, "").Default(nil).Get(config) {
		prefix := list + "." + alias + "."
		known = append(known, prefix)
		spec, err := find(strings.TrimSpace(config[prefix+"type"]))
		if err != nil && !f.has(prefix+"type") {
			f.add(prefix+"type", Blocks, fmt.Sprintf("there is no %s here: do without it, or do its work in the consumers", config[prefix+"type"]))
		}
		for key := range config {
			if name, ok := strings.CutPrefix(key, prefix); ok && err == nil && !slices.Contains(own, name) && !spec.Keys.Has(name) && !f.has(key) {
				f.add(key, Unknown, "no such key of "+spec.Class+", it has no effect")
			}
		}
	}
	for key := range config {
		of := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
		if strings.HasPrefix(key, list+".") && !slices.ContainsFunc(known, of) && !f.has(key) {
			f.add(key, Ignored, "it has no effect unless its alias is in "+list+", here as in Java")
		}
	}
}

// overrides judges the settings of the clients that the connector's tasks would have: the worker's, and over them the connector's own.
func (f *findings) overrides(t catalog.Type, config connect.Config, worker map[string]string) {
	kind, prefix := kafkaclient.ProducerClient, "producer."
	if t == catalog.Sink {
		kind, prefix = kafkaclient.ConsumerClient, "consumer."
	}
	merged, from := map[string]string{}, map[string]string{}
	for _, layer := range []struct {
		keys   map[string]string
		prefix string
	}{{worker, prefix}, {config, prefix + "override."}} {
		for key, value := range layer.keys {
			if name, ok := strings.CutPrefix(key, layer.prefix); ok {
				merged[name], from[name] = value, layer.prefix+name
			}
		}
	}
	warnings, errs := judged(kind, merged)
	hidden := secretsOf(worker, config)
	for _, w := range warnings {
		if strings.HasPrefix(from[w.Key], prefix+"override.") && !f.has(from[w.Key]) {
			f.add(from[w.Key], clientWeight(w), hidden.Removed(w.Text))
		}
	}
	for _, e := range errs {
		key, whose := from[e.Key], ""
		if key == "" {
			key = prefix + "override." + e.Key
		} else if !strings.HasPrefix(key, prefix+"override.") {
			whose = "of the worker's properties: "
		}
		if !f.has(key) {
			f.add(key, Blocks, whose+hidden.Removed(e.Cause.Error()))
		}
	}
}

// deadLetters says that a source's keys, which Java ignores, begin to have an effect.
func (f *findings) deadLetters(t catalog.Type, config connect.Config) {
	const topic = "errors.deadletterqueue.topic.name"
	if t == catalog.Source && given(config, topic) && !f.has(topic) {
		f.add(topic, Differs, "Java has no dead letters of sources and ignores it: here they go to this topic, with errors.tolerance=all")
	}
}
