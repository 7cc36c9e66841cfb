package wire

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// FromSpec is what a class says of itself. Its type and its abilities are the caller's to add.
func FromSpec(spec connect.Spec) *contract.Class {
	c := &contract.Class{
		Name: spec.Class, Aliases: spec.Aliases, Version: spec.Version, Prefixes: spec.Prefixes,
		DeadLetterTopic: spec.DeadLetterTopic, TaskClass: spec.TaskClass,
	}
	for _, k := range spec.Keys {
		def := &contract.KeyDef{
			Name: k.Name, Type: string(k.Type), Optional: !k.Default.Required(), Doc: valid(k.Doc),
			Importance: string(k.Importance), Width: string(k.Width), Group: k.Group, Order: int32(max(k.Order, 0)),
			DisplayName: k.DisplayName, Dependents: k.Dependents, Checked: k.Check != nil, Recommends: k.Recommend != nil,
		}
		if text, ok := k.Default.Text(); ok {
			def.Default = &text
		}
		c.Keys = append(c.Keys, def)
	}
	return c
}

// ToSpec is the reverse. The checks and recommenders of keys do not cross: whoever can ask for them (CheckKey, Recommend) puts them in, where
// [contract.KeyDef] says checked or recommends.
func ToSpec(class *contract.Class) connect.Spec {
	spec := connect.Spec{
		Class: class.GetName(), Aliases: class.GetAliases(), Version: class.GetVersion(), Prefixes: class.GetPrefixes(),
		DeadLetterTopic: class.GetDeadLetterTopic(), TaskClass: class.GetTaskClass(),
	}
	for _, def := range class.GetKeys() {
		k := connect.KeyDef{
			Name: def.GetName(), Type: connect.Type(def.GetType()), Doc: def.GetDoc(), Importance: connect.Medium, Width: connect.WidthNone,
			Group: def.GetGroup(), Order: -1, DisplayName: def.GetDisplayName(), Dependents: def.GetDependents(),
		}
		if def.GetImportance() != "" {
			k.Importance = connect.Importance(def.GetImportance())
		}
		if def.GetWidth() != "" {
			k.Width = connect.Width(def.GetWidth())
		}
		if def.GetOrder() > 0 {
			k.Order = int(def.GetOrder())
		}
		switch {
		case def.Default != nil:
			k.Default = connect.TextDefault(def.GetDefault())
		case def.GetOptional():
			k.Default = connect.NullDefault()
		}
		spec.Keys = append(spec.Keys, k)
	}
	return spec
}
