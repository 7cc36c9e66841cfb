// Package catalog lists the classes that a worker has, connectors, transforms, predicates and converters, and finds them by the names that configurations use: the
// full class name, its last part with or without "Connector", or a declared alias.
package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/transforms"
	"github.com/sluice-connect/sluice/connect/versions"
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

// Catalog is the classes of one worker. Several versions of a class stand beside one another, the lowest first. It does not change and is safe for
// concurrent use.
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
	c.connectors = classes(sources, sinks)
	c.sort()
	for i := range c.connectors[:max(0, len(c.connectors)-1)] {
		if class := c.connectors[i].Spec.Class; class == c.connectors[i+1].Spec.Class {
			return nil, fmt.Errorf("two connectors have the class %s", class)
		}
	}
	return c, nil
}

func classes(sources []connect.SourceConnector, sinks []connect.SinkConnector) (out []*Class) {
	for _, s := range sinks {
		out = append(out, &Class{Type: Sink, Spec: s.Spec(), Plugin: s})
	}
	for _, s := range sources {
		out = append(out, &Class{Type: Source, Spec: s.Spec(), Plugin: s})
	}
	return out
}

func (c *Catalog) sort() {
	slices.SortStableFunc(c.connectors, func(a, b *Class) int { return bySpec(a.Spec, b.Spec) })
	slices.SortStableFunc(c.converters, func(a, b converters.Definition) int { return bySpec(a.Spec, b.Spec) })
	slices.SortStableFunc(c.transforms, func(a, b transforms.Definition) int { return bySpec(a.Spec, b.Spec) })
	slices.SortStableFunc(c.predicates, func(a, b transforms.PredicateDefinition) int { return bySpec(a.Spec, b.Spec) })
}

func bySpec(a, b connect.Spec) int {
	return cmp.Or(strings.Compare(a.Class, b.Class), versions.Compare(a.Version, b.Version))
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

// Connector finds the latest version of a connector class. The error is a [*NotFoundError] or an [*AmbiguousError].
func (c *Catalog) Connector(name string) (*Class, error) {
	return c.ConnectorVersion(name, versions.Latest)
}

// ConnectorVersion finds the version of a connector class that connector.plugin.version asks for, see [versions.Asked] and [versions.ParseRange]. The
// error may be a [*VersionError] too.
func (c *Catalog) ConnectorVersion(name, version string) (*Class, error) {
	fit := filter(c.connectors, func(k *Class) bool { return k.Spec.Class == name })
	if len(fit) == 0 {
		fit = filter(c.connectors, func(k *Class) bool { return answersTo(k.Spec, name, "Connector") })
	}
	names := func(of []*Class) (names []string) {
		for _, k := range of {
			names = append(names, k.Spec.Class)
		}
		return slices.Compact(names)
	}
	if len(fit) == 0 {
		return nil, &NotFoundError{Name: name, Available: names(c.listed())}
	}
	if found := names(fit); len(found) > 1 {
		return nil, &AmbiguousError{Name: name, Classes: found}
	}
	return choose(fit, func(k *Class) connect.Spec { return k.Spec }, version)
}

// listed are the connectors in the order of REST.
func (c *Catalog) listed() []*Class {
	out := slices.Clone(c.connectors)
	slices.SortStableFunc(out, func(a, b *Class) int { return strings.Compare(string(a.Type), string(b.Type)) })
	return out
}

// TypeOf is the type of a connector by its class, "unknown" where there is no such class.
func (c *Catalog) TypeOf(class string) string {
	k, err := c.Connector(class)
	if err != nil {
		return string(Unknown)
	}
	return string(k.Type)
}

// Converter finds the latest version of a converter class, be it for keys and values, for headers, or for both.
func (c *Catalog) Converter(name string) (converters.Definition, error) {
	return c.ConverterVersion(name, versions.Latest)
}

// ConverterVersion is [Catalog.ConnectorVersion] for converters.
func (c *Catalog) ConverterVersion(name, version string) (converters.Definition, error) {
	fit := filter(c.converters, func(d converters.Definition) bool {
		return d.Spec.Class == name || answersTo(d.Spec, name, "Converter") || d.New == nil && answersTo(d.Spec, name, "HeaderConverter")
	})
	d, err := chooseFirst(fit, func(d converters.Definition) connect.Spec { return d.Spec }, name, version)
	if wrong := new(VersionError); errors.As(err, &wrong) {
		wrong.Available = nil
		for _, d := range fit { // Java counts a class for headers too as a plugin of its own
			if d.Spec.Class == wrong.Class && d.New != nil {
				wrong.Available = append(wrong.Available, d.Spec.Version)
			}
			if d.Spec.Class == wrong.Class && d.NewHeader != nil {
				wrong.Available = append(wrong.Available, d.Spec.Version)
			}
		}
	}
	return d, err
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
	return slices.Compact(out)
}

// ConverterNames lists the converter classes.
func (c *Catalog) ConverterNames() []string {
	return c.converterClasses(func(converters.Definition) bool { return true })
}

// Transform finds the latest version of a transform by the name that transforms.x.type gives it; a class of two halves by the full name of a half,
// Class$Key or Class$Value.
func (c *Catalog) Transform(name string) (transforms.Definition, error) {
	return c.TransformVersion(name, versions.Latest)
}

// TransformVersion is [Catalog.ConnectorVersion] for transforms.
func (c *Catalog) TransformVersion(name, version string) (transforms.Definition, error) {
	fit := filter(c.transforms, func(d transforms.Definition) bool { return isCalled(d.Spec, name) })
	return chooseFirst(fit, func(d transforms.Definition) connect.Spec { return d.Spec }, name, version)
}

// Predicate is [Catalog.Transform] for predicates.x.type.
func (c *Catalog) Predicate(name string) (transforms.PredicateDefinition, error) {
	return c.PredicateVersion(name, versions.Latest)
}

// PredicateVersion is [Catalog.ConnectorVersion] for predicates.
func (c *Catalog) PredicateVersion(name, version string) (transforms.PredicateDefinition, error) {
	fit := filter(c.predicates, func(d transforms.PredicateDefinition) bool { return isCalled(d.Spec, name) })
	return chooseFirst(fit, func(d transforms.PredicateDefinition) connect.Spec { return d.Spec }, name, version)
}

// Part finds a class that a connector is put together with, a converter, a transform or a predicate, in a version as [Catalog.ConnectorVersion] does.
// Where the class is here, the error is a [*VersionError] or says what is wrong with the version.
func (c *Catalog) Part(name, version string) (connect.Spec, error) {
	if _, err := c.Converter(name); err == nil {
		d, err := c.ConverterVersion(name, version)
		return d.Spec, err
	}
	if _, err := c.Transform(name); err == nil {
		d, err := c.TransformVersion(name, version)
		return d.Spec, err
	}
	d, err := c.PredicateVersion(name, version)
	return d.Spec, err
}

// Transforms are the classes of all transforms, for recommendations.
func (c *Catalog) Transforms() []string {
	var out []string
	for _, d := range c.transforms {
		out = append(out, d.Spec.Class)
	}
	return slices.Compact(out)
}

// Predicates are the classes of all predicates, for recommendations.
func (c *Catalog) Predicates() []string {
	var out []string
	for _, d := range c.predicates {
		out = append(out, d.Spec.Class)
	}
	return slices.Compact(out)
}

// List is what GET /connector-plugins shows, each version for itself: connectors, and the other classes too where connectorsOnly is false.
func (c *Catalog) List(connectorsOnly bool) []Listed {
	var out []Listed
	for _, k := range c.listed() {
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
