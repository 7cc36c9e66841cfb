package validation

import (
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/versions"
)

// versionSuffix ends the keys that ask for a version of a class (KIP-891).
const versionSuffix = ".plugin.version"

// ClassOf finds the class of a connector, in the version that its configuration asks for. The error is that of [catalog.Catalog.ConnectorVersion].
func ClassOf(classes *catalog.Catalog, cfg connect.Config) (*catalog.Class, error) {
	return classes.ConnectorVersion(cfg[keyClass.Name()], versions.Asked(cfg, keyPluginVersion.Name()))
}

// ofVersion reports whether a class is here and only the version that is asked for is not, or is none.
func ofVersion(err error) bool {
	var (
		missing *catalog.VersionError
		invalid *versions.RangeError
	)
	return errors.As(err, &missing) || errors.As(err, &invalid)
}

// offerVersions makes the versions of a class those that are offered, and the latest of them the default.
func offerVersions(key *connect.KeyDef, there []string) {
	if len(there) > 0 {
		key.Default, key.Recommend = connect.TextDefault(there[len(there)-1]), offered{values: there}
	}
}

// otherVersion checks a connector whose class is not here in the version that is asked for: the keys of all connectors, and nothing of its own.
func (v *Validator) otherVersion(latest *catalog.Class, cfg connect.Config, nulls []string, wrong error) Result {
	def := Definition(catalog.Unknown)
	offerVersions(keyIn(def, keyPluginVersion.Name()), v.Catalog.Versions(latest.Spec.Class))
	for _, k := range converterKeys {
		_, given := cfg[k.name]
		keyIn(def, k.name+versionSuffix).Recommend = offered{hidden: !given}
	}
	r := newReport()
	r.add(def.Validate(cfg, nulls...))
	r.fault(keyClass.Name(), wrong.Error())
	r.fault(keyPluginVersion.Name(), wrong.Error())
	for _, key := range nulls {
		r.fault(key, "Null value can not be supplied as the configuration value.")
	}
	r.settle()
	return Result{Infos: ConfigInfos{
		Name: cfg[keyClass.Name()], ErrorCount: r.errors(), Groups: groups(def, nil), Configs: r.ordered(), main: len(r.configs),
	}}
}
