package workerconfig

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// HeaderRules are headers for every answer, in the form of response.http.headers.config: `action name: value`, separated by commas, in double quotes
// where there is a comma inside.
type HeaderRules []headerRule

type headerRule struct {
	add         bool
	name, value string
	date        bool
	after       time.Duration // of a date, from now
}

// Apply puts the headers in. now is for those that are dates.
func (rules HeaderRules) Apply(h http.Header, now time.Time) {
	for _, r := range rules {
		value := r.value
		if r.date {
			value = now.Add(r.after).UTC().Format(http.TimeFormat)
		}
		if r.add {
			h.Add(r.name, value)
		} else {
			h.Set(r.name, value)
		}
	}
}

// parseHeaderRules reads the rules; messages are RestServerConfig's.
func parseHeaderRules(text string) (HeaderRules, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	configs, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("it is not a list separated by commas: %w", err)
	}
	rules := make(HeaderRules, 0, len(configs))
	for _, config := range configs {
		rule, err := parseHeaderRule(strings.TrimSpace(config))
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// kafkasWords are an error in the words of Kafka Connect.
type kafkasWords string

func (w kafkasWords) Error() string { return string(w) }

func words(format string, args ...any) error { return kafkasWords(fmt.Sprintf(format, args...)) }

func parseHeaderRule(config string) (r headerRule, err error) {
	action, header := config, ""
	if space := strings.IndexAny(config, " \t"); space >= 0 {
		action, header = config[:space], strings.TrimSpace(config[space:])
	}
	if header == "" {
		return r, words("Invalid format of header config '%s'. Expected: '[action] [header name]:[header value]'", config)
	}
	switch strings.ToLower(action) {
	case "set":
	case "add":
		r.add = true
	case "setdate":
		r.date = true
	case "adddate":
		r.add, r.date = true, true
	default:
		return r, words("Invalid header config action: '%s'. Expected one of [set, add, setDate, addDate]", action)
	}
	name, value, found := strings.Cut(header, ":")
	if !found || value == "" || strings.Contains(value, ":") {
		return r, words("Invalid format of header name and header value pair '%s'. Expected: '[header name]:[header value]'", header)
	}
	r.name, r.value = strings.TrimSpace(name), strings.TrimSpace(value)
	if r.name == "" || strings.ContainsAny(r.name, " \t") {
		return r, words("Invalid header name '%s'. The '[header name]' cannot contain whitespace", r.name)
	}
	if strings.ContainsAny(r.name, "()<>@,;\\\"/[]?={}") {
		return r, fmt.Errorf("'%s' is no name of a header", r.name)
	}
	if r.date {
		millis, err := strconv.ParseInt(r.value, 10, 64)
		if err != nil {
			return r, fmt.Errorf("header %s: '%s' is not a number of milliseconds from now", r.name, r.value)
		}
		r.after = milliseconds(millis)
	}
	return r, nil
}
