package validation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/javahash"
	"github.com/sluice-connect/sluice/connect/versions"
)

// defaultHeaderConverter is what a worker uses that names none (WorkerConfig).
const defaultHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter"

// converterType is the option that tells a converter its seat.
const converterType = "converter.type"

// converterKey is a key that names a converter.
type converterKey struct {
	name string
	seat converters.Seat
}

// converterKeys are in the order in which Kafka Connect lists the converters' options.
var converterKeys = []converterKey{
	{"header.converter", converters.Header}, {"key.converter", converters.Key}, {"value.converter", converters.Value},
}

// find looks up the class that a configuration names, in a version. The error is in Kafka Connect's words, for a class of the wrong kind a
// [*catalog.WrongKindError]; beside one about the version stands the latest.
func (k converterKey) find(classes *catalog.Catalog, name, version string) (converters.Definition, error) {
	base := catalog.ConverterBase
	if k.seat == converters.Header {
		base = catalog.HeaderConverterBase
	}
	trimmed := strings.TrimSpace(name)
	d, err := classes.Converter(trimmed)
	if err == nil && (base == catalog.ConverterBase && d.New != nil || base == catalog.HeaderConverterBase && d.NewHeader != nil) {
		asked, err := classes.ConverterVersion(trimmed, version)
		if err != nil {
			return d, err
		}
		return asked, nil
	}
	if wrong := classes.WrongKind(trimmed, base); wrong != nil {
		return converters.Definition{}, wrong
	}
	return converters.Definition{}, noSuchClass(k.name, name)
}

// noSuchClass is Kafka Connect's refusal of a name that no class has.
func noSuchClass(key, name string) error {
	return fmt.Errorf("Invalid value %s for configuration %s: Class %s could not be found.", name, key, name) //lint:ignore ST1005 Kafka's text
}

// fullName is that of a class, also of one of the wrong kind; "" where there is none.
func fullName(spec connect.Spec, err error) string {
	if wrong := (*catalog.WrongKindError)(nil); errors.As(err, &wrong) {
		return wrong.Class
	}
	return spec.Class
}

// offer adds to the framework's keys what there is in this worker: its converters and the versions of classes, and as defaults the converters that
// the worker itself names (ConnectorConfig.enrichedConfigDef).
func (v *Validator) offer(def connect.ConfigDef, class *catalog.Class, cfg connect.Config, nulls []string) {
	offerVersions(keyIn(def, keyPluginVersion.Name()), v.Catalog.Versions(class.Spec.Class))
	for _, k := range converterKeys {
		key, version := keyIn(def, k.name), keyIn(def, k.name+versionSuffix)
		key.Recommend = offered{values: v.Catalog.Converters()}
		if k.seat == converters.Header {
			key.Recommend = offered{values: v.Catalog.HeaderConverters()}
		}
		inUse, given := cfg[k.name]
		if own := v.workerConverter(k); own != "" {
			key.Default = connect.TextDefault(own)
			if !given {
				inUse = own
			}
		}
		d, err := k.find(v.Catalog, inUse, versions.Latest)
		switch {
		case err == nil:
			offerVersions(version, v.Catalog.Versions(d.Spec.Class))
		case fullName(d.Spec, err) == "":
			version.Recommend = offered{hidden: true}
		}
		if slices.Contains(nulls, k.name) {
			version.Recommend = offered{hidden: true}
		}
	}
}

// workerConverter is the class that the worker names for a seat; "" where there is no worker.
func (v *Validator) workerConverter(k converterKey) string {
	name := strings.TrimSpace(v.Worker[k.name])
	if name == "" && v.Worker != nil && k.seat == converters.Header {
		return defaultHeaderConverter
	}
	if d, err := k.find(v.Catalog, name, versions.Latest); err == nil {
		return d.Spec.Class
	}
	return name
}

// keyIn is a key of the framework's definition, to be changed in place.
func keyIn(def connect.ConfigDef, name string) *connect.KeyDef {
	return &def[slices.IndexFunc(def, func(k connect.KeyDef) bool { return k.Name == name })]
}

// converterClasses checks the classes that a configuration names, and shows their full names.
func (v *Validator) converterClasses(cfg connect.Config, r *report) {
	for _, k := range converterKeys {
		name, given := cfg[k.name]
		if !given {
			continue
		}
		d, err := k.find(v.Catalog, name, versions.Asked(cfg, k.name+versionSuffix))
		value := r.value(k.name)
		value.Value = nil
		if class := fullName(d.Spec, err); class != "" {
			value.Value = &class
		}
		if ofVersion(err) {
			r.fault(k.name+versionSuffix, err.Error())
		}
		if invalid := new(versions.RangeError); err != nil && !errors.As(err, &invalid) {
			value.Errors = append(value.Errors, err.Error())
		}
	}
}

// converterOptions adds the options of the converters that the connector names itself.
func (v *Validator) converterOptions(cfg connect.Config, nulls []string, infos *ConfigInfos) {
	for _, k := range converterKeys {
		name, given := cfg[k.name]
		d, err := k.find(v.Catalog, name, versions.Asked(cfg, k.name+versionSuffix))
		if !given || err != nil {
			continue
		}
		options := under(k.name+".", cfg)
		absent := namesUnder(k.name+".", nulls)
		if _, given := options[converterType]; !given && !slices.Contains(absent, converterType) {
			options[converterType] = string(k.seat)
		}
		found := d.Spec.Keys.Validate(options, absent...)
		javahash.Sort(found, func(r connect.KeyReport) string { return r.Def.Name })
		for _, r := range found {
			infos.add(configInfo(r, k.name+"."))
			infos.Groups = groups(connect.ConfigDef{r.Def}, infos.Groups)
		}
	}
}

// unknownOptions names options that the connector's own converters do not have.
func (v *Validator) unknownOptions(framework connect.ConfigDef, cfg connect.Config) []string {
	var out []string
	for _, k := range converterKeys {
		name, given := cfg[k.name]
		d, err := k.find(v.Catalog, name, versions.Asked(cfg, k.name+versionSuffix))
		if !given || err != nil {
			continue
		}
		for _, option := range slices.Sorted(maps.Keys(under(k.name+".", cfg))) {
			key := k.name + "." + option
			if !d.Spec.Keys.Has(option) && !framework.Has(key) {
				out = append(out, key+": no such key of "+d.Spec.Class+", it has no effect")
			}
		}
	}
	return out
}

// offered is a recommendation that does not depend on other keys.
type offered struct {
	values []string
	hidden bool
}

// Values implements connect.Recommender.
func (o offered) Values(string, connect.Config) []string { return o.values }

// Visible implements connect.Recommender.
func (o offered) Visible(string, connect.Config) bool { return !o.hidden }
