package migration

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// harmless are keys whose values may be shown.
var harmless = []string{"name", "connector.class", "tasks.max", "topics", "topics.regex", "topic", "key.converter", "value.converter", "header.converter",
	"bootstrap.servers", "group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic", "security.protocol", "sasl.mechanism",
	"producer.security.protocol", "producer.sasl.mechanism", "consumer.security.protocol", "consumer.sasl.mechanism", "config.providers", "listeners",
	"connector.client.config.override.policy", "errors.tolerance", "errors.deadletterqueue.topic.name", "transforms", "predicates"}

// secrets are the values of a configuration that must not be shown, the longest first. Errors of checks repeat values, and nobody
// can tell from a key which of them is a secret: what is not known to be harmless is none of the reader's business.
type secrets []string

// Lengths of values: one shorter than shortest is no secret and stands in many words; one shorter than telling is taken out where it stands as a word of
// its own.
const (
	shortest = 4
	telling  = 8
)

func secretsOf(config map[string]string) secrets {
	var all secrets
	for key, value := range config {
		if slices.Contains(harmless, key) {
			continue
		}
		all = append(all, value, strings.TrimSpace(value))
		for part := range strings.SplitSeq(value, ",") {
			all = append(all, strings.TrimSpace(part))
			if u, err := url.Parse(strings.TrimSpace(part)); err == nil && u.User != nil {
				password, _ := u.User.Password()
				all = append(all, u.User.String(), u.User.Username(), password)
			}
		}
		for _, quoted := range quotedText.FindAllStringSubmatch(value, -1) { // the options of a JAAS login
			all = append(all, quoted[1])
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < shortest })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

var quotedText = regexp.MustCompile(`["']([^"']+)["']`)

// removed is a text without them.
func (s secrets) removed(text string) string {
	for _, secret := range s {
		pattern := regexp.QuoteMeta(secret)
		if len(secret) < telling {
			pattern = `\b` + pattern + `\b`
		}
		text = regexp.MustCompile(pattern).ReplaceAllLiteralString(text, connect.Hidden)
	}
	return text
}

// unframed is what a check has against a value, without the value: Kafka's texts are "Invalid value v for configuration k: reason".
func unframed(key, text string) string {
	text = strings.TrimPrefix(text, key+": ")
	if strings.HasPrefix(text, "Invalid value ") {
		if _, reason, ok := strings.Cut(text, " for configuration "+key+": "); ok {
			return reason
		}
	}
	return text
}
