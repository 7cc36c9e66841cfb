package migration

import (
	"cmp"
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

func secretsOf(configs ...map[string]string) secrets {
	var all secrets
	for _, config := range configs {
		for key, value := range config {
			if !slices.Contains(harmless, key) {
				all = append(all, partsOf(value)...)
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// partsOf is a value and what a check may repeat of it: an element of a list, a login in an address, an option of a JAAS login.
func partsOf(value string) []string {
	parts := []string{value, strings.TrimSpace(value)}
	for element := range strings.SplitSeq(value, ",") {
		element = strings.TrimSpace(element)
		parts = append(parts, element)
		if u, err := url.Parse(element); err == nil && u.User != nil {
			password, _ := u.User.Password()
			parts = append(parts, u.User.String(), u.User.Username(), password)
		}
	}
	for _, quoted := range quotedText.FindAllStringSubmatch(value, -1) {
		parts = append(parts, quoted[1])
	}
	return parts
}

var quotedText = regexp.MustCompile(`["']([^"']+)["']`)

// Lengths of values in bytes: what is shorter than a word is taken out of quotes only, and what is shorter than telling where it stands as a word of its
// own, because both stand in texts that do not mean them.
const (
	wordLength = 4
	telling    = 8
)

// removed is a text without them.
func (s secrets) removed(text string) string {
	for _, secret := range s {
		switch {
		case len(secret) < wordLength:
			text = regexp.MustCompile(`(["'])`+regexp.QuoteMeta(secret)+`(["'])`).ReplaceAllString(text, "${1}"+connect.Hidden+"${2}")
		case len(secret) < telling:
			text = alone(secret).ReplaceAllLiteralString(text, connect.Hidden)
		default:
			text = strings.ReplaceAll(text, secret, connect.Hidden)
		}
	}
	return text
}

// alone finds a text where it is not part of a longer word.
func alone(text string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(text)
	if wordByte(text[0]) {
		pattern = `\b` + pattern
	}
	if wordByte(text[len(text)-1]) {
		pattern += `\b`
	}
	return regexp.MustCompile(pattern)
}

// wordByte reports whether regexp counts a byte among those of words.
func wordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
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
