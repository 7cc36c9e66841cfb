package transforms

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/pattern"
)

// topicNameMatches is true of records whose topic, as the transforms before left it, matches an expression as a whole
// (org.apache.kafka.connect.transforms.predicates.TopicNameMatches).
type topicNameMatches struct {
	without
	topics derived[string, bool]
}

var topicPatternKey = connect.StringKey("pattern", "A regular expression of Java's for the whole topic.").Must(connect.All(connect.NonEmpty, expression))

var topicNameMatchesDefinition = definePredicate("TopicNameMatches", func(cfg connect.Config) (connect.Predicate, error) {
	p, err := pattern.Compile(topicPatternKey.Get(cfg))
	if err != nil {
		return nil, &connect.ConfigError{Key: topicPatternKey.Name(), Reason: err.Error()}
	}
	t := &topicNameMatches{}
	t.topics.derive = p.Matches
	return t, nil
}, topicPatternKey)

func (p *topicNameMatches) Test(r *connect.Record) (bool, error) { return p.topics.of(r.Topic) }
