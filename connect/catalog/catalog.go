// Package catalog lists the classes that a worker has, connectors, transforms, predicates and converters, and finds them by the names that configurations use: the
// full class name, its last part with or without "Connector", or a declared alias.
package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/transforms"
)

// Type is what a class is for, as REST names it.
type Type string

// The types, in the order in which REST lists them.
const (
	Sink            Type = "sink"
	Source          Type = "source"
	Transformation  Type = "transformation"
	Predicate       Type = "predicate"
	Converter       Type = "converter"
	HeaderConverter Type = "header_converter"
)

// Unknown is the type of a connector whose class is not here.
const Unknown Type = "unknown"

// Class is one connector class.
type Class struct {
	Type Type
	Spec connect.Spec
	// Plugin is a connect.SourceConnector or a connect.SinkConnector.
	Plugin any
}

// Listed is a line of GET /connector-plugins.
type Listed struct {
	Class   string `json:"class"`
	Type    Type   `json:"type"`
	Version string `json:"version,omitempty"`
}

// Catalog is the classes of one worker. It does not change and is safe for concurrent use.
type Catalog struct {
	connectors []*Class
	converters []converters.Definition
	transforms []transforms.Definition
	predicates []transforms.PredicateDefinition
}

// New returns a catalog of these connectors and of the converters that Kafka Connect brings, and of more where there are more. Two classes of one name
// are a mistake in the program.
func New(sources []connect.SourceConnector, sinks []connect.SinkConnector, more ...converters.Definition) (*Catalog, error) {
	c := &Catalog{converters: append(converters.All(), more...), transforms: transforms.All(), predicates: transforms.AllPredicates()}
	for _, s := range sinks {
		c.connectors = append(c.connectors, &Class{Type: Sink, Spec: s.Spec(), Plugin: s})
	}
	for _, s := range sources {
		c.connectors = append(c.connectors, &Class{Type: Source, Spec: s.Spec(), Plugin: s})
	}
	slices.SortFunc(c.connectors, func(a, b *Class) int {
		if a.Type != b.Type {
			return strings.Compare(string(a.Type), string(b.Type))
		}
		return strings.Compare(a.Spec.Class, b.Spec.Class)
	})
	slices.SortFunc(c.converters, func(a, b converters.Definition) int { return strings.Compare(a.Spec.Class, b.Spec.Class) })
	slices.SortFunc(c.transforms, func(a, b transforms.Definition) int { return strings.Compare(a.Spec.Class, b.Spec.Class) })
	slices.SortFunc(c.predicates, func(a, b transforms.PredicateDefinition) int { return strings.Compare(a.Spec.Class, b.Spec.Class) })
	seen := map[string]bool{}
	for _, k := range c.connectors {
		if seen[k.Spec.Class] {
			return nil, fmt.Errorf("two connectors have the class %s", k.Spec.Class)
		}
		seen[k.Spec.Class] = true
	}
	return c, nil
}

// With is the catalog and more converters.
func (c *Catalog) With(more ...converters.Definition) *Catalog {
	wider := *c
	wider.converters = slices.Concat(c.converters, more)
	slices.SortFunc(wider.converters, func(a, b converters.Definition) int { return strings.Compare(a.Spec.Class, b.Spec.Class) })
	return &wider
}

// NotFoundError says that no class fits a name, and what there is.
type NotFoundError struct {
	Name      string
	Available []string
}

// Error is Kafka Connect's text (org.apache.kafka.connect.runtime.isolation.Plugins).
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("Failed to find any class that implements Connector and which name matches %s, available connectors are: %s",
		e.Name, strings.Join(e.Available, ", "))
}

// AmbiguousError says that several classes fit a name.
type AmbiguousError struct {
	Name    string
	Classes []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("More than one connector matches alias %s. Please use full package and class name instead. Classes found: %s",
		e.Name, strings.Join(e.Classes, ", "))
}

// Connector finds a connector class. The error is a [*NotFoundError] or an [*AmbiguousError].
func (c *Catalog) Connector(name string) (*Class, error) {
	var fit []*Class
	for _, k := range c.connectors {
		if k.Spec.Class == name {
			return k, nil
		}
		if answersTo(k.Spec, name, "Connector") {
			fit = append(fit, k)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		e := &NotFoundError{Name: name}
		for _, k := range c.connectors {
			e.Available = append(e.Available, k.Spec.Class)
		}
		return nil, e
	}
	e := &AmbiguousError{Name: name}
	for _, k := range fit {
		e.Classes = append(e.Classes, k.Spec.Class)
	}
	return nil, e
}

// TypeOf is the type of a connector by its class, "unknown" where there is no such class.
func (c *Catalog) TypeOf(class string) string {
	k, err := c.Connector(class)
	if err != nil {
		return string(Unknown)
	}
	return string(k.Type)
}

// Converter finds a converter class, be it for keys and values, for headers, or for both.
func (c *Catalog) Converter(name string) (converters.Definition, error) {
	for _, d := range c.converters {
		if d.Spec.Class == name || answersTo(d.Spec, name, "Converter") || d.New == nil && answersTo(d.Spec, name, "HeaderConverter") {
			return d, nil
		}
	}
	return converters.Definition{}, fmt.Errorf("Class %s could not be found.", name) //lint:ignore ST1005 Kafka's text
}

// Converters lists the classes that convert keys and values, sorted.
func (c *Catalog) Converters() []string {
	return c.converterClasses(func(d converters.Definition) bool { return d.New != nil })
}

// HeaderConverters lists the classes that convert headers, sorted.
func (c *Catalog) HeaderConverters() []string {
	return c.converterClasses(func(d converters.Definition) bool { return d.NewHeader != nil })
}

func (c *Catalog) converterClasses(fit func(converters.Definition) bool) []string {
	var out []string
	for _, d := range c.converters {
		if fit(d) {
			out = append(out, d.Spec.Class)
		}
	}
	return out
}

// ConverterNames lists the converter classes.
func (c *Catalog) ConverterNames() []string {
	return c.converterClasses(func(converters.Definition) bool { return true })
}

// Transform finds a transform by the name that transforms.x.type gives it; a class of two halves by the full name of a half, Class$Key or Class$Value.
func (c *Catalog) Transform(name string) (transforms.Definition, error) {
	for _, d := range c.transforms {
		if isCalled(d.Spec, name) {
			return d, nil
		}
	}
	return transforms.Definition{}, fmt.Errorf("Class %s could not be found.", name) //lint:ignore ST1005 Kafka's text
}

// Predicate is [Catalog.Transform] for predicates.x.type.
func (c *Catalog) Predicate(name string) (transforms.PredicateDefinition, error) {
	for _, d := range c.predicates {
		if isCalled(d.Spec, name) {
			return d, nil
		}
	}
	return transforms.PredicateDefinition{}, fmt.Errorf("Class %s could not be found.", name) //lint:ignore ST1005 Kafka's text
}

// Part finds a class that a connector is put together with: a converter, a transform or a predicate.
func (c *Catalog) Part(name string) (spec connect.Spec, ok bool) {
	if d, err := c.Converter(name); err == nil {
		return d.Spec, true
	}
	if d, err := c.Transform(name); err == nil {
		return d.Spec, true
	}
	d, err := c.Predicate(name)
	return d.Spec, err == nil
}

// Transforms are the classes of all transforms, for recommendations.
func (c *Catalog) Transforms() []string {
	var out []string
	for _, d := range c.transforms {
		out = append(out, d.Spec.Class)
	}
	return out
}

// Predicates are the classes of all predicates, for recommendations.
func (c *Catalog) Predicates() []string {
	var out []string
	for _, d := range c.predicates {
		out = append(out, d.Spec.Class)
	}
	return out
}

// List is what GET /connector-plugins shows: connectors, and the other classes too where connectorsOnly is false.
func (c *Catalog) List(connectorsOnly bool) []Listed {
	var out []Listed
	for _, k := range c.connectors {
		out = append(out, Listed{k.Spec.Class, k.Type, k.Spec.Version})
	}
	if connectorsOnly {
		return out
	}
	for _, d := range c.transforms {
		out = append(out, Listed{d.Spec.Class, Transformation, d.Spec.Version})
	}
	for _, d := range c.predicates {
		out = append(out, Listed{d.Spec.Class, Predicate, d.Spec.Version})
	}
	for _, d := range c.converters {
		if d.New != nil {
			out = append(out, Listed{d.Spec.Class, Converter, d.Spec.Version})
		}
	}
	for _, d := range c.converters {
		if d.NewHeader != nil {
			out = append(out, Listed{d.Spec.Class, HeaderConverter, d.Spec.Version})
		}
	}
	return out
}

// answersTo reports whether a class has a name by an alias or by the last part of its own, with or without the suffix of its type.
func answersTo(spec connect.Spec, name, suffix string) bool {
	if slices.Contains(spec.Aliases, name) {
		return true
	}
	simple := spec.Class[strings.LastIndexAny(spec.Class, ".$")+1:]
	return name == simple || name+suffix == simple
}

// isCalled reports whether a class is called name: in full, by an alias, or without its package. As in Java there is no short name of a half: Value
// would be that of many, and Class$Value is not known either.
func isCalled(spec connect.Spec, name string) bool {
	if name == spec.Class || slices.Contains(spec.Aliases, name) {
		return true
	}
	return name == spec.Class[strings.LastIndex(spec.Class, ".")+1:] && !strings.Contains(name, "$")
}
