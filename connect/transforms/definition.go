package transforms

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Definition describes a transform class and makes transforms of it. The two halves of a class that works on a record's key or value are two
// definitions, Class$Key and Class$Value.
type Definition = connect.TransformClass

// PredicateDefinition is [Definition] for predicates.
type PredicateDefinition = connect.PredicateClass

// All returns the definitions of the transforms that Kafka Connect brings.
func All() []Definition {
	return slices.Concat(
		castDefinitions, extractFieldDefinitions, flattenDefinitions, headerFromDefinitions, hoistFieldDefinitions, insertFieldDefinitions,
		maskFieldDefinitions, replaceFieldDefinitions, setSchemaMetadataDefinitions, timestampConverterDefinitions,
		[]Definition{
			dropHeadersDefinition, filterDefinition, insertHeaderDefinition, regexRouterDefinition, timestampRouterDefinition, valueToKeyDefinition,
		},
	)
}

// AllPredicates returns the definitions of the predicates that Kafka Connect brings.
func AllPredicates() []PredicateDefinition {
	return []PredicateDefinition{hasHeaderKeyDefinition, recordIsTombstoneDefinition, topicNameMatchesDefinition}
}

const (
	// version is what Kafka Connect's own transforms answer: the release whose behaviour they have here.
	version            = "4.1.2"
	classPrefix        = "org.apache.kafka.connect.transforms."
	predicatePrefix    = classPrefix + "predicates."
	keyHalf, valueHalf = "$Key", "$Value"
)

// define completes the definition of a transform with one class.
func define(name string, construct func(connect.Config) (connect.Transform, error), keys ...connect.Definer) Definition {
	spec := connect.NewSpec(classPrefix+name, version, keys...)
	return Definition{Spec: spec, New: func(cfg connect.Config) (connect.Transform, error) {
		if err := checked(spec.Keys, cfg); err != nil {
			return nil, err
		}
		return construct(cfg)
	}}
}

// halves completes the definitions of a transform of keys or values.
func halves(name string, construct func(side, connect.Config) (connect.Transform, error), keys ...connect.Definer) []Definition {
	half := func(suffix string, s side) Definition {
		return define(name+suffix, func(cfg connect.Config) (connect.Transform, error) { return construct(s, cfg) }, keys...)
	}
	return []Definition{half(keyHalf, ofKey), half(valueHalf, ofValue)}
}

func definePredicate(name string, construct func(connect.Config) (connect.Predicate, error), keys ...connect.Definer) PredicateDefinition {
	spec := connect.NewSpec(predicatePrefix+name, version, keys...)
	return PredicateDefinition{Spec: spec, New: func(cfg connect.Config) (connect.Predicate, error) {
		if err := checked(spec.Keys, cfg); err != nil {
			return nil, err
		}
		return construct(cfg)
	}}
}

// checked returns the first thing that is wrong with a configuration, a [connect.ConfigError]: it may be one that was never validated.
func checked(keys connect.ConfigDef, cfg connect.Config) error {
	for _, report := range keys.Validate(cfg) {
		if len(report.Errors) > 0 {
			return &connect.ConfigError{Key: report.Def.Name, Reason: strings.Join(report.Errors, "; ")}
		}
	}
	return nil
}

// without has no resources to give back.
type without struct{}

func (without) Close() {}
