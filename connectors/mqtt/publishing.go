package mqtt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// publishing turns records into MQTT messages. It is used by one goroutine.
type publishing struct {
	topic      template[*connect.SinkRecord]
	dollar     bool
	qos        byte
	retain     bool
	nulls      string // behavior.on.null.values
	format     string // mqtt.payload.format
	properties bool   // mqtt.user.properties.enabled
}

func newPublishing(cfg connect.Config) (*publishing, error) {
	p := &publishing{
		dollar: topicAllowDollar.Get(cfg), qos: byte(sinkQoS.Get(cfg)), retain: retained.Get(cfg),
		nulls: nullValues.Get(cfg), format: sinkPayloadFormat.Get(cfg), properties: sinkUserProperties.Get(cfg),
	}
	k, text := mqttTopic, mqttTopic.Get(cfg)
	if alias := mqttTopicAlias.Get(cfg); alias != "" && !mqttTopic.Set(cfg) {
		k, text = mqttTopicAlias, alias
	}
	var err error
	if p.topic, err = compile(text, recordVariable); err != nil {
		return nil, &connect.ConfigError{Key: k.Name(), Reason: err.Error()}
	}
	if fixed, ok := p.topic.constant(); ok {
		if err := p.checkTopic(fixed); err != nil {
			return nil, &connect.ConfigError{Key: k.Name(), Reason: err.Error()}
		}
	}
	return p, nil
}

// message maps a record. nil without an error means that nothing is to be sent (a tombstone that is ignored).
func (p *publishing) message(r *connect.SinkRecord) (*packets.Publish, error) {
	pub := &packets.Publish{QoS: p.qos, Retain: p.retain, Properties: &packets.Properties{}}
	if r.Value.IsNull() {
		switch p.nulls {
		case "ignore":
			return nil, nil
		case "fail":
			return nil, errors.New("the record's value is null: set behavior.on.null.values")
		case "clear_retained":
			pub.Retain = true
		}
	} else if err := p.payload(pub, r.Value); err != nil {
		return nil, err
	}
	var err error
	if pub.Topic, err = p.topic.render(r); err != nil {
		return nil, fmt.Errorf("making the MQTT topic (mqtt.topic): %w", err)
	}
	if err := p.checkTopic(pub.Topic); err != nil {
		return nil, fmt.Errorf("making the MQTT topic (mqtt.topic): %w", err)
	}
	if len(r.Headers) > 0 {
		p.headers(pub.Properties, r.Headers)
	}
	return pub, nil
}

// checkTopic says what is wrong with a topic to publish on (MQTT 5 4.7).
func (p *publishing) checkTopic(topic string) error {
	switch {
	case topic == "" || len(topic) > 65535:
		return fmt.Errorf("a topic has 1 to 65535 bytes, this one %d", len(topic))
	case strings.ContainsAny(topic, "+#\x00"):
		return fmt.Errorf("%q has a wildcard or NUL", topic)
	case !utf8.ValidString(topic):
		return errors.New("the topic is not UTF-8")
	case topic[0] == '$' && !p.dollar:
		return fmt.Errorf("%q begins with $: set mqtt.topic.allow.dollar=true if that is meant", topic)
	}
	return nil
}

// payload shares bytes and strings with the record, which the task owns until the message is settled.
func (p *publishing) payload(pub *packets.Publish, v connect.Value) error {
	if v.Kind() == connect.KindBytes {
		pub.Payload = v.Bytes()
		return nil
	}
	text, ok := scalar(v)
	if !ok {
		return fmt.Errorf("a value of kind %s has no form as an MQTT payload: set value.converter to "+
			"org.apache.kafka.connect.converters.ByteArrayConverter or org.apache.kafka.connect.storage.StringConverter, "+
			"so that the payload is what is in Kafka", v.Kind())
	}
	pub.Payload = []byte(text)
	if v.Kind() == connect.KindString && p.format != "bytes" {
		one := byte(1)
		pub.Properties.PayloadFormat = &one
	}
	return nil
}

// scalar writes strings, numbers and booleans as text.
func scalar(v connect.Value) (string, bool) {
	switch v.Kind() {
	case connect.KindString:
		return v.Str(), true
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return strconv.FormatInt(v.Int64(), 10), true
	case connect.KindFloat32:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 32), true
	case connect.KindFloat64:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64), true
	case connect.KindBoolean:
		return strconv.FormatBool(v.Bool()), true
	case connect.KindDecimal:
		return v.Decimal().String(), true
	case connect.KindBytes:
		return string(v.Bytes()), utf8.Valid(v.Bytes())
	}
	return "", false
}

// headers turns headers into properties: those the source made from properties back into them, the others into user properties in
// their order. Other headers named mqtt.* are never sent.
func (p *publishing) headers(props *packets.Properties, headers []connect.Header) {
	for i := range headers {
		h := &headers[i]
		switch h.Key {
		case "mqtt.content.type", "content-type":
			props.ContentType, _ = scalar(h.Value)
			continue
		case "mqtt.response.topic":
			props.ResponseTopic, _ = scalar(h.Value)
			continue
		case "mqtt.correlation.data":
			if h.Value.Kind() == connect.KindBytes {
				props.CorrelationData = h.Value.Bytes()
			} else if text, ok := scalar(h.Value); ok {
				props.CorrelationData = []byte(text)
			}
			continue
		case "mqtt.message.expiry.interval":
			if text, ok := scalar(h.Value); ok {
				if n, err := strconv.ParseUint(text, 10, 32); err == nil {
					seconds := uint32(n)
					props.MessageExpiry = &seconds
				}
			}
			continue
		}
		if !p.properties || strings.HasPrefix(h.Key, "mqtt.") {
			continue
		}
		name := h.Key
		if original, ok := strings.CutPrefix(name, "user."); ok && deviceHeader(original) == name {
			name = original
		}
		if text, ok := scalar(h.Value); ok && len(text) <= 65535 && len(name) <= 65535 && utf8.ValidString(text) {
			props.User = append(props.User, packets.User{Key: name, Value: text})
		}
	}
}

// recordVariable resolves the variables of mqtt.topic. `${name:path}` lets the value bring its own slashes.
func recordVariable(name string) (variable[*connect.SinkRecord], error) {
	plain, isPath := strings.CutSuffix(name, ":path")
	read, err := recordField(plain)
	if err != nil {
		return nil, err
	}
	return func(r *connect.SinkRecord) (string, error) {
		v, ok := read(r)
		if !ok || v.IsNull() {
			return "", errMissing
		}
		text, ok := scalar(v)
		if !ok {
			return "", fmt.Errorf("${%s} is of kind %s, which has no form in a topic", plain, v.Kind())
		}
		if !isPath && strings.ContainsRune(text, '/') {
			return "", fmt.Errorf("${%s} has a slash in it: write ${%s:path} if it may bring levels", plain, plain)
		}
		return text, nil
	}, nil
}

// recordField reads the variable's value from a record.
func recordField(name string) (func(*connect.SinkRecord) (connect.Value, bool), error) {
	switch {
	case name == "kafka.topic":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return connect.String(r.Topic), true }, nil
	case name == "partition":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return connect.Int32(r.Consumed.Partition), true }, nil
	case name == "key":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return r.Key, true }, nil
	case strings.HasPrefix(name, "header."):
		want := name[len("header."):]
		return func(r *connect.SinkRecord) (connect.Value, bool) {
			for i := range r.Headers {
				if r.Headers[i].Key == want {
					return r.Headers[i].Value, true
				}
			}
			return connect.Value{}, false
		}, nil
	case strings.HasPrefix(name, "value."):
		path := strings.Split(name[len("value."):], ".")
		return func(r *connect.SinkRecord) (connect.Value, bool) { return descend(r.Value, path) }, nil
	}
	return nil, fmt.Errorf("${%s} is not known here: there are ${kafka.topic}, ${key}, ${partition}, ${header.NAME}, ${value.FIELD}", name)
}

// descend follows field names through structs and maps.
func descend(v connect.Value, path []string) (connect.Value, bool) {
	for _, name := range path {
		switch v.Kind() {
		case connect.KindStruct:
			v = v.Struct().Get(name)
		case connect.KindMap:
			next, ok := v.Map().Get(connect.String(name))
			if !ok {
				return connect.Value{}, false
			}
			v = next
		default:
			return connect.Value{}, false
		}
	}
	return v, true
}
