package validation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/pattern"
)

// creationPrefix begins the keys of groups of topics: topic.creation.<group>.partitions.
const creationPrefix = "topic.creation."

// defaultGroup takes the topics that no other group takes, and lends its numbers to groups that have none.
const defaultGroup = "default"

// brokersDefault is a number of partitions or of replicas that the broker is to choose.
const brokersDefault = -1

// TopicCreation is how topics are made that a source writes to and that are not there yet (KIP-158, SourceConnectorConfig).
type TopicCreation struct {
	// Groups are asked in order. The last is the default group, which has every topic.
	Groups []TopicGroup
}

// Group is the group that has a topic.
func (c *TopicCreation) Group(topic string) *TopicGroup {
	last := len(c.Groups) - 1
	for i := range c.Groups[:last] {
		if c.Groups[i].has(topic) {
			return &c.Groups[i]
		}
	}
	return &c.Groups[last]
}

// TopicGroup is what topics are like whose names fit its patterns.
type TopicGroup struct {
	Name string
	// Partitions and ReplicationFactor are -1 where the broker is to choose.
	Partitions        int32
	ReplicationFactor int16
	// Configs are the topics' own, cleanup.policy for instance, as Kafka takes them.
	Configs map[string]string

	include, exclude *pattern.Pattern
}

// has reports whether a topic fits one of the patterns to include, whole, and none of those to exclude. A pattern that takes too long over a name
// does not fit it.
func (g *TopicGroup) has(topic string) bool { return !fits(g.exclude, topic) && fits(g.include, topic) }

func fits(p *pattern.Pattern, topic string) bool {
	met, err := p.Matches(topic)
	return met && err == nil
}

// creationKeys are the keys of one group, with their full names. Java names the key in most errors without what stands before it; where there are
// several groups nobody could tell which is meant.
type creationKeys struct {
	prefix                  string
	include, exclude        connect.Key[[]string]
	replication, partitions connect.Key[int]
}

func keysOfGroup(group string) creationKeys {
	prefix := creationPrefix + group + "."
	return creationKeys{
		prefix: prefix,
		include: connect.ListKey(prefix+"include", "Patterns of the topics that the group has.").Default(nil).
			Importance(connect.Low).Must(patterns),
		exclude: connect.ListKey(prefix+"exclude", "Patterns of the topics that it does not have, whatever include says.").Default(nil).
			Importance(connect.Low).Must(patterns),
		replication: connect.ShortKey(prefix+"replication.factor", "Replication factor of its topics; -1 for the broker's default.").
			Importance(connect.Low).Must(countOrDefault("Replication factor must be positive and not larger than the number of brokers in the Kafka cluster")),
		partitions: connect.IntKey(prefix+"partitions", "Number of partitions of its topics; -1 for the broker's default.").
			Importance(connect.Low).Must(countOrDefault("Number of partitions must be positive")),
	}
}

// lentBy has the numbers of the default group where the group has none.
func (k creationKeys) lentBy(d creationKeys, cfg connect.Config) creationKeys {
	k.replication = k.replication.Default(d.replication.Get(cfg))
	k.partitions = k.partitions.Default(d.partitions.Get(cfg))
	return k
}

// definition is the group's keys. The default group has no patterns: Java ignores those it is given.
func (k creationKeys) definition(withPatterns bool) connect.ConfigDef {
	if !withPatterns {
		return connect.NewSpec("", "", k.replication, k.partitions).Keys
	}
	return connect.NewSpec("", "", k.include, k.exclude, k.replication, k.partitions).Keys
}

// createsTopics reports whether a source's topics are made for it: it has a key that says how, and the worker does not refuse.
func createsTopics(cfg connect.Config, worker map[string]string) bool {
	if enabled, given := worker["topic.creation.enable"]; given && strings.EqualFold(strings.TrimSpace(enabled), "false") {
		return false
	}
	for key := range cfg {
		if strings.HasPrefix(key, creationPrefix) {
			return true
		}
	}
	return false
}

// checkTopicCreation returns the keys of groups that something was found against.
func checkTopicCreation(cfg connect.Config, worker map[string]string) []connect.KeyReport {
	if !createsTopics(cfg, worker) {
		return nil
	}
	lender := keysOfGroup(defaultGroup)
	found := faulty(lender.definition(false).Validate(cfg))
	lends := len(found) == 0
	for _, name := range creationGroups(cfg) {
		group := keysOfGroup(name)
		if lends {
			group = group.lentBy(lender, cfg)
		} else { // what is not there to be lent was complained of once
			group.replication, group.partitions = group.replication.Optional(), group.partitions.Optional()
		}
		found = append(found, faulty(group.definition(true).Validate(cfg))...)
	}
	return found
}

func faulty(found []connect.KeyReport) []connect.KeyReport {
	return slices.DeleteFunc(found, func(k connect.KeyReport) bool { return len(k.Errors) == 0 })
}

// creationGroups are the groups beside the default one, which is there whether it is listed or not.
func creationGroups(cfg connect.Config) []string {
	var names []string
	for _, name := range keyCreationGroups.Get(cfg) {
		if name != defaultGroup && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// topicCreationOf reads groups that were checked.
func topicCreationOf(cfg connect.Config, worker map[string]string) *TopicCreation {
	if !createsTopics(cfg, worker) {
		return nil
	}
	lender := keysOfGroup(defaultGroup)
	c := new(TopicCreation)
	for _, name := range creationGroups(cfg) {
		keys := keysOfGroup(name).lentBy(lender, cfg)
		group := keys.group(name, cfg)
		group.include, group.exclude = anyOf(keys.include, cfg), anyOf(keys.exclude, cfg)
		c.Groups = append(c.Groups, group)
	}
	c.Groups = append(c.Groups, lender.group(defaultGroup, cfg))
	return c
}

// group reads all but the patterns.
func (k creationKeys) group(name string, cfg connect.Config) TopicGroup {
	configs := under(k.prefix, cfg)
	for _, own := range k.definition(true) {
		delete(configs, strings.TrimPrefix(own.Name, k.prefix))
	}
	return TopicGroup{
		Name: name, Partitions: int32(k.partitions.Get(cfg)), ReplicationFactor: int16(k.replication.Get(cfg)), Configs: configs,
	}
}

// anyOf fits what one of a key's patterns fits; no pattern fits nothing but the empty name. It panics with a [*connect.ConfigError] for what was
// never checked, as [connect.Key.Get] does.
func anyOf(key connect.Key[[]string], cfg connect.Config) *pattern.Pattern {
	p, err := pattern.Compile(strings.Join(key.Get(cfg), "|"))
	if err != nil {
		panic(&connect.ConfigError{Key: key.Name(), Reason: "read before it was validated: " + err.Error()})
	}
	return p
}

// patterns refuses a list with an entry that is no regular expression, and one whose entries are none together. An entry cannot have a comma.
func patterns(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	var all []string
	for _, e := range v.Array() {
		all = append(all, e.Str())
	}
	for _, expr := range append(all, strings.Join(all, "|")) {
		if _, err := pattern.Compile(expr); err != nil {
			return fmt.Errorf("Syntax error in regular expression: %w", err) //lint:ignore ST1005 Kafka's text
		}
	}
	return nil
}

func countOrDefault(problem string) connect.Check {
	return func(v connect.Value) error {
		if v.IsNull() || v.Int64() == brokersDefault || v.Int64() >= 1 {
			return nil
		}
		return fmt.Errorf("%s, or -1 to use the broker's default", problem)
	}
}
