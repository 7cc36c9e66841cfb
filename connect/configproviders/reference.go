package configproviders

import (
	"regexp"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// reference is ${provider:key} or ${provider:path:key} in a value.
type reference struct{ provider, path, key string }

// pattern is Java's (org.apache.kafka.common.config.ConfigTransformer): a path has no colon, a key may have some, and nothing escapes.
var pattern = regexp.MustCompile(`\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`)

// Refers reports whether a value has something in it that looks like a reference, be there such a provider or not.
func Refers(value string) bool { return strings.Contains(value, "${") && pattern.MatchString(value) }

// ProvidersOf are the names of the providers that a value refers to, be there such providers or not.
func ProvidersOf(value string) []string {
	var names []string
	for _, r := range references(value) {
		names = append(names, r.provider)
	}
	return names
}

// IsReference reports whether a value is one reference and nothing else.
func IsReference(value string) bool {
	at := pattern.FindStringIndex(value)
	return at != nil && at[0] == 0 && at[1] == len(value)
}

// references returns what in a value looks like references, as it stands there.
func references(value string) []reference {
	if !strings.Contains(value, "${") {
		return nil
	}
	var all []reference
	for _, m := range pattern.FindAllStringSubmatch(value, -1) {
		all = append(all, reference{provider: m[1], path: m[3], key: m[4]})
	}
	return all
}

// replaced is a value with what its references stand for; those that lookup does not know stay as they are. What is put in is not looked at again.
func replaced(value string, lookup func(reference) (string, bool)) string {
	var b strings.Builder
	end := 0
	for _, m := range pattern.FindAllStringSubmatchIndex(value, -1) {
		r := reference{provider: value[m[2]:m[3]], key: value[m[8]:m[9]]}
		if m[6] >= 0 {
			r.path = value[m[6]:m[7]]
		}
		found, ok := lookup(r)
		if !ok {
			continue
		}
		b.WriteString(value[end:m[0]])
		b.WriteString(found)
		end = m[1]
	}
	if end == 0 {
		return value
	}
	b.WriteString(value[end:])
	return b.String()
}

// Restore puts the references of a connector's configuration back into a task's, for every key that has some in the connector's
// (org.apache.kafka.connect.runtime.AbstractHerder.reverseTransform), and for what a connector has copied whole to another key: tasks' configurations are
// stored, and what was looked up must not be. Resolved is the connector's configuration with what its references stand for.
func Restore(task, connector, resolved connect.Config) {
	for key, value := range connector {
		if !Refers(value) {
			continue
		}
		if _, has := task[key]; has {
			task[key] = value
		}
		if len(resolved[key]) < telling {
			continue
		}
		for other := range task {
			if task[other] == resolved[key] {
				task[other] = value
			}
		}
	}
}

// telling is from how many bytes on two equal values are taken to be one, and not a coincidence.
const telling = 8
