package kafka

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// topicVariable stands for the name of the topic that a record comes from.
const topicVariable = "${topic}"

// naming gives topics the names they have on the other side. It is not safe for concurrent use.
type naming struct {
	format string
	names  map[string]string
}

func newNaming(format string) *naming { return &naming{format: format, names: map[string]string{}} }

func (n *naming) of(topic string) string {
	name, ok := n.names[topic]
	if !ok {
		name = strings.ReplaceAll(n.format, topicVariable, topic)
		n.names[strings.Clone(topic)] = name
	}
	return name
}

// checkFormat refuses what cannot be a topic's name.
func checkFormat(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	name := strings.ReplaceAll(v.Str(), topicVariable, "x")
	if !legalTopic.MatchString(name) {
		return errors.New("must be a topic name of letters, digits, '.', '_' and '-', in which " + topicVariable + " stands for the original name")
	}
	return nil
}

var legalTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// selection says which topics to read.
type selection struct {
	names   []string
	pattern *regexp.Regexp // nil for none
}

// newSelection reads the keys of a source. The pattern has to match whole names, as Java's do.
func newSelection(cfg connect.Config) (selection, error) {
	s := selection{names: slices.DeleteFunc(topics.Get(cfg), func(name string) bool { return name == "" })}
	if text := topicsRegex.Get(cfg); text != "" {
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return s, &connect.ConfigError{Key: topicsRegex.Name(), Reason: fmt.Sprintf("not a regular expression: %v", err)}
		}
		s.pattern = re
	}
	if len(s.names) == 0 && s.pattern == nil {
		return s, &connect.ConfigError{Key: topics.Name(), Reason: "name the topics to copy here, or give " + topicsRegex.Name()}
	}
	return s, nil
}

// of picks the selected ones of the topics there are, in order. A pattern never picks topics that Kafka or Connect keep for themselves.
func (s selection) of(all []string) []string {
	var picked []string
	for _, topic := range all {
		byPattern := s.pattern != nil && !internal(topic) && s.pattern.MatchString(topic)
		if byPattern || slices.Contains(s.names, topic) {
			picked = append(picked, topic)
		}
	}
	slices.Sort(picked)
	return picked
}

func internal(topic string) bool { return strings.HasPrefix(topic, "__") }
