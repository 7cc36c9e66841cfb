package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/manifests"
)

// action is what is to be done about a connector.
type action string

const (
	creates action = "create"
	changes action = "change"
	deletes action = "delete"
	keeps   action = "unchanged"
)

// step is one connector of a plan.
type step struct {
	action   action
	name     string
	class    string
	source   string             // "" for one that is deleted
	manifest manifests.Manifest // of what is created or changed
	changes  []manifests.Change
	unseen   []string // keys whose present value the worker hides, so that nobody can tell whether they differ
}

// plan is what has to happen for the cluster to be as manifests say, by name; deletions stand at the end.
type plan []step

// newPlan compares what is wanted with what is there. Without prune nothing is deleted.
func newPlan(want []manifests.Manifest, have map[string]herder.ConnectorInfo, prune bool) plan {
	var p plan
	wanted := map[string]bool{}
	for _, m := range want {
		wanted[m.Name] = true
		s := step{action: creates, name: m.Name, class: m.Config["connector.class"], source: m.Source, manifest: m}
		present, there := have[m.Name]
		s.changes = m.Difference(present.Config)
		if there {
			s.unhide()
			s.action = changes
			if len(s.changes) == 0 {
				s.action = keeps
			}
		}
		p = append(p, s)
	}
	for name, info := range have {
		if prune && !wanted[name] {
			p = append(p, step{action: deletes, name: name, class: info.Config["connector.class"]})
		}
	}
	slices.SortFunc(p, func(a, b step) int {
		if (a.action == deletes) != (b.action == deletes) {
			if a.action == deletes {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, b.name)
	})
	return p
}

// unhide takes out the keys whose present value is hidden (sluice.rest.mask.secrets).
func (s *step) unhide() {
	s.changes = slices.DeleteFunc(s.changes, func(c manifests.Change) bool {
		hidden := c.From != nil && *c.From == connect.Hidden && c.To != nil
		if hidden {
			s.unseen = append(s.unseen, c.Key)
		}
		return hidden
	})
}

// of are the steps with an action.
func (p plan) of(a action) (steps []step) {
	for _, s := range p {
		if s.action == a {
			steps = append(steps, s)
		}
	}
	return steps
}

// differs reports whether anything has to be done.
func (p plan) differs() bool { return len(p.of(keeps)) < len(p) }

// summary counts the steps.
func (p plan) summary(did bool) string {
	words := []struct {
		action     action
		will, done string
	}{{creates, "to create", "created"}, {changes, "to change", "changed"}, {deletes, "to delete", "deleted"}, {keeps, "unchanged", "unchanged"}}
	var parts []string
	for _, w := range words {
		if n := len(p.of(w.action)); n > 0 {
			text := w.will
			if did {
				text = w.done
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	return strings.Join(parts, ", ")
}

// names lists the connectors of steps.
func names(steps []step) string {
	var all []string
	for _, s := range steps {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

var marks = map[action]struct {
	sign  string
	paint colour
}{creates: {"+", green}, changes: {"~", yellow}, deletes: {"-", red}, keeps: {" ", dim}}

// show writes what would be done, key by key; what stays as it is only where wide is true.
func (p plan) show(ctx context.Context, out *screen, hide *secrets, wide bool) {
	for _, s := range p {
		if s.action == keeps && !wide && len(s.unseen) == 0 {
			continue
		}
		mark := marks[s.action]
		head := fmt.Sprintf("%s %s", mark.sign, s.name)
		about := string(s.action)
		if s.source != "" {
			about += ", " + s.source
		}
		out.printf("%s  %s\n", out.paint(mark.paint, head), out.paint(dim, about))
		keys := new(table)
		for _, c := range s.changes {
			keys.row(s.shown(ctx, out, hide, c)...)
		}
		keys.write(out, "    ")
		if len(s.unseen) > 0 {
			out.printf("    %s\n", out.paint(dim, strings.Join(s.unseen, ", ")+": the worker does not show it, so it counts as unchanged"))
		}
	}
}

// shown is a change as a row of a table.
func (s step) shown(ctx context.Context, out *screen, hide *secrets, c manifests.Change) []any {
	value := func(text *string) string { return oneLine(hide.shown(ctx, s.class, c.Key, *text)) }
	switch {
	case s.action == creates:
		return []any{c.Key, value(c.To)}
	case c.From == nil:
		return []any{cell{"+ " + c.Key, green}, value(c.To)}
	case c.To == nil:
		return []any{cell{"- " + c.Key, red}, cell{value(c.From), dim}}
	}
	from, to := value(c.From), value(c.To)
	if from == to { // both are hidden
		to += " (another)"
	}
	return []any{cell{"~ " + c.Key, yellow}, from + " -> " + to}
}

// oneLine keeps a value from breaking a page.
func oneLine(text string) string {
	if text == "" {
		return `""`
	}
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
}

// stepDocument is a step as scripts read it, without secrets.
type stepDocument struct {
	Name    string           `json:"name"`
	Action  action           `json:"action"`
	Source  string           `json:"source,omitempty"`
	Changes []changeDocument `json:"changes,omitempty"`
	Hidden  []string         `json:"hidden,omitempty"`
	// Result is done, refused or failed; empty where nothing was tried.
	Result string `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type changeDocument struct {
	Key  string  `json:"key"`
	From *string `json:"from"`
	To   *string `json:"to"`
}

func (s step) document(ctx context.Context, hide *secrets) stepDocument {
	d := stepDocument{Name: s.name, Action: s.action, Source: s.source, Hidden: s.unseen}
	value := func(key string, text *string) *string {
		if text == nil {
			return nil
		}
		shown := hide.shown(ctx, s.class, key, *text)
		return &shown
	}
	for _, c := range s.changes {
		d.Changes = append(d.Changes, changeDocument{c.Key, value(c.Key, c.From), value(c.Key, c.To)})
	}
	return d
}
