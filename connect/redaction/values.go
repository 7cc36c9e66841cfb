// Package redaction takes values that are nobody's business out of texts that people read: errors, statuses, log lines.
package redaction

import (
	"cmp"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Values are texts that must not be shown, the longest first. Make them with [Of]; nil hides nothing. They do not change.
type Values []string

// Of returns values together with what an error may repeat of each: an element of a list, a login or a host in an address, an option of a JAAS login,
// and the value as Go quotes it or as it stands in an address.
func Of(values ...string) Values {
	var all Values
	for _, value := range values {
		all = append(all, partsOf(value)...)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

func partsOf(value string) []string {
	quoted := strconv.Quote(value)
	parts := []string{value, strings.TrimSpace(value), quoted[1 : len(quoted)-1]}
	if encoded := url.QueryEscape(value); encoded != value && len(value) >= telling {
		parts = append(parts, encoded, url.PathEscape(value))
	}
	for element := range strings.SplitSeq(value, ",") {
		element = strings.TrimSpace(element)
		parts = append(parts, element)
		if u, err := url.Parse(element); err == nil {
			parts = append(parts, u.Host, u.Hostname())
			if u.User != nil {
				password, _ := u.User.Password()
				parts = append(parts, u.User.String(), u.User.Username(), password)
			}
		}
		if host, _, err := net.SplitHostPort(element); err == nil {
			parts = append(parts, host)
		}
	}
	for _, quoted := range quotedText.FindAllStringSubmatch(value, -1) {
		parts = append(parts, quoted[1])
	}
	return parts
}

var quotedText = regexp.MustCompile(`["']([^"']+)["']`)

// Lengths of values in bytes: what is shorter than a word is taken out of quotes and of Kafka's frame "Invalid value v for configuration" only, and
// what is shorter than telling where it stands as a word of its own, because both stand in texts that do not mean them.
const (
	wordLength = 4
	telling    = 8
)

// Removed is a text without the values.
func (v Values) Removed(text string) string {
	for _, value := range v {
		if !strings.Contains(text, value) {
			continue
		}
		switch {
		case len(value) < wordLength:
			text = framed(value).ReplaceAllString(text, "${1}"+connect.Hidden+"${2}")
		case len(value) < telling:
			text = alone(value).ReplaceAllLiteralString(text, connect.Hidden)
		default:
			text = strings.ReplaceAll(text, value, connect.Hidden)
		}
	}
	return text
}

// framed finds a text between what surrounds values.
func framed(text string) *regexp.Regexp {
	return regexp.MustCompile(`(["']|Invalid value )` + regexp.QuoteMeta(text) + `(["']| for configuration )`)
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

// Error is err with its text redacted; errors.Is and errors.As find what it wraps. It is err itself where there is nothing to hide.
func (v Values) Error(err error) error {
	if err == nil || len(v) == 0 {
		return err
	}
	return &redacted{err, v.Removed(err.Error())}
}

type redacted struct {
	err  error
	text string
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }
