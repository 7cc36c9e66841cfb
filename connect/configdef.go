package connect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// KeyReport is what validation says of one key.
type KeyReport struct {
	// Def is the key's definition. It has nothing but a name for a key that is only named, as a dependent of another.
	Def         KeyDef
	Value       *string // as [Type.Format] writes it; nil where it is unset without default or does not parse
	Errors      []string
	Recommended []string
	Visible     bool
}

// Validate checks a configuration against the definition and reports on every key, in order (ConfigDef.validate). Keys that the definition does not
// have are no errors. Nulls are keys that are given as null, as JSON can have it: they are neither missing nor have their default.
func (d ConfigDef) Validate(cfg Config, nulls ...string) []KeyReport {
	reports := make([]KeyReport, 0, len(d))
	for _, key := range d {
		reports = append(reports, key.validate(cfg, slices.Contains(nulls, key.Name)))
	}
	for _, name := range d.undefinedDependents() {
		reports = append(reports, KeyReport{
			Def: KeyDef{Name: name}, Errors: []string{name + " is referred in the dependents, but not defined."},
		})
	}
	return reports
}

func (d ConfigDef) undefinedDependents() []string {
	var undefined []string
	for _, key := range d {
		for _, name := range key.Dependents {
			if !d.Has(name) && !slices.Contains(undefined, name) {
				undefined = append(undefined, name)
			}
		}
	}
	return undefined
}

func (k KeyDef) validate(cfg Config, isNull bool) KeyReport {
	r := KeyReport{Def: k, Visible: true}
	if k.Recommend != nil {
		r.Recommended, r.Visible = k.Recommend.Values(k.Name, cfg), k.Recommend.Visible(k.Name, cfg)
	}
	text, given := cfg[k.Name]
	if !given && !isNull && !k.Default.Required() {
		if text, ok := k.Default.Text(); ok {
			r.show(text)
		}
		return r
	}
	// As in Java the check also sees what is missing or did not parse, as null: one wrong number may give two errors.
	var v Value
	switch {
	case given:
		v = r.show(text)
	case !isNull:
		r.Errors = append(r.Errors, fmt.Sprintf("Missing required configuration %q which has no default value.", k.Name))
	}
	if err := k.ask(v); err != nil {
		r.Errors = append(r.Errors, k.refused(k.ownName(), k.shown(v), err))
	}
	return r
}

// show takes a text in as the key's value; null if it does not parse.
func (r *KeyReport) show(text string) Value {
	v, err := r.Def.Type.Parse(text)
	if err != nil {
		r.Errors = append(r.Errors, r.Def.refused(r.Def.Name, text, err))
		return Value{}
	}
	shown := r.Def.Type.Format(v)
	r.Value = &shown
	return v
}

// ask puts a value to the check. A check that breaks refuses the value, except null, to which it need have no answer: an author's mistake must not
// take the worker down.
func (k KeyDef) ask(v Value) (err error) {
	if k.Check == nil {
		return nil
	}
	defer func() {
		if broken := recover(); broken != nil && !v.IsNull() {
			err = refusal("the check of this key panicked, which is a mistake in the connector")
		}
	}()
	return k.Check(v)
}

// Refusal puts a parsed value to the check, for runtimes whose framework is in another process: why it is refused, "" where it is not, and whether that
// is the whole text ([Verbatim]) or the reason alone.
func (k KeyDef) Refusal(v Value) (text string, whole bool) {
	err := k.ask(v)
	if err == nil {
		return "", false
	}
	entry, words := new(entryError), verbatim("")
	if errors.As(err, &entry) || errors.As(err, &words) {
		return k.refused(k.ownName(), k.shown(v), err), true
	}
	return err.Error(), false
}

// shown is a value as error texts show it.
func (k KeyDef) shown(v Value) string {
	switch {
	case v.IsNull():
		return "null"
	case k.Type == TypeList:
		return "[" + strings.Join(readList(v), ", ") + "]"
	}
	return k.Type.Format(v)
}

// refused frames a reason with the key's name. Secrets are not shown.
func (k KeyDef) refused(name, value string, cause error) string {
	if whole := verbatim(""); errors.As(cause, &whole) {
		return string(whole)
	}
	if e := new(entryError); errors.As(cause, &e) {
		value = e.entry
	}
	if k.Type == TypePassword {
		value = Hidden
	}
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", value, name, cause)
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
