package mqtt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

// publishing turns records into MQTT messages. It is used by one goroutine.
type publishing struct {
	topic          template[*connect.SinkRecord]
	fixed          string // what topic always is, checked; empty where it has variables
	topicHeader    string
	dollar         bool
	qos            byte
	qosHeader      string
	retain         bool
	retainedHeader string
	expiry         uint32 // seconds, 0 for none
	stale          time.Duration
	nulls          string // behavior.on.null.values
	format         string // mqtt.payload.format
	properties     propertyMapping

	room []packets.Publish // for the next messages
}

// chunkMessages are cut from one allocation, which lives as long as the last of them.
const chunkMessages = 32

func newPublishing(cfg connect.Config) (*publishing, error) {
	p := &publishing{
		topicHeader: topicHeader.Get(cfg), dollar: topicAllowDollar.Get(cfg),
		qos: byte(sinkQoS.Get(cfg)), qosHeader: qosHeader.Get(cfg), retain: retained.Get(cfg), retainedHeader: retainedHeader.Get(cfg),
		expiry: uint32(max(0, messageExpiry.Get(cfg))), stale: millis(max(0, staleAfter.Get(cfg))),
		nulls: nullValues.Get(cfg), format: sinkPayloadFormat.Get(cfg),
	}
	if staleAfter.Get(cfg) < 0 {
		p.stale = -1
	}
	k, text := mqttTopic, mqttTopic.Get(cfg)
	if alias := mqttTopicAlias.Get(cfg); alias != "" && !mqttTopic.Set(cfg) {
		k, text = mqttTopicAlias, alias
	}
	var err error
	if p.topic, err = compile(text, recordVariable(topicDotToSlash.Get(cfg))); err != nil {
		return nil, &connect.ConfigError{Key: k.Name(), Reason: err.Error()}
	}
	if fixed, ok := p.topic.constant(); ok {
		if err := p.checkTopic(fixed); err != nil {
			return nil, &connect.ConfigError{Key: k.Name(), Reason: err.Error()}
		}
		p.fixed = fixed
	}
	if p.properties, err = newPropertyMapping(cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// message maps a record. nil without an error means that nothing is to be sent: a tombstone that is ignored, or a record that is too old.
func (p *publishing) message(r *connect.SinkRecord) (*packets.Publish, error) {
	if p.old(r, time.Now()) || r.Value.IsNull() && p.nulls == "ignore" {
		return nil, nil
	}
	if len(p.room) == 0 {
		p.room = make([]packets.Publish, chunkMessages)
	}
	pub := &p.room[0]
	p.room = p.room[1:]
	pub.QoS, pub.Retain, pub.Properties = p.qos, p.retain, noProperties
	if p.expiry > 0 {
		p.properties.own(pub).MessageExpiry = &p.expiry
	}
	if err := p.addressed(pub, r); err != nil {
		return nil, err
	}
	if err := p.flags(pub, r.Headers); err != nil {
		return nil, err
	}
	if r.Value.IsNull() {
		switch p.nulls {
		case "fail":
			return nil, errors.New("the record's value is null: set behavior.on.null.values")
		case "clear_retained":
			pub.Retain = true
		}
	} else if err := p.payload(pub, r.Value); err != nil {
		return nil, err
	}
	if err := p.properties.fill(pub, r); err != nil {
		return nil, err
	}
	return pub, nil
}

// old reports whether a record has waited for longer than mqtt.stale.after.ms. A record without a time is never old.
func (p *publishing) old(r *connect.SinkRecord, now time.Time) bool {
	return p.stale >= 0 && r.Timestamp > 0 && now.Sub(time.UnixMilli(r.Timestamp)) > p.stale
}

// addressed sets the MQTT topic.
func (p *publishing) addressed(pub *packets.Publish, r *connect.SinkRecord) (err error) {
	if p.topicHeader != "" {
		if v, ok := headerOf(r.Headers, p.topicHeader); ok {
			if pub.Topic, ok = scalar(v); !ok {
				return fmt.Errorf("header %q (mqtt.topic.header) of kind %s has no form as a topic", p.topicHeader, v.Kind())
			}
			if err := p.checkTopic(pub.Topic); err != nil {
				return fmt.Errorf("taking the MQTT topic from header %q (mqtt.topic.header): %w", p.topicHeader, err)
			}
			return nil
		}
	}
	if p.fixed != "" {
		pub.Topic = p.fixed
		return nil
	}
	if pub.Topic, err = p.topic.render(r); err == nil {
		err = p.checkTopic(pub.Topic)
	}
	if err != nil {
		return fmt.Errorf("making the MQTT topic (mqtt.topic): %w", err)
	}
	return nil
}

// headerOf finds the last header of a name that is not null, as Kafka Connect's lastWithName.
func headerOf(headers []connect.Header, name string) (connect.Value, bool) {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == name && !headers[i].Value.IsNull() {
			return headers[i].Value, true
		}
	}
	return connect.Value{}, false
}

// flags takes QoS and retain flag from a record's own headers.
func (p *publishing) flags(pub *packets.Publish, headers []connect.Header) error {
	if len(headers) == 0 {
		return nil
	}
	if v, ok := headerOf(headers, p.qosHeader); ok && p.qosHeader != "" {
		switch text, _ := scalar(v); text {
		case "0", "1", "2":
			pub.QoS = text[0] - '0'
		default:
			return fmt.Errorf("header %q (mqtt.qos.header) is %q: a QoS is 0, 1 or 2", p.qosHeader, text)
		}
	}
	if v, ok := headerOf(headers, p.retainedHeader); ok && p.retainedHeader != "" {
		switch text, _ := scalar(v); text {
		case "true", "1":
			pub.Retain = true
		case "false", "0":
			pub.Retain = false
		default:
			return fmt.Errorf("header %q (mqtt.retained.header) is %q: it is true, false, 1 or 0", p.retainedHeader, text)
		}
	}
	return nil
}

// checkTopic says what is wrong with a topic to publish on (MQTT 5 4.7).
func (p *publishing) checkTopic(topic string) error {
	switch {
	case topic == "" || len(topic) > longestText:
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

// longestText is how many bytes a text of MQTT may have.
const longestText = 65535

// utf8Payload is the Payload Format Indicator of text.
var utf8Payload byte = 1

// payload shares bytes and strings with the record, which the task owns until the message is settled.
func (p *publishing) payload(pub *packets.Publish, v connect.Value) error {
	if p.format == "json" {
		return p.json(pub, v)
	}
	if v.Kind() == connect.KindBytes {
		if p.format == "string" && !utf8.Valid(v.Bytes()) {
			return errors.New("the value is not UTF-8: set mqtt.payload.format=bytes")
		}
		pub.Payload = v.Bytes()
		return nil
	}
	text, ok := scalar(v)
	if !ok {
		if p.format == "auto" {
			return p.json(pub, v)
		}
		return fmt.Errorf("a value of kind %s has no form as mqtt.payload.format=%s: set it to json or auto", v.Kind(), p.format)
	}
	pub.Payload = []byte(text)
	if v.Kind() == connect.KindString && p.format != "bytes" {
		p.properties.own(pub).PayloadFormat = &utf8Payload
	}
	return nil
}

func (p *publishing) json(pub *packets.Publish, v connect.Value) (err error) {
	if pub.Payload, err = payload.AppendJSON(nil, v); err != nil {
		return fmt.Errorf("writing the value as JSON: %w", err)
	}
	p.properties.own(pub).PayloadFormat = &utf8Payload
	return nil
}

// scalar writes strings, numbers and booleans as text.
func scalar(v connect.Value) (string, bool) {
	switch v.Kind() {
	case connect.KindString:
		return v.Str(), true
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64, connect.KindInstant:
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
