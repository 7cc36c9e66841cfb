package mqtt

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// errDropped says that a message goes nowhere on purpose (kafka.topic.unmatched=drop).
var errDropped = errors.New("no Kafka topic for this message")

// routes finds the Kafka topic of a message.
type routes struct {
	rules       []rule
	target      template[*inbound]
	hasTarget   bool
	fixed       string // the only answer there is; "" for none
	byTopic     bool   // the answer depends on the MQTT topic alone
	drop        bool
	replacement string
	known       map[string]string // answers by MQTT topic, where byTopic
}

// rule is an entry of topic.regex.list.
type rule struct {
	topic string
	regex *regexp.Regexp
}

// javaGroup is a group reference as Java has it: $1_raw is group 1 and "_raw", where Go would look for a group "1_raw".
var javaGroup = regexp.MustCompile(`\$(\d)`)

// routesKept bounds the remembered answers; MQTT topics may hold anything, such as ids of devices.
const routesKept = 10_000

func newRoutes(cfg connect.Config, filters filterSet) (*routes, error) {
	t := &routes{
		drop: kafkaTopicUnmatched.Get(cfg) == "drop", replacement: kafkaTopicReplacement.Get(cfg), known: map[string]string{},
	}
	if legalTopic(t.replacement) != len(t.replacement) {
		return nil, &connect.ConfigError{Key: kafkaTopicReplacement.Name(), Reason: "may have letters, digits, '.', '_' and '-' only"}
	}
	for _, entry := range topicRegexList.Get(cfg) {
		topic, text, ok := strings.Cut(entry, ":")
		if !ok {
			return nil, &connect.ConfigError{Key: topicRegexList.Name(), Reason: fmt.Sprintf("%q is not kafkaTopic:regex", entry)}
		}
		regex, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, &connect.ConfigError{Key: topicRegexList.Name(), Reason: fmt.Sprintf("%q: %v", entry, err)}
		}
		t.rules = append(t.rules, rule{topic: javaGroup.ReplaceAllString(topic, "$${$1}"), regex: regex})
	}
	text := kafkaTopic.Get(cfg)
	t.hasTarget = text != ""
	if !t.hasTarget && len(t.rules) == 0 {
		return nil, &connect.ConfigError{Key: kafkaTopic.Name(), Reason: "is missing: name a Kafka topic, or a template such as ${topic}"}
	}
	var err error
	if t.target, err = compile(text, inboundVariable(filters)); err != nil {
		return nil, &connect.ConfigError{Key: kafkaTopic.Name(), Reason: err.Error()}
	}
	if fixed, ok := t.target.constant(); ok && t.hasTarget && len(t.rules) == 0 {
		if t.fixed, err = t.legal(fixed); err != nil {
			return nil, &connect.ConfigError{Key: kafkaTopic.Name(), Reason: err.Error()}
		}
	}
	t.byTopic = t.target.uses(func(name string) bool { return strings.HasPrefix(name, "topic") || name == "filter" })
	return t, nil
}

// of returns the Kafka topic; its error is of class errDropped where the message shall be forgotten.
func (t *routes) of(m *inbound) (string, error) {
	if t.fixed != "" {
		return t.fixed, nil
	}
	if topic, ok := t.known[m.pub.Topic]; ok {
		return topic, nil
	}
	topic, err := t.find(m)
	if err != nil {
		return "", err
	}
	topic = strings.Clone(topic) // it is kept, and must not keep all that arrived beside the message
	if t.byTopic {
		if len(t.known) >= routesKept {
			clear(t.known)
		}
		t.known[strings.Clone(m.pub.Topic)] = topic
	}
	return topic, nil
}

func (t *routes) find(m *inbound) (string, error) {
	for _, r := range t.rules {
		if at := r.regex.FindStringSubmatchIndex(m.pub.Topic); at != nil {
			return t.legal(string(r.regex.ExpandString(nil, r.topic, m.pub.Topic, at)))
		}
	}
	if !t.hasTarget {
		if t.drop {
			return "", errDropped
		}
		return "", fmt.Errorf("no entry of topic.regex.list matches MQTT topic %q: add one, set kafka.topic, or set kafka.topic.unmatched=drop", m.pub.Topic)
	}
	topic, err := t.target.render(m)
	if err != nil {
		return "", fmt.Errorf("making the Kafka topic (kafka.topic) of a message on %q: %w", m.pub.Topic, err)
	}
	return t.legal(topic)
}

// legal replaces what a Kafka topic name may not have (org.apache.kafka.common.internals.Topic).
func (t *routes) legal(name string) (string, error) {
	if bad := legalTopic(name); bad < len(name) {
		var b strings.Builder
		for i, c := range name {
			if legalTopic(string(c)) > 0 {
				b.WriteString(name[i : i+1])
			} else {
				b.WriteString(t.replacement)
			}
		}
		name = b.String()
	}
	switch {
	case name == "" || name == "." || name == "..":
		return "", fmt.Errorf("%q is not a name for a Kafka topic", name)
	case len(name) > 249:
		return "", fmt.Errorf("%q is longer than the 249 characters a Kafka topic may have", name[:40]+"...")
	}
	return name, nil
}

// legalTopic is how many bytes at the start of name a Kafka topic may have.
func legalTopic(name string) int {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return i
		}
	}
	return len(name)
}
