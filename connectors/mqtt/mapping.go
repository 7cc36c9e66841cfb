package mqtt

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// mapping turns MQTT messages into records. It is used by one goroutine.
type mapping struct {
	topics  *routes
	key     template[*packets.Publish]
	noKey   bool
	text    bool // mqtt.payload.format=string
	headers headerMapping
}

func newMapping(cfg connect.Config) (*mapping, error) {
	m := &mapping{
		text:    payloadFormat.Get(cfg) == "string",
		headers: headerMapping{message: headersEnabled.Get(cfg), user: userPropertiesEnabled.Get(cfg)},
	}
	var err error
	if m.topics, err = newRoutes(cfg); err != nil {
		return nil, err
	}
	key := kafkaKey.Get(cfg)
	m.noKey = key == ""
	if m.key, err = compile(key, publishVariable); err != nil {
		return nil, &connect.ConfigError{Key: kafkaKey.Name(), Reason: err.Error()}
	}
	return m, nil
}

// errDropped says that a message goes nowhere on purpose (kafka.topic.unmatched=drop).
var errDropped = errors.New("no Kafka topic for this message")

// add maps a message to a record at the end of b. A message that cannot be mapped becomes a rejected record with its payload; one
// that is to be forgotten becomes none, and add returns false.
func (m *mapping) add(b *connect.Batch, source *connect.Partition, at connect.Offset, msg *message) bool {
	pub := &msg.pub
	topic, err := m.topics.of(pub)
	if errors.Is(err, errDropped) {
		return false
	}
	r := b.Next(topic, source, at)
	r.Timestamp = msg.at
	r.Tag = msg.tag
	m.value(r, pub)
	m.headers.fill(&r.Record, pub, msg.at)
	if msg.tooLong > 0 {
		err = fmt.Errorf("the payload of a message on %q has %d bytes, more than mqtt.payload.max.bytes", pub.Topic, msg.tooLong)
	}
	if err != nil {
		r.Reject(err)
		return true
	}
	if m.noKey {
		return true
	}
	key, err := m.key.render(pub)
	if err != nil {
		r.Reject(fmt.Errorf("making the record key (kafka.key) of a message on %q: %w", pub.Topic, err))
		return true
	}
	r.SetKey(key)
	return true
}

// value takes the payload over: the memory in which it arrived is not written to again.
func (m *mapping) value(r *connect.SourceRecord, pub *packets.Publish) {
	if !m.text {
		r.SetBytes(pub.Payload)
		return
	}
	if !utf8.Valid(pub.Payload) {
		r.SetBytes(pub.Payload)
		r.Reject(fmt.Errorf("the payload of a message on %q is not UTF-8: set mqtt.payload.format=bytes", pub.Topic))
		return
	}
	r.SetString(string(pub.Payload))
}

// publishVariable resolves the variables of kafka.topic and kafka.key.
func publishVariable(name string) (variable[*packets.Publish], error) {
	switch {
	case name == "topic":
		return func(p *packets.Publish) (string, error) { return p.Topic, nil }, nil
	case strings.HasPrefix(name, "topic[") && strings.HasSuffix(name, "]"):
		l, err := parseLevels(name[len("topic[") : len(name)-1])
		if err != nil {
			return nil, err
		}
		return func(p *packets.Publish) (string, error) { return present(l.of(p.Topic)) }, nil
	case strings.HasPrefix(name, "user."):
		want := name[len("user."):]
		return func(p *packets.Publish) (string, error) {
			for i := range p.Properties.User {
				if p.Properties.User[i].Key == want {
					return p.Properties.User[i].Value, nil
				}
			}
			return "", errMissing
		}, nil
	case name == "content.type":
		return func(p *packets.Publish) (string, error) {
			return present(p.Properties.ContentType, p.Properties.ContentType != "")
		}, nil
	}
	return nil, fmt.Errorf("${%s} is not known here: there are ${topic}, ${topic[n]}, ${topic[a:b]}, ${user.NAME}, ${content.type}", name)
}

// routes finds the Kafka topic of a message.
type routes struct {
	rules       []rule
	target      template[*packets.Publish]
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

func newRoutes(cfg connect.Config) (*routes, error) {
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
	if t.target, err = compile(text, publishVariable); err != nil {
		return nil, &connect.ConfigError{Key: kafkaTopic.Name(), Reason: err.Error()}
	}
	if fixed, ok := t.target.constant(); ok && t.hasTarget && len(t.rules) == 0 {
		if t.fixed, err = t.legal(fixed); err != nil {
			return nil, &connect.ConfigError{Key: kafkaTopic.Name(), Reason: err.Error()}
		}
	}
	t.byTopic = t.target.uses(func(name string) bool { return strings.HasPrefix(name, "topic") })
	return t, nil
}

// of returns the Kafka topic; its error is of class errDropped where the message shall be forgotten.
func (t *routes) of(pub *packets.Publish) (string, error) {
	if t.fixed != "" {
		return t.fixed, nil
	}
	if topic, ok := t.known[pub.Topic]; ok {
		return topic, nil
	}
	topic, err := t.find(pub)
	if err != nil {
		return "", err
	}
	topic = strings.Clone(topic) // it is kept, and must not keep all that arrived beside the message
	if t.byTopic {
		if len(t.known) >= routesKept {
			clear(t.known)
		}
		t.known[strings.Clone(pub.Topic)] = topic
	}
	return topic, nil
}

func (t *routes) find(pub *packets.Publish) (string, error) {
	for _, r := range t.rules {
		if at := r.regex.FindStringSubmatchIndex(pub.Topic); at != nil {
			return t.legal(string(r.regex.ExpandString(nil, r.topic, pub.Topic, at)))
		}
	}
	if !t.hasTarget {
		if t.drop {
			return "", errDropped
		}
		return "", fmt.Errorf("no entry of topic.regex.list matches MQTT topic %q: add one, set kafka.topic, or set kafka.topic.unmatched=drop", pub.Topic)
	}
	topic, err := t.target.render(pub)
	if err != nil {
		return "", fmt.Errorf("making the Kafka topic (kafka.topic) of a message on %q: %w", pub.Topic, err)
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

// expiresIn is what is left of a message's expiry, in seconds, not below 0.
func expiresIn(seconds uint32, arrived int64) int64 {
	return max(0, int64(seconds)-int64(time.Since(time.UnixMilli(arrived))/time.Second))
}
