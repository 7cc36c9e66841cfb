package kafkaclient

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Properties are configuration keys of a Java client with their values, without a prefix such as "producer.override.".
type Properties map[string]string

// Client is a kind of Java client.
type Client string

// The kinds of clients, as errors and warnings name them.
const (
	ProducerClient Client = "producer"
	ConsumerClient Client = "consumer"
	AdminClient    Client = "admin"
)

// Warning is a key that has no effect.
type Warning struct {
	Client Client
	Key    string
	// Text says why, in a sentence without a full stop.
	Text string
}

func (w Warning) String() string { return fmt.Sprintf("%s key %q: %s", w.Client, w.Key, w.Text) }

// KeyError is a value that cannot be used.
type KeyError struct {
	Client Client
	Key    string
	// Value is empty for secrets.
	Value string
	// Cause says what is wrong and what would be right.
	Cause error
}

func (e *KeyError) Error() string {
	if secret(e.Key) {
		return fmt.Sprintf("Invalid value for %s key %q: %v", e.Client, e.Key, e.Cause)
	}
	return fmt.Sprintf("Invalid value %q for %s key %q: %v", e.Value, e.Client, e.Key, e.Cause)
}

func (e *KeyError) Unwrap() error { return e.Cause }

// KeyErrors are all the wrong keys in an error of [AdminSettings], [ProducerSettings] or [ConsumerSettings].
func KeyErrors(err error) []*KeyError {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *KeyError:
		return []*KeyError{e}
	case interface{ Unwrap() error }:
		return KeyErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*KeyError
		for _, one := range e.Unwrap() {
			all = append(all, KeyErrors(one)...)
		}
		return all
	}
	return nil
}

// secret reports whether a key's value must not be shown: Kafka's keys of type PASSWORD.
func secret(key string) bool {
	switch key {
	case "sasl.jaas.config", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates",
		"sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.assertion.private.key.passphrase":
		return true
	}
	return strings.HasSuffix(key, "password")
}

// reader takes typed values out of properties and collects what is wrong with them, so that all errors are told at once.
type reader struct {
	client   Client
	props    Properties
	warnings []Warning
	errs     []error
}

// read checks all keys against the table and collects the warnings of those without effect, sorted by key.
func read(c Client, p Properties) *reader {
	r := &reader{client: c, props: p}
	rules := rulesOf(c)
	for _, key := range slices.Sorted(maps.Keys(p)) {
		rule, known := rules[key]
		switch {
		case strings.HasPrefix(key, "metrics.context."): // labels that the worker itself adds to every client
		case !known:
			r.warn(key, "unknown, it has no effect")
		case rule.does == ignored:
			r.warn(key, rule.note)
		case rule.does == refused && p[key] != "":
			r.fail(key, errors.New(rule.note))
		}
	}
	return r
}

func (r *reader) warn(key, text string) {
	r.warnings = append(r.warnings, Warning{Client: r.client, Key: key, Text: text})
}

func (r *reader) fail(key string, cause error) {
	r.errs = append(r.errs, &KeyError{Client: r.client, Key: key, Value: r.props[key], Cause: cause})
}

func (r *reader) given(key string) bool { return strings.TrimSpace(r.props[key]) != "" }

// text is a value as it stands, trimmed as Java trims strings, or fallback if there is none.
func (r *reader) text(key, fallback string) string {
	if v := strings.TrimSpace(r.props[key]); v != "" {
		return v
	}
	return fallback
}

// number is a whole number from low to high.
func (r *reader) number(key string, fallback, low, high int64) int64 {
	if !r.given(key) {
		return fallback
	}
	n, err := strconv.ParseInt(r.text(key, ""), 10, 64)
	switch {
	case err != nil:
		r.fail(key, errors.New("it must be a whole number"))
	case n < low:
		r.fail(key, fmt.Errorf("it must be at least %d", low))
	case n > high:
		r.fail(key, fmt.Errorf("it must be at most %d", high))
	default:
		return n
	}
	return fallback
}

// fraction is a decimal number from low to high.
func (r *reader) fraction(key string, fallback, low, high float64) float64 {
	if !r.given(key) {
		return fallback
	}
	f, err := strconv.ParseFloat(r.text(key, ""), 64)
	if err != nil || !(f >= low && f <= high) {
		r.fail(key, fmt.Errorf("it must be a number from %g to %g", low, high))
		return fallback
	}
	return f
}

// maxMillis is Java's Integer.MAX_VALUE, a bit less than 25 days.
const maxMillis = 1<<31 - 1

// millis is a duration given in milliseconds.
func (r *reader) millis(key string, fallback time.Duration, low int64) time.Duration {
	n := r.number(key, fallback.Milliseconds(), low, 1<<63-1)
	return time.Duration(min(n, maxMillis)) * time.Millisecond
}

func (r *reader) flag(key string, fallback bool) bool {
	switch strings.ToLower(r.text(key, "")) {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	}
	r.fail(key, errors.New("it must be true or false"))
	return fallback
}

// choice is one of a list of words, in any case of letters; the answer is the word as the list spells it.
func (r *reader) choice(key, fallback string, words ...string) string {
	v := r.text(key, fallback)
	for _, w := range words {
		if strings.EqualFold(v, w) {
			return w
		}
	}
	r.fail(key, fmt.Errorf("it must be one of %s", strings.Join(words, ", ")))
	return fallback
}

// list is the elements of a comma-separated value, trimmed, without empty ones.
func (r *reader) list(key string) []string {
	var out []string
	for e := range strings.SplitSeq(r.props[key], ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}

func (r *reader) err() error { return errors.Join(r.errs...) }
