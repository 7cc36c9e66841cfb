package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/pattern"
)

// regexRouter renames topics that match an expression as a whole: its first match within them is replaced (org.apache.kafka.connect.transforms.RegexRouter).
type regexRouter struct {
	without
	regex       *pattern.Pattern
	replacement *pattern.Replacement
	broken      error // what is wrong with the replacement, which Java says at the first topic that matches
	topics      derived[string, string]
}

var (
	regexKey       = connect.StringKey("regex", "A regular expression of Java's for the whole topic.").Importance(connect.High).Must(expression)
	replacementKey = connect.StringKey("replacement", "The text that takes the place of the first match; $1 and ${name} are groups.").Importance(connect.High)
)

var regexRouterDefinition = define("RegexRouter", func(cfg connect.Config) (connect.Transform, error) {
	regex, err := pattern.Compile(regexKey.Get(cfg))
	if err != nil {
		return nil, &connect.ConfigError{Key: regexKey.Name(), Reason: err.Error()}
	}
	r := &regexRouter{regex: regex}
	if r.replacement, err = regex.Replacement(replacementKey.Get(cfg)); err != nil {
		r.broken = fmt.Errorf("%s: %w", replacementKey.Name(), err)
	}
	r.topics.derive = r.route
	return r, nil
}, regexKey, replacementKey)

func (r *regexRouter) route(topic string) (string, error) {
	matches, err := r.regex.Matches(topic)
	switch {
	case err != nil || !matches:
		return topic, err
	case r.broken != nil:
		return "", r.broken
	}
	return r.replacement.First(topic)
}

func (r *regexRouter) Apply(record *connect.Record) (bool, error) {
	topic, err := r.topics.of(record.Topic)
	if err == nil {
		record.Topic = topic
	}
	return true, err
}
