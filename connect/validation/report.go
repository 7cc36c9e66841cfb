package validation

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/javahash"
)

// report gathers the main section of the answer: the keys of the framework and of the connector.
type report struct {
	configs []ConfigInfo
	at      map[string]int // position of a key in configs
}

func newReport() *report { return &report{at: map[string]int{}} }

// add takes findings in. A key that is there already keeps its place, and the later word on it counts: a connector may define a framework's key anew.
func (r *report) add(found []connect.KeyReport) {
	for _, k := range found {
		info := configInfo(k, "")
		i, ok := r.at[k.Def.Name]
		switch {
		case !ok:
			r.append(info)
		case r.configs[i].Definition == nil && info.Definition != nil: // it was known only as null: now it stands among its like
			r.remove(i)
			r.append(info)
		default:
			r.configs[i] = info
		}
	}
}

func (r *report) remove(i int) {
	delete(r.at, r.configs[i].Value.Name)
	r.configs = slices.Delete(r.configs, i, i+1)
	for ; i < len(r.configs); i++ {
		r.at[r.configs[i].Value.Name] = i
	}
}

func (r *report) append(info ConfigInfo) {
	r.at[info.Value.Name] = len(r.configs)
	r.configs = append(r.configs, info)
}

// value is what there is to say of a key's value. A key that nobody defines is taken in without a definition.
func (r *report) value(key string) *ConfigValueInfo {
	if _, ok := r.at[key]; !ok {
		r.append(ConfigInfo{Value: newValueInfo(key, nil)})
	}
	return r.configs[r.at[key]].Value
}

// fault adds an error to a key.
func (r *report) fault(key, message string) {
	value := r.value(key)
	value.Errors = append(value.Errors, message)
}

// ok reports whether nothing was found against a key.
func (r *report) ok(key string) bool { return len(r.value(key).Errors) == 0 }

// settle puts the keys that have no definition into the order in which Java has them, out of a hash map of all keys so far.
func (r *report) settle() {
	names := make([]string, 0, len(r.configs))
	for _, c := range r.configs {
		names = append(names, c.Value.Name)
	}
	javahash.Sort(names, func(name string) string { return name })
	settled := newReport()
	for _, name := range names {
		if c := r.configs[r.at[name]]; c.Definition == nil {
			settled.append(c)
		}
	}
	for _, c := range r.configs {
		if c.Definition != nil {
			settled.append(c)
		}
	}
	*r = *settled
}

// errors counts single errors, as Kafka Connect does in this section; in all others it counts keys with errors.
func (r *report) errors() int {
	n := 0
	for _, c := range r.configs {
		n += len(c.Value.Errors)
	}
	return n
}

// ordered is the section as it is shown: keys without a definition first.
func (r *report) ordered() []ConfigInfo {
	undefined, defined := []ConfigInfo{}, []ConfigInfo{}
	for _, c := range r.configs {
		if c.Definition == nil {
			undefined = append(undefined, c)
		} else {
			defined = append(defined, c)
		}
	}
	return append(undefined, defined...)
}
