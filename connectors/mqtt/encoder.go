package mqtt

import (
	"encoding/binary"

	"github.com/eclipse/paho.golang/packets"
)

// encoder writes PUBLISH packets as one connection wants them. paho's own writer allocates several times a message, and locks the connection for each.
type encoder struct {
	// plain is MQTT 3.1.1, whose packets have no properties.
	plain   bool
	most    int // bytes of a packet that the server takes (its Maximum Packet Size), 0 for any number
	aliases aliases
}

// aliasMost is by how much a topic alias may make a packet longer: the property, and a byte of each of two lengths.
const aliasMost = 5

// publish appends a PUBLISH (MQTT 5 3.3). Texts are no longer than MQTT allows: who makes the message sees to it.
func (e *encoder) publish(b []byte, p *packets.Publish) []byte {
	topic, number := p.Topic, uint16(0)
	if e.aliases.most > 0 && (e.most == 0 || e.size(p)+aliasMost <= e.most) {
		var known bool
		if number, known = e.aliases.of(topic); known {
			topic = ""
		}
	}
	size := e.propertiesSize(p.Properties, number)
	b = append(b, firstByte(p))
	b = binary.AppendUvarint(b, uint64(e.remaining(p, len(topic), size))) // a Variable Byte Integer is one of these (MQTT 5 1.5.5)
	b = appendText(b, topic)
	if p.QoS > 0 {
		b = binary.BigEndian.AppendUint16(b, p.PacketID)
	}
	if !e.plain {
		b = binary.AppendUvarint(b, uint64(size))
		if size > 0 {
			b = appendProperties(b, p.Properties, number)
		}
	}
	return append(b, p.Payload...)
}

// tooLong reports whether the server does not take a packet: sending it would end the connection.
func (e *encoder) tooLong(p *packets.Publish) bool { return e.most > 0 && e.size(p) > e.most }

// size is how many bytes a packet has without a topic alias.
func (e *encoder) size(p *packets.Publish) int {
	rest := e.remaining(p, len(p.Topic), e.propertiesSize(p.Properties, 0))
	return 1 + varIntSize(rest) + rest
}

// remaining is a packet's Remaining Length.
func (e *encoder) remaining(p *packets.Publish, topic, properties int) int {
	n := 2 + topic + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	if !e.plain {
		n += varIntSize(properties) + properties
	}
	return n
}

// firstByte has packet type and flags (MQTT 5 3.3.1).
func firstByte(p *packets.Publish) byte {
	b := packets.PUBLISH<<4 | p.QoS<<1
	if p.Duplicate {
		b |= 8
	}
	if p.Retain {
		b |= 1
	}
	return b
}

func (e *encoder) propertiesSize(p *packets.Properties, alias uint16) int {
	n := 0
	if e.plain {
		return 0
	}
	if alias > 0 {
		n += 3
	}
	if p == noProperties {
		return n
	}
	if p.PayloadFormat != nil {
		n += 2
	}
	if p.MessageExpiry != nil {
		n += 5
	}
	if p.ContentType != "" {
		n += 3 + len(p.ContentType)
	}
	if p.ResponseTopic != "" {
		n += 3 + len(p.ResponseTopic)
	}
	if len(p.CorrelationData) > 0 {
		n += 3 + len(p.CorrelationData)
	}
	for i := range p.User {
		n += 5 + len(p.User[i].Key) + len(p.User[i].Value)
	}
	return n
}

// appendProperties appends what propertiesSize has counted.
func appendProperties(b []byte, p *packets.Properties, alias uint16) []byte {
	if alias > 0 {
		b = binary.BigEndian.AppendUint16(append(b, packets.PropTopicAlias), alias)
	}
	if p == noProperties {
		return b
	}
	if p.PayloadFormat != nil {
		b = append(b, packets.PropPayloadFormat, *p.PayloadFormat)
	}
	if p.MessageExpiry != nil {
		b = binary.BigEndian.AppendUint32(append(b, packets.PropMessageExpiry), *p.MessageExpiry)
	}
	if p.ContentType != "" {
		b = appendText(append(b, packets.PropContentType), p.ContentType)
	}
	if p.ResponseTopic != "" {
		b = appendText(append(b, packets.PropResponseTopic), p.ResponseTopic)
	}
	if len(p.CorrelationData) > 0 {
		b = binary.BigEndian.AppendUint16(append(b, packets.PropCorrelationData), uint16(len(p.CorrelationData)))
		b = append(b, p.CorrelationData...)
	}
	for i := range p.User {
		b = appendText(append(b, packets.PropUser), p.User[i].Key)
		b = appendText(b, p.User[i].Value)
	}
	return b
}

// appendText appends a UTF-8 Encoded String (MQTT 5 1.5.4).
func appendText(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

// varIntSize is how many bytes a Variable Byte Integer has.
func varIntSize(n int) int {
	size := 1
	for n >>= 7; n > 0; n >>= 7 {
		size++
	}
	return size
}
