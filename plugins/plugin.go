package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// Plugin is what a program brings.
type Plugin struct {
	// Name is how lines of log and errors call the plugin; the program's where it is not set.
	Name string
	// Version is the program's; that of its first class, or else of its Go module, where it is not set.
	Version string

	Sources    []connect.SourceConnector
	Sinks      []connect.SinkConnector
	Transforms []connect.TransformClass
	Predicates []connect.PredicateClass
	Converters []connect.ConverterClass
	Providers  []connect.ConfigProviderClass
}

// Connector is a [connect.SourceConnector] or a [connect.SinkConnector].
type Connector interface{ Spec() connect.Spec }

// Of is the plugin with these connectors. It panics where one is neither a source nor a sink.
func Of(connectors ...Connector) Plugin {
	var p Plugin
	for _, c := range connectors {
		switch c := c.(type) {
		case connect.SourceConnector:
			p.Sources = append(p.Sources, c)
		case connect.SinkConnector:
			p.Sinks = append(p.Sinks, c)
		default:
			panic(fmt.Sprintf("plugins: %T is neither a connect.SourceConnector nor a connect.SinkConnector: check the signature of its Open", c))
		}
	}
	return p
}

// described is the plugin as the contract describes it.
func (p *Plugin) described() *contract.Description {
	d := &contract.Description{Name: p.Name, Version: p.Version}
	for _, c := range p.Sources {
		d.Classes = append(d.Classes, classOf(contract.Class_SOURCE, c.Spec(), c))
	}
	for _, c := range p.Sinks {
		d.Classes = append(d.Classes, classOf(contract.Class_SINK, c.Spec(), c))
	}
	for _, c := range p.Transforms {
		d.Classes = append(d.Classes, classOf(contract.Class_TRANSFORM, c.Spec, nil))
	}
	for _, c := range p.Predicates {
		d.Classes = append(d.Classes, classOf(contract.Class_PREDICATE, c.Spec, nil))
	}
	for _, c := range p.Converters {
		t := contract.Class_CONVERTER
		if c.New == nil {
			t = contract.Class_HEADER_CONVERTER
		}
		d.Classes = append(d.Classes, classOf(t, c.Spec, nil))
	}
	for _, c := range p.Providers {
		d.Classes = append(d.Classes, classOf(contract.Class_CONFIG_PROVIDER, c.Spec, nil))
	}
	if d.Name == "" {
		d.Name = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	if d.Version == "" && len(d.Classes) > 0 {
		d.Version = d.Classes[0].Version
	}
	if build, ok := debug.ReadBuildInfo(); d.Version == "" && ok {
		d.Version = build.Main.Version
	}
	return d
}

// classOf describes a class; connector, nil for one of another type, has the optional abilities.
func classOf(t contract.Class_Type, spec connect.Spec, connector any) *contract.Class {
	c := wire.FromSpec(spec)
	c.Type = t
	can := func(a contract.Ability, does bool) {
		if does {
			c.Abilities = append(c.Abilities, a)
		}
	}
	_, validates := connector.(connect.Validator)
	_, splits := connector.(connect.Splitter)
	_, watches := connector.(connect.Watcher)
	_, exact := connector.(connect.ExactlyOnceSource)
	_, defines := connector.(connect.TransactionDefiner)
	_, altersSource := connector.(connect.SourceOffsetAlterer)
	_, altersSink := connector.(connect.SinkOffsetAlterer)
	can(contract.Ability_VALIDATES, validates)
	can(contract.Ability_SPLITS, splits)
	can(contract.Ability_WATCHES, watches)
	can(contract.Ability_GUARANTEES, exact || defines)
	can(contract.Ability_ALTERS_OFFSETS, altersSource || altersSink)
	return c
}

// describe tells people what the plugin brings.
func describe(d *contract.Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s is a plugin of Sluice. It brings:\n\n", d.Name, d.Version)
	for _, c := range d.Classes {
		fmt.Fprintf(&b, "  %s (%s)\n", c.Name, strings.ReplaceAll(strings.ToLower(c.Type.String()), "_", " "))
	}
	b.WriteString("\nIt is not run by itself: a worker starts it. Put this program into a folder of its own below one that the worker's plugin.path names,\n" +
		"and let `sluice plugin check` of that folder see whether it is all there. --manifest prints what it brings as JSON.\n")
	return b.String()
}
