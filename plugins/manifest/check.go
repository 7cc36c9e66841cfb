package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

var (
	names     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	variables = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	checksums = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

	keyTypes = []connect.Type{connect.TypeBoolean, connect.TypeString, connect.TypeInt, connect.TypeShort, connect.TypeLong, connect.TypeDouble,
		connect.TypeList, connect.TypeClass, connect.TypePassword}
	importances = []connect.Importance{connect.High, connect.Medium, connect.Low}
	widths      = []connect.Width{connect.WidthNone, connect.WidthShort, connect.WidthMedium, connect.WidthLong}
)

// mostCPUs is what Linux can be built for.
const mostCPUs = 8192

// Check looks at what the form alone does not say, as reading does. Its error is an [*Error] without a file.
func (m *Manifest) Check() error {
	wrong := func(field, cause string, args ...any) error {
		return &Error{Field: field, Cause: fmt.Sprintf(cause, args...)}
	}
	switch {
	case !names.MatchString(m.Name):
		return wrong("name", "%q is none: want letters, digits, dots, dashes and underscores", m.Name)
	case m.Version == "" || strings.ContainsAny(m.Version, " \t\r\n,[]()"):
		return wrong("version", "%q is none: want something like 1.0.2", m.Version)
	case m.Contract == 0:
		return wrong("contract", "it is missing: plugins of today speak version %d", contract.Version)
	case m.Contract != contract.Version:
		return wrong("contract", "the plugin speaks version %d of the contract, and this Sluice version %d: use a release of the plugin, or of Sluice, "+
			"that fits", m.Contract, contract.Version)
	case len(m.Command) == 0 || m.Command[0] == "":
		return wrong("command", `it is missing: name the program and its arguments, as in ["./%s"]`, m.Name)
	case m.Checksum != "" && !checksums.MatchString(m.Checksum):
		return wrong("checksum", "want sha256: and 64 hexadecimal digits in lower case, or no checksum")
	case m.Limits.Memory < 0:
		return wrong("limits.memory", "it is below 0")
	case m.Limits.CPUs < 0:
		return wrong("limits.cpus", "it is below 0")
	case m.Limits.CPUs > mostCPUs:
		return wrong("limits.cpus", "it is above %d, which no machine has", mostCPUs)
	case len(m.Classes) == 0:
		return wrong("classes", "there is none: have them written by sluice plugin check --write")
	}
	for i, name := range m.Env {
		if !variables.MatchString(name) {
			return wrong(fmt.Sprintf("env[%d]", i), "%q is no name of a variable: a value is taken from the worker's environment, not written here", name)
		}
	}
	type identity struct {
		name, version string
		kind          contract.Class_Type
	}
	seen := map[identity]bool{}
	for i, class := range m.Classes {
		at := fmt.Sprintf("classes[%d]", i)
		is := identity{class.GetName(), class.GetVersion(), class.GetType()}
		if seen[is] {
			return wrong(at+".name", "%s is there twice: remove one", class.GetName())
		}
		seen[is] = true
		if err := checkClass(at, class); err != nil {
			return err
		}
	}
	return nil
}

func checkClass(at string, class *contract.Class) error {
	switch _, known := contract.Class_Type_name[int32(class.GetType())]; {
	case !known || class.GetType() == contract.Class_UNKNOWN:
		return &Error{Field: at + ".type", Cause: "want SOURCE, SINK, TRANSFORM, PREDICATE, CONVERTER, HEADER_CONVERTER or CONFIG_PROVIDER"}
	case class.GetName() == "" || strings.ContainsAny(class.GetName(), " \t\r\n,"):
		return &Error{Field: at + ".name", Cause: fmt.Sprintf("%q is no name of a class", class.GetName())}
	case strings.ContainsAny(class.GetVersion(), " \t\r\n,[]()"):
		return &Error{Field: at + ".version", Cause: fmt.Sprintf("%q is none: want something like 1.0.2, or leave it out", class.GetVersion())}
	}
	seen := map[string]bool{}
	for i, key := range class.GetKeys() {
		at := fmt.Sprintf("%s.keys[%d]", at, i)
		if seen[key.GetName()] {
			return &Error{Field: at + ".name", Cause: key.GetName() + " is there twice: remove one"}
		}
		seen[key.GetName()] = true
		if field, cause := checkKey(key); cause != "" {
			return &Error{Field: at + "." + field, Cause: cause}
		}
	}
	return nil
}

func checkKey(key *contract.KeyDef) (field, cause string) {
	oneOf := func(value string, of string) string { return fmt.Sprintf("there is no %q: want one of %s", value, of) }
	kind := connect.Type(key.GetType())
	switch {
	case key.GetName() == "":
		return "name", "it is missing"
	case !slices.Contains(keyTypes, kind):
		return "type", oneOf(key.GetType(), list(keyTypes))
	case key.GetImportance() != "" && !slices.Contains(importances, connect.Importance(key.GetImportance())):
		return "importance", oneOf(key.GetImportance(), list(importances))
	case key.GetWidth() != "" && !slices.Contains(widths, connect.Width(key.GetWidth())):
		return "width", oneOf(key.GetWidth(), list(widths))
	case key.Default != nil:
		if _, err := kind.Parse(key.GetDefault()); err != nil {
			return "default", fmt.Sprintf("it is no %s: %v", kind, err)
		}
	}
	return "", ""
}

func list[T ~string](all []T) string {
	var out []string
	for _, one := range all {
		out = append(out, string(one))
	}
	return strings.Join(out, ", ")
}
