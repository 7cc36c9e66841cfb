package mqtt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

// propertyMapping turns headers into MQTT 5 properties: those that the source made from properties back into them, the others into user properties in
// their order. It is used by one goroutine.
type propertyMapping struct {
	all         bool     // mqtt.user.properties.headers=*
	globs       []string // else
	nonUTF8     string   // mqtt.header.non.utf8
	events      bool     // mqtt.cloudevents=binary
	contentType string
	response    string
	correlation string   // mqtt.correlation.header
	expiry      string   // mqtt.expiry.header
	special     []string // headers that the other keys name
	addKey      bool
	addTime     bool
	loop        string

	room []packets.Properties // for the next messages that have properties at all
}

// own is a message's properties, to be written to. Most messages share [noProperties].
func (m *propertyMapping) own(pub *packets.Publish) *packets.Properties {
	if pub.Properties == noProperties {
		if len(m.room) == 0 {
			m.room = make([]packets.Properties, chunkProperties)
		}
		pub.Properties = &m.room[0]
		m.room = m.room[1:]
	}
	return pub.Properties
}

// What messages carry about the record they come from.
const (
	keyProperty       = "kafka.key"
	timestampProperty = "kafka.timestamp"
)

func newPropertyMapping(cfg connect.Config) (propertyMapping, error) {
	m := propertyMapping{
		nonUTF8: nonUTF8Header.Get(cfg), events: cloudEvents.Get(cfg) == "binary", contentType: contentType.Get(cfg),
		response: responseTopic.Get(cfg), correlation: correlationHeader.Get(cfg), expiry: expiryHeader.Get(cfg),
		addKey: addKey.Get(cfg), addTime: addTimestamp.Get(cfg), loop: loopID.Get(cfg),
	}
	for _, k := range []connect.Key[string]{topicHeader, qosHeader, retainedHeader, expiryHeader, correlationHeader} {
		if name := k.Get(cfg); name != "" {
			m.special = append(m.special, name)
		}
	}
	for _, glob := range userPropertyHeaders.Get(cfg) {
		if _, err := path.Match(glob, ""); err != nil {
			return m, &connect.ConfigError{Key: userPropertyHeaders.Name(), Reason: fmt.Sprintf("%q is not a glob", glob)}
		}
		m.all = m.all || glob == "*"
		m.globs = append(m.globs, glob)
	}
	if m.response != "" {
		if err := (&publishing{dollar: true}).checkTopic(m.response); err != nil {
			return m, &connect.ConfigError{Key: responseTopic.Name(), Reason: err.Error()}
		}
	}
	return m, nil
}

// fill sets the properties of a record's message.
func (m *propertyMapping) fill(pub *packets.Publish, r *connect.SinkRecord) error {
	for i := range r.Headers {
		if err := m.header(pub, r, &r.Headers[i]); err != nil {
			return err
		}
	}
	if m.contentType != "" && pub.Properties.ContentType == "" {
		m.own(pub).ContentType = m.contentType
	}
	if m.response != "" && pub.Properties.ResponseTopic == "" {
		m.own(pub).ResponseTopic = m.response
	}
	if m.correlation != "" && pub.Properties.CorrelationData == nil {
		if v, ok := headerOf(r.Headers, m.correlation); ok {
			if err := m.correlate(pub, m.correlation, v); err != nil {
				return err
			}
		}
	}
	if m.addKey && !r.Key.IsNull() {
		if err := m.user(pub, r, keyProperty, r.Key); err != nil {
			return err
		}
	}
	if m.addTime && r.Timestamp != connect.NoTimestamp {
		m.add(pub, r, timestampProperty, strconv.FormatInt(r.Timestamp, 10))
	}
	if m.loop != "" {
		m.add(pub, r, loopProperty, m.loop)
	}
	return nil
}

// header takes one header. Headers named mqtt.* that are no property of a message are never sent.
func (m *propertyMapping) header(pub *packets.Publish, r *connect.SinkRecord, h *connect.Header) (err error) {
	if h.Value.IsNull() {
		return nil
	}
	if h.Key == m.expiry {
		return m.expire(pub, h)
	}
	switch h.Key {
	case "mqtt.content.type", "content-type":
		m.own(pub).ContentType, err = textProperty(h)
		return err
	case "mqtt.response.topic":
		m.own(pub).ResponseTopic, err = textProperty(h)
		return err
	case "mqtt.correlation.data":
		return m.correlate(pub, h.Key, h.Value)
	case "mqtt.payload.format.indicator":
		if text, _ := scalar(h.Value); text == "1" {
			m.own(pub).PayloadFormat = &utf8Payload
		} else {
			m.own(pub).PayloadFormat = nil
		}
		return nil
	}
	if strings.HasPrefix(h.Key, "mqtt.") || slices.Contains(m.special, h.Key) || !m.wanted(h.Key) {
		return nil
	}
	name := propertyName(h.Key)
	if m.events {
		name = strings.TrimPrefix(name, eventPrefix)
	}
	return m.user(pub, r, name, h.Value)
}

// wanted reports whether a header becomes a user property.
func (m *propertyMapping) wanted(name string) bool {
	if m.all {
		return true
	}
	for _, glob := range m.globs {
		if ok, _ := path.Match(glob, name); ok {
			return true
		}
	}
	return false
}

// user appends a user property. What MQTT has no room for is left out.
func (m *propertyMapping) user(pub *packets.Publish, r *connect.SinkRecord, name string, v connect.Value) error {
	text, ok := scalar(v)
	if !ok && v.Kind() != connect.KindBytes {
		if json, err := payload.AppendJSON(nil, v); err == nil {
			text, ok = string(json), true
		}
	}
	if !ok || !mqttText(text) || !mqttText(name) {
		switch m.nonUTF8 {
		case "drop":
			return nil
		case "fail":
			return fmt.Errorf("header %q is no text that MQTT can carry (mqtt.header.non.utf8=fail)", name)
		}
		if !mqttText(name) {
			return nil
		}
		raw := []byte(text)
		if v.Kind() == connect.KindBytes {
			raw = v.Bytes()
		}
		text = base64.StdEncoding.EncodeToString(raw)
	}
	if len(text) <= longestText && len(name) <= longestText {
		m.add(pub, r, name, text)
	}
	return nil
}

// ownUsers is how many user properties the sink itself adds at most.
const ownUsers = 3

// add appends a user property.
func (m *propertyMapping) add(pub *packets.Publish, r *connect.SinkRecord, name, text string) {
	props := m.own(pub)
	if props.User == nil {
		props.User = make([]packets.User, 0, len(r.Headers)+ownUsers)
	}
	props.User = append(props.User, packets.User{Key: name, Value: text})
}

// mqttText reports whether text is UTF-8 without NUL (MQTT 5 1.5.4).
func mqttText(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func textProperty(h *connect.Header) (string, error) {
	text, ok := scalar(h.Value)
	if !ok || !mqttText(text) || len(text) > longestText {
		return "", fmt.Errorf("header %q is no text that MQTT can carry", h.Key)
	}
	return text, nil
}

func (m *propertyMapping) correlate(pub *packets.Publish, name string, v connect.Value) error {
	data := []byte(nil)
	if v.Kind() == connect.KindBytes {
		data = v.Bytes()
	} else if text, ok := scalar(v); ok {
		data = []byte(text)
	}
	if data == nil || len(data) > longestText {
		return fmt.Errorf("header %q has no form as correlation data", name)
	}
	m.own(pub).CorrelationData = data
	return nil
}

func (m *propertyMapping) expire(pub *packets.Publish, h *connect.Header) error {
	text, _ := scalar(h.Value)
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return fmt.Errorf("header %q (mqtt.expiry.header) is no number of seconds: %w", h.Key, errors.Unwrap(err))
	}
	seconds := uint32(n)
	m.own(pub).MessageExpiry = &seconds
	return nil
}
