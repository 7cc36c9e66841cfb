package mqtt

import (
	"strings"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// headerMapping turns a message's MQTT properties into headers. It is used by one goroutine.
type headerMapping struct {
	message bool // mqtt.headers.enabled
	user    bool // mqtt.user.properties.enabled
	// chunk is where headers are cut from: one allocation for many messages. A chunk lives as long as the last record that has
	// headers in it.
	chunk []connect.Header
}

// chunkHeaders is how many headers are allocated at once.
const chunkHeaders = 512

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
	if h.message {
		messageHeaders(r, pub, arrived)
	}
	if h.user {
		for i := range p.User {
			r.Header(deviceHeader(p.User[i].Key), connect.StringSchema, connect.String(p.User[i].Value))
		}
	}
	h.chunk = h.chunk[:start+len(r.Headers)]
	// Closed at its length: a transform that appends gets a slice of its own.
	r.Headers = r.Headers[:len(r.Headers):len(r.Headers)]
}

func messageHeaders(r *connect.Record, pub *packets.Publish, arrived int64) {
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
	if p.ContentType != "" {
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

// deviceHeader is the header's name of a user property: a device must not forge the headers that say where a message came from.
func deviceHeader(name string) string {
	if strings.HasPrefix(name, "mqtt.") || strings.HasPrefix(name, "__connect") {
		return "user." + name
	}
	return name
}
