package catalog

import (
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/transforms"
)

// Addition is classes that come to those of the program.
type Addition struct {
	Origin     string // who brings them, for texts
	Sources    []connect.SourceConnector
	Sinks      []connect.SinkConnector
	Transforms []transforms.Definition
	Predicates []transforms.PredicateDefinition
	Converters []converters.Definition
}

// With is the catalog and more classes. One that is there already in the same version is left out, and told of among the problems.
func (c *Catalog) With(more ...Addition) (wider *Catalog, problems []error) {
	wider = &Catalog{
		connectors: slices.Clone(c.connectors), converters: slices.Clone(c.converters), transforms: slices.Clone(c.transforms),
		predicates: slices.Clone(c.predicates),
	}
	for _, a := range more {
		isNew := func(spec connect.Spec) bool {
			if slices.ContainsFunc(wider.specs(), func(s connect.Spec) bool { return s.Class == spec.Class && s.Version == spec.Version }) {
				problems = append(problems, fmt.Errorf("%s: its class %s in version %q is here already, and that one is used: give it another version",
					a.Origin, spec.Class, spec.Version))
				return false
			}
			return true
		}
		for _, k := range classes(a.Sources, a.Sinks) {
			if isNew(k.Spec) {
				wider.connectors = append(wider.connectors, k)
			}
		}
		for _, d := range a.Transforms {
			if isNew(d.Spec) {
				wider.transforms = append(wider.transforms, d)
			}
		}
		for _, d := range a.Predicates {
			if isNew(d.Spec) {
				wider.predicates = append(wider.predicates, d)
			}
		}
		for _, d := range a.Converters {
			if isNew(d.Spec) {
				wider.converters = append(wider.converters, d)
			}
		}
	}
	wider.sort()
	return wider, problems
}
