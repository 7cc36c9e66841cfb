package mqtt

import (
	"encoding/base64"
	"strings"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// headerMapping turns a message's MQTT properties into headers. It is used by one goroutine.
type headerMapping struct {
	message bool // mqtt.headers.enabled
	user    bool // mqtt.user.properties.enabled
	events  bool // mqtt.cloudevents=binary
	// encode changes the headers of a record that are not to be typed; nil for none.
	encode func(*connect.Header)
	// chunk is where headers are cut from: one allocation for many messages. A chunk lives as long as the last record that has
	// headers in it.
	chunk []connect.Header
}

// chunkHeaders is how many headers are allocated at once.
const chunkHeaders = 512

func newHeaderMapping(cfg connect.Config) headerMapping {
	h := headerMapping{message: headersEnabled.Get(cfg), user: userPropertiesEnabled.Get(cfg), events: cloudEvents.Get(cfg) == "binary"}
	switch headersEncoding.Get(cfg) {
	case "string":
		h.encode = encodeAsText
	case "bytes":
		h.encode = encodeAsBytes
	}
	return h
}

// encodeAsText is for header converters that know texts only.
func encodeAsText(h *connect.Header) {
	if h.Value.Kind() == connect.KindBytes {
		h.Value = connect.String(base64.StdEncoding.EncodeToString(h.Value.Bytes()))
	} else if text, ok := scalar(h.Value); ok {
		h.Value = connect.String(text)
	}
	h.Schema = connect.StringSchema
}

// encodeAsBytes is for byte-array header converters: what is read back is what was written.
func encodeAsBytes(h *connect.Header) {
	if text, ok := scalar(h.Value); ok && h.Value.Kind() != connect.KindBytes {
		h.Value = connect.Bytes([]byte(text))
	}
	h.Schema = connect.BytesSchema
}

// fill appends the headers of a message.
func (h *headerMapping) fill(r *connect.Record, pub *packets.Publish, arrived int64) {
	p := pub.Properties
	most := 0
	if h.message {
		most += 10
	}
	if h.user {
		most += len(p.User)
	}
	if most == 0 {
		return
	}
	if cap(h.chunk)-len(h.chunk) < most {
		h.chunk = make([]connect.Header, 0, max(chunkHeaders, most))
	}
	start := len(h.chunk)
	r.Headers = h.chunk[start:start:cap(h.chunk)]
	event := h.events && isEvent(p.User)
	if h.message {
		messageHeaders(r, pub, arrived, event)
	}
	if h.user {
		for i := range p.User {
			name := deviceHeader(p.User[i].Key)
			if event && isAttribute(name) {
				name = eventPrefix + name
			}
			r.Header(name, connect.StringSchema, connect.String(p.User[i].Value))
		}
	}
	if h.encode != nil {
		for i := range r.Headers {
			h.encode(&r.Headers[i])
		}
	}
	h.chunk = h.chunk[:start+len(r.Headers)]
	// Closed at its length: a transform that appends gets a slice of its own.
	r.Headers = r.Headers[:len(r.Headers):len(r.Headers)]
}

func messageHeaders(r *connect.Record, pub *packets.Publish, arrived int64, event bool) {
	r.Header("mqtt.topic", connect.StringSchema, connect.String(pub.Topic))
	if pub.QoS > 0 {
		r.Header("mqtt.message.id", connect.Int32Schema, connect.Int32(int32(pub.PacketID)))
	}
	r.Header("mqtt.qos", connect.Int32Schema, connect.Int32(int32(pub.QoS)))
	r.Header("mqtt.retained", connect.BooleanSchema, connect.Boolean(pub.Retain))
	r.Header("mqtt.duplicate", connect.BooleanSchema, connect.Boolean(pub.Duplicate))
	p := pub.Properties
	if p.PayloadFormat != nil {
		r.Header("mqtt.payload.format.indicator", connect.Int32Schema, connect.Int32(int32(*p.PayloadFormat)))
	}
	switch {
	case p.ContentType == "":
	case event:
		r.Header("content-type", connect.StringSchema, connect.String(p.ContentType))
	default:
		r.Header("mqtt.content.type", connect.StringSchema, connect.String(p.ContentType))
	}
	if p.ResponseTopic != "" {
		r.Header("mqtt.response.topic", connect.StringSchema, connect.String(p.ResponseTopic))
	}
	if p.CorrelationData != nil {
		r.Header("mqtt.correlation.data", connect.BytesSchema, connect.Bytes(p.CorrelationData))
	}
	if p.MessageExpiry != nil {
		r.Header("mqtt.message.expiry.interval", connect.Int64Schema, connect.Int64(expiresIn(*p.MessageExpiry, arrived)))
	}
}

// devicePrefix begins the header of a user property that would pass for one of ours.
const devicePrefix = "user."

// deviceHeader is the header's name of a user property: a device must not forge the headers that say where a message came from. Names that look like a
// renamed one are renamed too, so that [propertyName] finds every name again.
func deviceHeader(name string) string {
	if forged(name) {
		return devicePrefix + name
	}
	return name
}

// propertyName is the name of the user property that a header came from.
func propertyName(header string) string {
	if name, ok := strings.CutPrefix(header, devicePrefix); ok && forged(name) {
		return name
	}
	return header
}

func forged(name string) bool {
	for strings.HasPrefix(name, devicePrefix) {
		name = name[len(devicePrefix):]
	}
	return strings.HasPrefix(name, "mqtt.") || strings.HasPrefix(name, "__connect")
}

// eventPrefix begins the headers of CloudEvents' attributes in Kafka (CloudEvents Kafka binding 3.2.3); in MQTT they are user properties without it
// (MQTT binding 3.1.3).
const eventPrefix = "ce_"

// isEvent reports whether a message is a CloudEvent in binary mode.
func isEvent(user []packets.User) bool {
	for i := range user {
		if user[i].Key == "specversion" {
			return true
		}
	}
	return false
}

// isAttribute reports whether name can be that of an attribute: lower-case letters and digits (CloudEvents 1.0).
func isAttribute(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
