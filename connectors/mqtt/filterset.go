package mqtt

import "strings"

// filterSet finds the topic filter that a message came by. It compares topics itself: a subscription identifier would need MQTT 5 and a SUBSCRIBE for
// each filter. Where several filters match, it is the first as configured, also of the copies that a broker may send for each of them (MQTT 5 3.3.4).
type filterSet []filter

type filter struct {
	text   string // as configured
	levels []string
}

func newFilterSet(texts []string) filterSet {
	set := make(filterSet, 0, len(texts))
	for _, text := range texts {
		topics := text
		if rest, shared := strings.CutPrefix(text, "$share/"); shared {
			_, topics, _ = strings.Cut(rest, "/")
		}
		set = append(set, filter{text: text, levels: strings.Split(topics, "/")})
	}
	return set
}

// of returns the first filter that matches topic.
func (s filterSet) of(topic string) (string, bool) {
	for i := range s {
		if s[i].matches(topic) {
			return s[i].text, true
		}
	}
	return "", false
}

// matches compares level by level (MQTT 5 4.7): a # also matches the level above it, and no wildcard matches a first level that begins with $.
func (f *filter) matches(topic string) bool {
	if topic != "" && topic[0] == '$' && (f.levels[0] == "+" || f.levels[0] == "#") {
		return false
	}
	rest, more := topic, true
	for _, level := range f.levels {
		if level == "#" {
			return true
		}
		if !more {
			return false
		}
		var have string
		have, rest, more = strings.Cut(rest, "/")
		if level != "+" && level != have {
			return false
		}
	}
	return !more
}
