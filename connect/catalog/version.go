package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/versions"
)

// VersionError says that a class is here, but in no version that is asked for.
type VersionError struct {
	Class     string
	Range     string // as Maven writes it
	Available []string
}

// Error is Kafka Connect's text (VersionedPluginLoadingException of DelegatingClassLoader).
func (e *VersionError) Error() string {
	return fmt.Sprintf("Plugin %s not found that matches the version range %s, available versions: [%s]", e.Class, e.Range, strings.Join(e.Available, ", "))
}

// filter are those of all that fit.
func filter[T any](all []T, fit func(T) bool) []T {
	var out []T
	for _, one := range all {
		if fit(one) {
			out = append(out, one)
		}
	}
	return out
}

// choose is the highest of the versions of one class, the lowest first, that is asked for.
func choose[T any](versionsOf []T, spec func(T) connect.Spec, asked string) (found T, err error) {
	wanted, err := versions.ParseRange(asked)
	if err != nil {
		return found, err
	}
	wrong := &VersionError{Class: spec(versionsOf[0]).Class, Range: wanted.String()}
	for _, one := range slices.Backward(versionsOf) {
		version := spec(one).Version
		if wanted.Has(version) {
			return one, nil
		}
		wrong.Available = append([]string{version}, wrong.Available...)
	}
	return found, wrong
}

// chooseFirst is choose for the class that comes first where several answer to a name.
func chooseFirst[T any](fit []T, spec func(T) connect.Spec, name, asked string) (found T, err error) {
	if len(fit) == 0 {
		return found, fmt.Errorf("Class %s could not be found.", name) //lint:ignore ST1005 Kafka's text
	}
	class := spec(fit[0]).Class
	for _, one := range fit { // a full name counts before what merely answers to it
		if spec(one).Class == name {
			class = name
		}
	}
	return choose(filter(fit, func(one T) bool { return spec(one).Class == class }), spec, asked)
}

// Versions are those of a class, by its full name, the lowest first; none where it has no version, or is not here.
func (c *Catalog) Versions(class string) []string {
	var out []string
	for _, spec := range c.specs() {
		if spec.Class == class && spec.Version != "" {
			out = append(out, spec.Version)
		}
	}
	return slices.Compact(out)
}
