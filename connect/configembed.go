package connect

import (
	"cmp"
	"slices"
	"strings"
)

// Embed returns the keys as part of a larger definition: their names, dependents and recommenders under a prefix, in a group of the larger definition,
// numbered from order on (ConfigDef.embed). They stand as Java sorts them: by their own group and order, then those without a default first, then
// by importance and name. As in Java, the refusals of a key's check name it without the prefix.
func (d ConfigDef) Embed(prefix, group string, order int) ConfigDef {
	embedded := d.sorted()
	for i := range embedded {
		k := &embedded[i]
		k.Name, k.embedded = prefix+k.Name, len(prefix)+k.embedded
		if k.DisplayName == "" {
			k.DisplayName = k.Name[len(prefix):]
		}
		if k.Group != "" {
			k.Group = group + ": " + k.Group
		} else {
			k.Group = group
		}
		k.Order = order + i
		k.Dependents = slices.Clone(k.Dependents)
		for j, name := range k.Dependents {
			k.Dependents[j] = prefix + name
		}
		if k.Recommend != nil {
			k.Recommend = embeddedRecommender{prefix, k.Recommend}
		}
	}
	return embedded
}

// sorted is a copy in the order in which Java shows keys (ConfigDef.sortedConfigs).
func (d ConfigDef) sorted() ConfigDef {
	groups := []string{""}
	for _, k := range d {
		if !slices.Contains(groups, k.Group) {
			groups = append(groups, k.Group)
		}
	}
	out := slices.Clone(d)
	slices.SortStableFunc(out, func(a, b KeyDef) int {
		return cmp.Or(
			cmp.Compare(slices.Index(groups, a.Group), slices.Index(groups, b.Group)),
			cmp.Compare(a.Order, b.Order),
			cmp.Compare(a.Default.rank(), b.Default.rank()),
			cmp.Compare(a.Importance.rank(), b.Importance.rank()),
			strings.Compare(a.Name, b.Name),
		)
	})
	return out
}

func (d Default) rank() int {
	if d.Required() {
		return 0
	}
	return 1
}

func (i Importance) rank() int { return slices.Index([]Importance{High, Medium, Low}, i) }

// ownName is the key's name without what Embed put before it.
func (k KeyDef) ownName() string { return k.Name[k.embedded:] }

// embeddedRecommender shows a recommender its keys as it knows them.
type embeddedRecommender struct {
	prefix string
	inner  Recommender
}

// Values implements [Recommender].
func (r embeddedRecommender) Values(key string, cfg Config) []string {
	return r.inner.Values(strings.TrimPrefix(key, r.prefix), cfg.under(r.prefix))
}

// Visible implements [Recommender].
func (r embeddedRecommender) Visible(key string, cfg Config) bool {
	return r.inner.Visible(strings.TrimPrefix(key, r.prefix), cfg.under(r.prefix))
}

// under are the entries below a prefix, without it.
func (c Config) under(prefix string) Config {
	out := Config{}
	for k, v := range c {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			out[name] = v
		}
	}
	return out
}
