package validation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/versions"
)

// Ends of the keys that each transform has beside those of its class.
const (
	typeSuffix      = "type"
	predicateSuffix = "predicate"
	negateSuffix    = "negate"
	pluginVersion   = "plugin.version"
)

// stageKind is what makes the difference between transforms and predicates.
type stageKind struct {
	list    connect.Key[[]string] // names the stages
	group   string
	what    string // as Java shows the kind
	base    catalog.Base
	find    func(classes *catalog.Catalog, name, version string) (connect.Spec, error)
	offered func(classes *catalog.Catalog) []string
	own     connect.ConfigDef // keys of every stage, in place of what its class may have under these names
}

var stageKinds = []stageKind{
	{
		list: keyTransforms, group: transforms, what: "Transformation", base: catalog.TransformationBase,
		find: func(classes *catalog.Catalog, name, version string) (connect.Spec, error) {
			d, err := classes.TransformVersion(name, version)
			return d.Spec, err
		},
		offered: (*catalog.Catalog).Transforms,
		own: connect.NewSpec("", "",
			connect.StringKey(predicateSuffix, "Alias of the predicate that decides whether the transformation applies to a record.").Optional(),
			connect.BoolKey(negateSuffix, "Whether it applies where the predicate says no.").Default(false),
		).Keys,
	},
	{
		list: keyPredicates, group: predicates, what: "Predicate", base: catalog.PredicateBase,
		find: func(classes *catalog.Catalog, name, version string) (connect.Spec, error) {
			d, err := classes.PredicateVersion(name, version)
			return d.Spec, err
		},
		offered: (*catalog.Catalog).Predicates,
	},
}

// stage is a transform or a predicate that a configuration names.
type stage struct {
	*stageKind
	alias, prefix string
	class         connect.Spec // none where the name is wrong or missing
	wrong         error        // why the name is wrong; nil also where it is missing
	wrongVersion  error        // why there is no such version; class is the latest then
}

// stages are the transforms in their order, and then the predicates; each alias once.
func stages(classes *catalog.Catalog, cfg connect.Config) []stage {
	var out []stage
	for i := range stageKinds {
		kind := &stageKinds[i]
		var seen []string
		for _, alias := range kind.list.Get(cfg) {
			if slices.Contains(seen, alias) {
				continue
			}
			seen = append(seen, alias)
			s := stage{stageKind: kind, alias: alias, prefix: kind.list.Name() + "." + alias + "."}
			s.class, s.wrong = s.classIn(classes, cfg, versions.Asked(cfg, s.prefix+pluginVersion))
			if ofVersion(s.wrong) {
				s.wrongVersion = s.wrong
				s.class, s.wrong = s.classIn(classes, cfg, versions.Latest)
			}
			out = append(out, s)
		}
	}
	return out
}

func (s *stage) classIn(classes *catalog.Catalog, cfg connect.Config, version string) (connect.Spec, error) {
	key := s.prefix + typeSuffix
	name, given := cfg[key]
	if !given {
		return connect.Spec{}, nil
	}
	trimmed := strings.TrimSpace(name)
	if spec, err := s.find(classes, trimmed, version); err == nil || ofVersion(err) {
		return spec, err
	}
	if wrong := classes.WrongKind(trimmed, s.base); wrong != nil {
		return connect.Spec{}, wrong
	}
	return connect.Spec{}, noSuchClass(key, name)
}

// definition is the keys of the stage (ConnectorConfig.EnrichablePlugin). Those of its class are left out where the class is not what it must be or not
// here in the version that is asked for, and, as in Java, where its name has blanks around it.
func (s *stage) definition(classes *catalog.Catalog, cfg connect.Config) connect.ConfigDef {
	group := s.group + ": " + s.alias
	noun, there := strings.ToLower(s.what), classes.Versions(s.class.Class)
	version := connect.StringKey(s.prefix+pluginVersion, fmt.Sprintf("Version of the '%s' %s.", s.alias, noun)).Optional().Importance(connect.High).
		Group(group, 1, connect.WidthLong, s.what+" version for "+s.alias).Recommend(offered{values: there})
	exact := s.class.Class != "" && cfg[s.prefix+typeSuffix] == strings.TrimSpace(cfg[s.prefix+typeSuffix])
	if exact && len(there) > 0 {
		version = version.Default(there[len(there)-1])
	}
	def := connect.NewSpec("", "",
		connect.ClassKey(s.prefix+typeSuffix, fmt.Sprintf("Class for the '%s' %s.", s.alias, noun)).Importance(connect.High).
			Group(group, 0, connect.WidthLong, s.what+" type for "+s.alias).Recommend(offered{values: s.offered(classes)}),
		version).Keys
	if !exact || s.wrongVersion != nil {
		return def
	}
	keys := slices.Clone(s.own)
	for _, k := range s.class.Keys {
		if !s.own.Has(k.Name) {
			keys = append(keys, k)
		}
	}
	return append(def, keys.Embed(s.prefix, group, len(def))...)
}

// withStages adds the keys of stages to the framework's.
func withStages(def connect.ConfigDef, found []stage, classes *catalog.Catalog, cfg connect.Config) connect.ConfigDef {
	for i := range found {
		def = append(def, found[i].definition(classes, cfg)...)
	}
	return def
}

// problem is what is wrong with a stage beside its keys one by one; "" for nothing.
func (s *stage) problem(given func(key string) bool) string {
	negate, predicate := s.prefix+negateSuffix, s.prefix+predicateSuffix
	if s.own.Has(negateSuffix) && given(negate) && !given(predicate) {
		return fmt.Sprintf("Config '%s' was provided but there is no config '%s' defining a predicate to be negated.", negate, predicate)
	}
	return ""
}

// checkStages looks at the classes that stages name, and shows their full names.
func checkStages(found []stage, given func(key string) bool, r *report) {
	for i := range found {
		s := &found[i]
		value := r.value(s.prefix + typeSuffix)
		value.Value = nil
		if class := fullName(s.class, s.wrong); class != "" {
			value.Value = &class
		}
		problem := s.problem(given)
		if s.wrong != nil && (value.Value == nil || problem == "") { // Java does not get as far as the kind of the class
			value.Errors = append(value.Errors, s.wrong.Error())
		}
		if problem != "" {
			value.Errors = append(value.Errors, problem)
		}
		if s.wrongVersion != nil {
			value.Errors = append(value.Errors, s.wrongVersion.Error())
			r.fault(s.prefix+pluginVersion, s.wrongVersion.Error())
		}
	}
}

// stageWarnings are what Java accepts without a word: a predicate that is not there, which will fail the tasks.
func stageWarnings(found []stage, cfg connect.Config) []string {
	var out []string
	for i := range found {
		s := &found[i]
		key := s.prefix + predicateSuffix
		if name, given := cfg[key]; given && s.own.Has(predicateSuffix) && !slices.Contains(keyPredicates.Get(cfg), name) {
			out = append(out, fmt.Sprintf("%s: predicates does not list %s, and tasks will fail: add it there, or remove the key", key, name))
		}
	}
	return out
}
