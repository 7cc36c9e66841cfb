package remote

import (
	"log/slog"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/transforms"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// Set is what a plugin brings.
type Set struct {
	Sources    []connect.SourceConnector
	Sinks      []connect.SinkConnector
	Transforms []transforms.Definition
	Predicates []transforms.PredicateDefinition
	Converters []converters.Definition
	Providers  []configproviders.Definition
}

// Classes makes the classes of a plugin from its description, without asking it anything: a process is started when a class is used. Types of class that
// are not known are left out; a newer plugin may have them.
func Classes(d *contract.Description, from Processes, log *slog.Logger) *Set {
	p := &plugin{name: d.GetName(), version: d.GetVersion(), from: from, log: log.With("plugin", d.GetName())}
	s := &Set{}
	for _, described := range d.GetClasses() {
		c := newClass(p, described)
		switch described.GetType() {
		case contract.Class_SOURCE:
			s.Sources = append(s.Sources, newSource(c))
		case contract.Class_SINK:
			s.Sinks = append(s.Sinks, newSink(c))
		case contract.Class_TRANSFORM:
			s.Transforms = append(s.Transforms, c.transform())
		case contract.Class_PREDICATE:
			s.Predicates = append(s.Predicates, c.predicate())
		case contract.Class_CONVERTER, contract.Class_HEADER_CONVERTER:
			s.Converters = append(s.Converters, c.converter())
		case contract.Class_CONFIG_PROVIDER:
			s.Providers = append(s.Providers, c.provider())
		}
	}
	return s
}
