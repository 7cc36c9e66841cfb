package validation

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/versions"
)

// Framework is what the runtime reads of a connector's configuration.
type Framework struct {
	Name            string
	Class           string // as the catalog knows it, whatever name the configuration gives
	TasksMax        int
	TasksMaxEnforce bool
	// The connector's own converters, or the worker's, each with its options and without their prefix.
	KeyConverter, ValueConverter, HeaderConverter ConverterConfig
	// Transforms are the aliases of the transforms in their order, Predicates those of the predicates; their keys are in the configuration.
	Transforms, Predicates []string
	TolerateErrors         bool
	LogErrors              bool
	LogErrorRecords        bool // errors.log.include.messages: where the record is
	// RetryTimeout is how long an operation on a record is repeated, 0 for not at all, negative for ever; RetryDelayMax is the longest pause in between.
	RetryTimeout, RetryDelayMax time.Duration

	// Topics and TopicsRegex are for sinks; one of them is set.
	Topics      []string
	TopicsRegex string
	DeadLetters DeadLetters
	// OffsetsTopic is a source's own offsets topic; "" for the worker's.
	OffsetsTopic string
	// TransactionBoundary is what ends a transaction of an exactly-once source: poll, interval or connector. TransactionInterval is the time between
	// commits by interval; negative for the worker's offset.flush.interval.ms.
	TransactionBoundary string
	TransactionInterval time.Duration
	// TopicCreation is how a source's topics are made; nil leaves that to the broker.
	TopicCreation *TopicCreation
}

// ConverterConfig is a converter's class and options.
type ConverterConfig struct {
	Class   string
	Version string // that is asked for, see [versions.Asked]
	Options connect.Config
}

// DeadLetters is where records go that cannot be handled, a sink's as in Java, and a source's too: nowhere if Topic is "".
type DeadLetters struct {
	Topic             string
	ReplicationFactor int16 // for the creation of the topic
	ContextHeaders    bool  // __connect.errors.* headers tell why the record is there
}

// ParseFramework reads the framework's keys. The configuration may be one that was never validated, because another worker wrote it: the error
// lists what is wrong with it. worker is the worker's own configuration, for converters.
func ParseFramework(classes *catalog.Catalog, class *catalog.Class, cfg connect.Config, worker map[string]string) (*Framework, error) {
	if problems := frameworkProblems(classes, class, cfg, worker); len(problems) > 0 {
		return nil, &InvalidError{problems}
	}
	f := &Framework{
		Name: keyName.Get(cfg), Class: class.Spec.Class, TasksMax: keyTasksMax.Get(cfg), TasksMaxEnforce: keyTasksMaxEnforce.Get(cfg),
		TolerateErrors: keyTolerance.Get(cfg) == "all", LogErrors: keyLogErrors.Get(cfg), LogErrorRecords: keyLogMessages.Get(cfg),
		RetryTimeout: milliseconds(keyRetryTimeout.Get(cfg)), RetryDelayMax: milliseconds(keyRetryDelay.Get(cfg)),
		KeyConverter:    converterOf(keyKeyConverter.Name(), cfg, worker),
		ValueConverter:  converterOf(keyValueConverter.Name(), cfg, worker),
		HeaderConverter: converterOf(keyHeaderConverter.Name(), cfg, worker),
		Transforms:      keyTransforms.Get(cfg), Predicates: keyPredicates.Get(cfg),
	}
	if f.HeaderConverter.Class == "" {
		f.HeaderConverter.Class = defaultHeaderConverter
	}
	f.DeadLetters = DeadLetters{deadLetterTopic(cfg), int16(keyDeadLetterReplication.Get(cfg)), keyDeadLetterHeaders.Get(cfg)}
	if own := class.Spec.DeadLetterTopic; own != "" && f.DeadLetters.Topic == "" && strings.TrimSpace(cfg[own]) != "" {
		f.DeadLetters.Topic = strings.TrimSpace(cfg[own])
		if _, said := cfg[keyDeadLetterHeaders.Name()]; !said {
			f.DeadLetters.ContextHeaders = true
		}
	}
	switch class.Type {
	case catalog.Sink:
		f.Topics, f.TopicsRegex = keyTopics.Get(cfg), keyTopicsRegex.Get(cfg)
	case catalog.Source:
		f.OffsetsTopic = keyOffsetsTopic.Get(cfg)
		f.TransactionBoundary, f.TransactionInterval = strings.ToLower(keyBoundary.Get(cfg)), -1
		if ms, given := keyBoundaryInterval.Lookup(cfg); given {
			f.TransactionInterval = milliseconds(ms)
		}
		f.TopicCreation = topicCreationOf(cfg, worker)
	}
	return f, nil
}

// frameworkProblems is what makes a configuration unreadable; rules about keys together are left to [Validator.Validate].
func frameworkProblems(classes *catalog.Catalog, class *catalog.Class, cfg connect.Config, worker map[string]string) []*connect.ConfigError {
	var problems []*connect.ConfigError
	problem := func(key, reason string) { problems = append(problems, &connect.ConfigError{Key: key, Reason: reason}) }
	take := func(found []connect.KeyReport) {
		for _, k := range found {
			for _, reason := range k.Errors {
				problem(k.Def.Name, reason)
			}
		}
	}
	named := stages(classes, cfg)
	take(slices.Concat(withStages(Definition(class.Type), named, classes, cfg), beyondJava(class.Type)).Validate(cfg))
	for _, k := range converterKeys {
		if name, given := cfg[k.name]; given {
			if _, err := k.find(classes, name, versions.Asked(cfg, k.name+versionSuffix)); ofVersion(err) {
				problem(k.name+versionSuffix, err.Error())
			} else if err != nil {
				problem(k.name, err.Error())
			}
		}
	}
	given := func(key string) bool { _, ok := cfg[key]; return ok }
	for _, s := range named {
		if s.wrong != nil {
			problem(s.prefix+typeSuffix, s.wrong.Error())
		}
		if s.wrongVersion != nil {
			problem(s.prefix+pluginVersion, s.wrongVersion.Error())
		}
		if reason := s.problem(given); reason != "" {
			problem(s.prefix+negateSuffix, reason)
		}
	}
	if class.Type == catalog.Source {
		take(checkTopicCreation(cfg, worker))
	}
	return problems
}

// InvalidError is a configuration that was never validated, or for another worker, with all that is wrong with it.
type InvalidError struct{ Problems []*connect.ConfigError }

// Error names each key and reason.
func (e *InvalidError) Error() string {
	reasons := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		reasons = append(reasons, p.Error())
	}
	return "the configuration is invalid: " + strings.Join(reasons, "; ")
}

// Unwrap returns the problems.
func (e *InvalidError) Unwrap() []error {
	errs := make([]error, 0, len(e.Problems))
	for _, p := range e.Problems {
		errs = append(errs, p)
	}
	return errs
}

// converterOf takes a converter with its options from one place: a connector that names a class uses its own options only, and one that
// does not uses none of its own (org.apache.kafka.connect.runtime.isolation.Plugins).
func converterOf(key string, cfg connect.Config, worker map[string]string) ConverterConfig {
	from := map[string]string(cfg)
	if _, given := cfg[key]; !given {
		from = worker
	}
	return ConverterConfig{Class: strings.TrimSpace(from[key]), Version: versions.Asked(from, key+versionSuffix), Options: under(key+".", from)}
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

// namesUnder are the names below a prefix, without it.
func namesUnder(prefix string, names []string) []string {
	var out []string
	for _, k := range names {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			out = append(out, name)
		}
	}
	return out
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
