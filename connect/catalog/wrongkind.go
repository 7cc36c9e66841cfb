package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Base is what a class must be to stand in a place: the name of a Java interface.
type Base string

// The interfaces that configurations name classes of.
const (
	TransformationBase  Base = "Transformation"
	PredicateBase       Base = "Predicate"
	ConverterBase       Base = "Converter"
	HeaderConverterBase Base = "HeaderConverter"
)

// bases are the interfaces by their full names, which are no classes that could be made.
var bases = map[string]Base{
	"org.apache.kafka.connect.transforms.Transformation":       TransformationBase,
	"org.apache.kafka.connect.transforms.predicates.Predicate": PredicateBase,
	"org.apache.kafka.connect.storage.Converter":               ConverterBase,
	"org.apache.kafka.connect.storage.HeaderConverter":         HeaderConverterBase,
}

// javaClasses are classes of every Java runtime that somebody might take for a plugin.
var javaClasses = []string{"java.lang.Object", "java.lang.String", "java.lang.Boolean", "java.lang.Byte", "java.lang.Short", "java.lang.Integer",
	"java.lang.Long", "java.lang.Float", "java.lang.Double"}

// WrongKindError says that there is a class, but not of the kind that is asked for. Its text is Kafka Connect's (Utils.ensureConcreteSubclass).
type WrongKindError struct {
	Class  string // the full name
	reason string
}

func (e *WrongKindError) Error() string { return e.reason }

// WrongKind tells why a class that is none of base is known all the same; nil if nobody knows the name.
func (c *Catalog) WrongKind(name string, base Base) *WrongKindError {
	if halves := c.halves(name); len(halves) > 0 && base == TransformationBase {
		return &WrongKindError{name, abstract + " Did you mean " + strings.Join(halves, ", ") + "?"}
	} else if len(halves) > 0 {
		return notOf("class", name, base)
	}
	if is, known := bases[name]; known {
		if is == base {
			return &WrongKindError{name, abstract}
		}
		return notOf("interface", name, base)
	}
	if slices.Contains(javaClasses, name) {
		return notOf("class", name, base)
	}
	for _, spec := range c.specs() {
		if isCalled(spec, name) {
			return notOf("class", spec.Class, base)
		}
	}
	return nil
}

const abstract = "This class is abstract and cannot be created."

func notOf(what, class string, base Base) *WrongKindError {
	return &WrongKindError{class, fmt.Sprintf("Class %s %s does not implement the %s interface", what, class, base)}
}

// halves are the classes for keys and for values that a class has in place of being one itself.
func (c *Catalog) halves(class string) []string {
	var out []string
	for _, d := range c.transforms {
		if d.Spec.Class == class+"$Key" || d.Spec.Class == class+"$Value" {
			out = append(out, d.Spec.Class)
		}
	}
	return out
}

// specs are those of all classes.
func (c *Catalog) specs() []connect.Spec {
	var out []connect.Spec
	for _, k := range c.connectors {
		out = append(out, k.Spec)
	}
	for _, d := range c.transforms {
		out = append(out, d.Spec)
	}
	for _, d := range c.predicates {
		out = append(out, d.Spec)
	}
	for _, d := range c.converters {
		out = append(out, d.Spec)
	}
	return out
}
