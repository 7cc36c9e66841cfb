package connect

import (
	"errors"
	"fmt"
	"slices"
)

// KeyReport is what validation says of one key.
type KeyReport struct {
	Def         KeyDef
	Value       *string // as [Type.Format] writes it; nil where it is unset without default or does not parse
	Errors      []string
	Recommended []string
	Visible     bool
}

// Validate checks a configuration against the definition and reports on every key, in order (ConfigDef.validate). Keys that the definition does not
// have are no errors.
func (d ConfigDef) Validate(cfg Config) []KeyReport {
	reports := make([]KeyReport, 0, len(d))
	for _, key := range d {
		reports = append(reports, key.validate(cfg))
	}
	for _, key := range d {
		for _, name := range key.Dependents {
			if !d.Has(name) {
				reports = append(reports, KeyReport{Def: KeyDef{Name: name},
					Errors: []string{name + " is referred in the dependents, but not defined."}})
			}
		}
	}
	return reports
}

func (k KeyDef) validate(cfg Config) KeyReport {
	r := KeyReport{Def: k, Visible: true}
	if k.Recommend != nil {
		r.Recommended, r.Visible = k.Recommend.Values(k.Name, cfg), k.Recommend.Visible(k.Name, cfg)
	}
	text, given := cfg[k.Name]
	if !given {
		if k.Default.Required() {
			r.Errors = append(r.Errors, fmt.Sprintf("Missing required configuration %q which has no default value.", k.Name))
			return r
		}
		fallback, ok := k.Default.Text()
		if !ok {
			return r
		}
		text = fallback
	}
	v, err := k.Type.Parse(text)
	if err != nil {
		r.Errors = append(r.Errors, k.refused(text, err))
	} else {
		shown := k.Type.Format(v)
		r.Value = &shown
	}
	// As in Java the check also sees what did not parse, as null: one wrong number may give two errors.
	if k.Check != nil && (given || err != nil) {
		if err := k.Check(v); err != nil {
			r.Errors = append(r.Errors, k.refused(k.shown(v), err))
		}
	}
	return r
}

// shown is a value as error texts show it.
func (k KeyDef) shown(v Value) string {
	if v.IsNull() {
		return "null"
	}
	if k.Type == TypeList {
		return v.String()
	}
	return k.Type.Format(v)
}

// refused frames a reason. Secrets are not shown.
func (k KeyDef) refused(value string, cause error) string {
	if e := new(entryError); errors.As(cause, &e) {
		value = e.entry
	}
	if k.Type == TypePassword {
		value = Hidden
	}
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", value, k.Name, cause)
}

// Has reports whether the definition has a key.
func (d ConfigDef) Has(name string) bool {
	return slices.ContainsFunc(d, func(k KeyDef) bool { return k.Name == name })
}

// Key returns the definition of a key; ok tells whether there is one.
func (d ConfigDef) Key(name string) (k KeyDef, ok bool) {
	i := slices.IndexFunc(d, func(k KeyDef) bool { return k.Name == name })
	if i < 0 {
		return KeyDef{}, false
	}
	return d[i], true
}
