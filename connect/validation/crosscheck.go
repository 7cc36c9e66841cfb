package validation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/pattern"
)

// crossChecks looks at keys of the framework together.
func (v *Validator) crossChecks(ctx context.Context, class *catalog.Class, cfg connect.Config, r *report) {
	for _, found := range beyondJava(class.Type).Validate(cfg) {
		for _, problem := range found.Errors {
			r.fault(found.Def.Name, problem)
		}
	}
	switch class.Type {
	case catalog.Sink:
		checkTopics(cfg, r)
		checkDeadLetters(cfg, r)
		v.checkGroup(cfg, r)
	case catalog.Source:
		v.checkExactlyOnce(ctx, class, cfg, r)
		r.add(checkTopicCreation(cfg, v.Worker)) // Java finds these when the connector starts
	}
}

// checkTopics wants topics or a pattern (SinkConnectorConfig.validate).
func checkTopics(cfg connect.Config, r *report) {
	list, regex := strings.TrimSpace(cfg[keyTopics.Name()]) != "", strings.TrimSpace(cfg[keyTopicsRegex.Name()]) != ""
	problem := ""
	switch {
	case list && regex:
		problem = "topics and topics.regex are mutually exclusive options, but both are set."
	case !list && !regex:
		problem = "Must configure one of topics or topics.regex"
	default:
		return
	}
	r.fault(keyTopics.Name(), problem)
	r.fault(keyTopicsRegex.Name(), problem)
}

// checkDeadLetters refuses a dead letter queue that its own connector reads: each failure would come round again.
func checkDeadLetters(cfg connect.Config, r *report) {
	topic := deadLetterTopic(cfg)
	if topic == "" {
		return
	}
	if topics := distinct(keyTopics.Get(cfg)); slices.Contains(topics, topic) {
		r.fault(keyTopics.Name(), fmt.Sprintf("The DLQ topic '%s' may not be included in the list of topics ('topics=[%s]') consumed by the connector",
			topic, strings.Join(topics, ", ")))
	}
	regex := keyTopicsRegex.Get(cfg)
	if p, err := pattern.Compile(regex); err == nil && regex != "" && fits(p, topic) {
		r.fault(keyTopicsRegex.Name(), fmt.Sprintf("The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') "+
			"consumed by the connector", topic, regex))
	}
}

// distinct leaves out the empty and the repeated.
func distinct(topics []string) []string {
	var out []string
	for _, topic := range topics {
		if topic != "" && !slices.Contains(out, topic) {
			out = append(out, topic)
		}
	}
	return out
}

func deadLetterTopic(cfg connect.Config) string { return keyDeadLetterTopic.Get(cfg) }

// checkGroup refuses a sink whose consumers would join the worker's group (DistributedHerder.validateSinkConnectorGroupId).
func (v *Validator) checkGroup(cfg connect.Config, r *report) {
	if v.GroupID == "" {
		return
	}
	const override = "consumer.override.group.id"
	group, own := cfg[override]
	if own {
		value := r.value(override) // listed in any case, and again among the overrides, as Java does
		value.Value = &group
		if group == v.GroupID {
			r.fault(override, fmt.Sprintf("Consumer group %s conflicts with Connect worker group %s", group, v.GroupID))
		}
		return
	}
	if name := cfg[keyName.Name()]; "connect-"+name == v.GroupID {
		r.fault(keyName.Name(), fmt.Sprintf("Consumer group for sink connector named %s conflicts with Connect worker group %s", name, v.GroupID))
	}
}
