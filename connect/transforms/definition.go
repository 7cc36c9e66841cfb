// Package transforms has the transforms and predicates that come with Kafka Connect. [All] and [AllPredicates] list them for the catalog.
package transforms

import "github.com/sluice-connect/sluice/connect"

// Definition describes a transform class and makes transforms of it. The two halves of a class that works on a record's key or value are two
// definitions, Class$Key and Class$Value.
type Definition struct {
	Spec connect.Spec
	// New makes a transform from its own keys (transforms.x.field as field). Its error is a [connect.ConfigError].
	New func(cfg connect.Config) (connect.Transform, error)
}

// PredicateDefinition is [Definition] for predicates.
type PredicateDefinition struct {
	Spec connect.Spec
	New  func(cfg connect.Config) (connect.Predicate, error)
}

// All returns the definitions of the transforms that Kafka Connect brings.
func All() []Definition { return nil }

// AllPredicates returns the definitions of the predicates that Kafka Connect brings.
func AllPredicates() []PredicateDefinition { return nil }
