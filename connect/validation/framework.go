package validation

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// Framework is what the runtime reads of a connector's configuration.
type Framework struct {
	Name            string
	TasksMax        int
	TasksMaxEnforce bool
	// The connector's own converters, or the worker's, each with its options and without their prefix.
	KeyConverter, ValueConverter, HeaderConverter ConverterConfig
	TolerateErrors                                bool
	LogErrors                                     bool
	// Topics and TopicsRegex are for sinks; one of them is set.
	Topics      []string
	TopicsRegex string
}

// ConverterConfig is a converter's class and options.
type ConverterConfig struct {
	Class   string
	Options connect.Config
}

const defaultHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter"

// ParseFramework reads the framework's keys. The configuration may be one that was never validated, because another worker wrote it: the error
// lists what is wrong with it. worker is the worker's own configuration, for converters.
func ParseFramework(classes *catalog.Catalog, class *catalog.Class, cfg connect.Config, worker map[string]string) (*Framework, error) {
	var problems []string
	for _, r := range Definition(classes, class.Type).Validate(cfg) {
		problems = append(problems, r.Errors...)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("the configuration is invalid: %s", strings.Join(problems, "; "))
	}
	f := &Framework{
		Name: keyName.Get(cfg), TasksMax: keyTasksMax.Get(cfg), TasksMaxEnforce: keyTasksMaxEnforce.Get(cfg),
		TolerateErrors: keyTolerance.Get(cfg) == "all", LogErrors: keyLogErrors.Get(cfg),
		KeyConverter:    converterOf("key.converter", cfg, worker),
		ValueConverter:  converterOf("value.converter", cfg, worker),
		HeaderConverter: converterOf("header.converter", cfg, worker),
	}
	if f.HeaderConverter.Class == "" {
		f.HeaderConverter.Class = defaultHeaderConverter
	}
	if aliases := append(keyTransforms.Get(cfg), keyPredicates.Get(cfg)...); len(aliases) > 0 {
		return nil, fmt.Errorf("transforms, predicates: %s: this version has no transforms: remove these keys", strings.Join(aliases, ", "))
	}
	if class.Type == catalog.Sink {
		f.Topics, f.TopicsRegex = keyTopics.Get(cfg), keyTopicsRegex.Get(cfg)
	}
	return f, nil
}

// converterOf takes a converter with its options from one place: a connector that names a class uses its own options only, and one that
// does not uses none of its own (org.apache.kafka.connect.runtime.isolation.Plugins).
func converterOf(key string, cfg connect.Config, worker map[string]string) ConverterConfig {
	from := map[string]string(cfg)
	if cfg[key] == "" {
		from = worker
	}
	return ConverterConfig{Class: from[key], Options: under(key+".", from)}
}

// under are the entries below a prefix, without it.
func under(prefix string, cfg map[string]string) connect.Config {
	out := connect.Config{}
	for k, v := range cfg {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			out[name] = v
		}
	}
	return out
}
