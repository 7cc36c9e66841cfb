package configproviders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
)

// Providers are those of one worker, by the names that its config.providers gives them. They are safe for concurrent use; nil has none.
type Providers struct {
	named map[string]named
}

type named struct {
	provider Provider
	ttl      time.Duration // of values for which the provider has none
	missing  error         // why there is no provider behind the name; nil if there is one
}

// Keys of a worker.
var (
	namesKey = connect.ListKey("config.providers", "Names of the config providers that configurations may refer to.").Default(nil)
	// ttlKey is our own: none of Kafka's providers says how long a value is good for, so that nobody notices that a secret has changed.
	ttlKey = connect.LongKey("sluice.ttl.ms", "After how many milliseconds values are looked up again; what uses one that has changed is restarted. "+
		"0 is never.").Default(0).Must(connect.AtLeast(0))
)

// Missing tells of each name without a provider behind it why that is so.
func (p *Providers) Missing() map[string]error {
	missing := map[string]error{}
	if p != nil {
		for name, n := range p.named {
			if n.missing != nil {
				missing[name] = n.missing
			}
		}
	}
	return missing
}

// Has reports whether config.providers has a name.
func (p *Providers) Has(name string) bool {
	if p == nil {
		return false
	}
	_, has := p.named[name]
	return has
}

const prefix = "config.providers."

// Open makes the providers that a worker's properties name. One whose class is not here is no error before something refers to it: workers of Java
// may have it. Otherwise the error names the key that is wrong.
func Open(classes []Definition, worker connect.Config) (*Providers, error) {
	p := &Providers{named: map[string]named{}}
	var problems []error
	for _, name := range namesKey.Get(worker) {
		if name == "" {
			continue
		}
		provider, err := open(classes, worker, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.named[name] = provider
	}
	return p, errors.Join(problems...)
}

func open(classes []Definition, worker connect.Config, name string) (named, error) {
	key := prefix + name + ".class"
	class := strings.TrimSpace(worker[key])
	if class == "" {
		return named{missing: fmt.Errorf("%s is missing from the worker's properties", key)}, nil
	}
	at := slices.IndexFunc(classes, func(d Definition) bool { return answersTo(d.Spec, class) })
	if at < 0 {
		var there []string
		for _, d := range classes {
			there = append(there, d.Spec.Class)
		}
		return named{missing: fmt.Errorf("%s: there is no config provider %s here: use one of %s", key, class, strings.Join(there, ", "))}, nil
	}
	params := connect.Config{}
	below := prefix + name + ".param."
	for k, v := range worker {
		if param, ok := strings.CutPrefix(k, below); ok {
			params[param] = v
		}
	}
	var problems []string
	for _, found := range append(slices.Clone(classes[at].Spec.Keys), ttlKey.Definition()).Validate(params) {
		problems = append(problems, found.Errors...)
	}
	if len(problems) > 0 {
		return named{}, fmt.Errorf("%s: %s", below+"*", strings.Join(problems, "; "))
	}
	provider, err := classes[at].New(params)
	if err != nil {
		return named{}, fmt.Errorf("%s%w", below, err)
	}
	return named{provider: provider, ttl: time.Duration(ttlKey.Get(params)) * time.Millisecond}, nil
}

// answersTo reports whether a class is called name: in full, without its package, or by an alias.
func answersTo(spec connect.Spec, name string) bool {
	return name == spec.Class || name == spec.Class[strings.LastIndex(spec.Class, ".")+1:] || slices.Contains(spec.Aliases, name)
}

// Resolved is a configuration with what its references stand for.
type Resolved struct {
	Config connect.Config // the very one that was given where there is nothing to look up
	// Secrets are the values that were looked up. They must not be shown.
	Secrets redaction.Values
	// TTL is after how long they have to be looked up again; 0 for never.
	TTL time.Duration
}

// ReferenceError says that a reference leads nowhere.
type ReferenceError struct {
	Key                      string // of the configuration
	Provider, Path, Variable string
	Cause                    error // nil where the provider has no such variable
}

func (e *ReferenceError) Error() string {
	where := "config provider " + e.Provider
	if e.Path != "" {
		where += ", path " + e.Path
	}
	reason := "there is no such key"
	if e.Cause != nil {
		reason = e.Cause.Error()
	}
	return fmt.Sprintf("%s: %s, key %s: %s", e.Key, where, e.Variable, reason)
}

func (e *ReferenceError) Unwrap() error { return e.Cause }

// UnresolvedError lists the references that lead nowhere, by key: as text separated by semicolons.
type UnresolvedError struct{ References []*ReferenceError }

func (e *UnresolvedError) Error() string {
	var all []string
	for _, r := range e.References {
		all = append(all, r.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap returns the causes.
func (e *UnresolvedError) Unwrap() []error {
	var all []error
	for _, r := range e.References {
		all = append(all, r)
	}
	return all
}

// place is what a provider is asked for at once.
type place struct{ provider, path string }

// Resolve looks up what the values of a configuration refer to, one call for each provider and path. References to providers that there are not
// stay as they are, as in Java. Those which lead nowhere do not, unlike in Java, where a password is then "${file:...}": the error is an
// [*UnresolvedError], and what comes with it has them as they were. It may take as long as the providers do, within ctx.
func (p *Providers) Resolve(ctx context.Context, config connect.Config) (Resolved, error) {
	wanted := p.wanted(config)
	if len(wanted) == 0 {
		return Resolved{Config: config}, nil
	}
	found := make(map[place]Found, len(wanted))
	failed := map[place]error{}
	r := Resolved{Config: maps.Clone(config)}
	for at, keys := range wanted {
		provider := p.named[at.provider]
		if provider.missing != nil {
			failed[at] = provider.missing
			continue
		}
		got, err := provider.provider.Get(ctx, at.path, keys)
		if err != nil {
			failed[at] = err
			continue
		}
		if got.TTL <= 0 {
			got.TTL = provider.ttl
		}
		if got.TTL > 0 && (r.TTL == 0 || got.TTL < r.TTL) {
			r.TTL = got.TTL
		}
		found[at] = got
	}
	var secrets []string
	unresolved := &UnresolvedError{}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if !Refers(config[key]) {
			continue
		}
		r.Config[key] = replaced(config[key], func(ref reference) (string, bool) {
			if _, known := p.named[ref.provider]; !known {
				return "", false
			}
			at := place{ref.provider, ref.path}
			value, ok := found[at].Values[ref.key]
			if !ok {
				unresolved.References = append(unresolved.References, &ReferenceError{key, ref.provider, ref.path, ref.key, failed[at]})
				return "", false
			}
			secrets = append(secrets, value)
			return value, true
		})
	}
	r.Secrets = redaction.Of(secrets...)
	if len(unresolved.References) > 0 {
		return r, unresolved
	}
	return r, nil
}

// wanted are the keys to ask for, each once.
func (p *Providers) wanted(config connect.Config) map[place][]string {
	if p == nil || len(p.named) == 0 {
		return nil
	}
	wanted := map[place][]string{}
	for _, value := range config {
		for _, r := range references(value) {
			at := place{r.provider, r.path}
			if _, known := p.named[r.provider]; known && !slices.Contains(wanted[at], r.key) {
				wanted[at] = append(wanted[at], r.key)
			}
		}
	}
	return wanted
}
