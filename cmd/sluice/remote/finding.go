package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/manifests"
	"github.com/sluice-connect/sluice/connect/validation"
)

// finding is what is wrong with a manifest, or only strange.
type finding struct {
	Connector string `json:"connector"`
	Source    string `json:"source"`
	Key       string `json:"key,omitempty"`
	Text      string `json:"text"`
	Warning   bool   `json:"warning,omitempty"`
}

// findings of manifests.
type findings []finding

func (f findings) errors() int {
	n := 0
	for _, one := range f {
		if !one.Warning {
			n++
		}
	}
	return n
}

// add takes in what a worker said of a connector when it took its configuration: a server that cannot be reached is found only then. It returns the texts
// about keys of which nothing was said before.
func (f *findings) add(s step, warnings []string) (fresh []string) {
	for _, text := range warnings {
		key, _, _ := strings.Cut(text, ": ")
		if slices.ContainsFunc(*f, func(one finding) bool { return one.Connector == s.name && one.Key == key }) {
			continue
		}
		*f = append(*f, finding{Connector: s.name, Source: s.source, Key: key, Text: text, Warning: true})
		fresh = append(fresh, text)
	}
	return fresh
}

// show writes the findings by connector. Whoever reads them knows the keys, so texts do not repeat them.
func (f findings) show(out *screen) {
	last := ""
	for _, one := range f {
		if head := one.Connector + "  " + out.paint(dim, one.Source); head != last {
			out.printf("%s\n", head)
			last = head
		}
		word, paint := "error  ", red
		if one.Warning {
			word, paint = "warning", yellow
		}
		text := one.Text
		if one.Key != "" && !strings.Contains(text, one.Key) {
			text = one.Key + ": " + text
		}
		out.printf("  %s  %s\n", out.paint(paint, word), text)
	}
}

// judge has a worker check a manifest. An error means that it could not be checked.
func judge(ctx context.Context, c *client.Client, m manifests.Manifest) (findings, error) {
	infos, reply, err := c.Validate(ctx, m.Config)
	about := finding{Connector: m.Name, Source: m.Source}
	if no := new(client.RefusedError); errors.As(err, &no) {
		switch no.Code {
		case http.StatusUnauthorized, http.StatusForbidden:
			return nil, err
		}
		// Java answers 500 where a class is not there: what it says is about the configuration.
		about.Key, about.Text = refusal(no.Message)
		return findings{about}, nil
	}
	if err != nil {
		return nil, err
	}
	var all findings
	for _, info := range infos.Configs {
		if info.Value == nil {
			continue
		}
		for _, text := range slices.Compact(slices.Clone(info.Value.Errors)) {
			one := about
			one.Key, one.Text = info.Value.Name, text
			all = append(all, one)
		}
	}
	for _, text := range reply.Warnings {
		one := about
		one.Text, one.Warning = text, true
		all = append(all, one)
	}
	for _, key := range unknownKeys(m.Config, infos) {
		if slices.ContainsFunc(reply.Warnings, func(w string) bool { return strings.Contains(w, key) }) {
			continue
		}
		one := about
		one.Key, one.Text, one.Warning = key, strangeness(m.Config, key, infos), true
		all = append(all, one)
	}
	return all, nil
}

// javaClasses are the names of exceptions in front of a text.
var javaClasses = regexp.MustCompile(`^(?:(?:[a-z]\w*\.)+[A-Z]\w*: )+`)

// refusal is a worker's text about a configuration that it cannot even look at, and the key that it is about.
func refusal(text string) (key, shown string) {
	text = javaClasses.ReplaceAllString(text, "")
	if strings.HasPrefix(text, "Failed to find any class") {
		what, _, _ := strings.Cut(text, ", available connectors are") // a long list in Java's own notation
		return "connector.class", what + " (`sluice plugins` lists those there are)"
	}
	return "", text
}

// unknownKeys are those that a worker has nothing to say about, in order.
func unknownKeys(config map[string]string, infos validation.ConfigInfos) []string {
	known := map[string]bool{"name": true}
	for _, info := range infos.Configs {
		if info.Value != nil {
			known[info.Value.Name] = true
		}
		if info.Definition != nil {
			known[info.Definition.Name] = true
		}
	}
	var unknown []string
	for _, key := range sorted(config) {
		if !known[key] && !unlisted(config, key) {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

// unlisted reports whether a key is of those that workers know and do not list.
func unlisted(config map[string]string, key string) bool {
	if strings.HasPrefix(key, "topic.creation.") || strings.HasPrefix(key, "sluice.") || strings.Contains(key, ".override.") {
		return true
	}
	converter, _, _ := strings.Cut(key, ".converter.")
	return converter != key && config[converter+".converter"] != "" // its class takes it from here
}

// strangeness says what is strange about a key, and what may have been meant.
func strangeness(config map[string]string, key string, infos validation.ConfigInfos) string {
	if of, _, ok := strings.Cut(key, ".converter."); ok {
		return fmt.Sprintf("%s has no effect: without %s.converter here the worker's own converter is used, with the worker's settings", key, of)
	}
	for _, kind := range []string{"transforms", "predicates"} {
		rest, ok := strings.CutPrefix(key, kind+".")
		if !ok {
			continue
		}
		alias, _, _ := strings.Cut(rest, ".")
		if !slices.ContainsFunc(strings.Split(config[kind], ","), func(s string) bool { return strings.TrimSpace(s) == alias }) {
			return fmt.Sprintf("%s has no effect: %s does not name %s", key, kind, alias)
		}
	}
	nearest, distance := "", 3
	for _, info := range infos.Configs {
		if info.Definition == nil {
			continue
		}
		if d := edits(key, info.Definition.Name); d < distance {
			nearest, distance = info.Definition.Name, d
		}
	}
	if nearest != "" {
		return fmt.Sprintf("%s is unknown: was %s meant?", key, nearest)
	}
	return fmt.Sprintf("%s is unknown: neither the framework nor the class defines it", key)
}

// edits is Levenshtein's distance: how many letters have to be put in, left out or replaced.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
