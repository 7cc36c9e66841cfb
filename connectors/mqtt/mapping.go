package mqtt

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

// mapping turns MQTT messages into records. It is used by one goroutine.
type mapping struct {
	topics  *routes
	key     template[*inbound]
	noKey   bool
	format  valueFormat
	longest int // of payloads, in bytes
	packed  *payload.Decompressor
	loop    string // mqtt.loop.id
	expire  bool   // mqtt.expired.messages=drop
	clock   recordClock
	headers headerMapping

	in inbound // the message being mapped
}

// compressedGrowth is how many times longer than mqtt.payload.max.bytes a payload may become.
const compressedGrowth = 16

// newMapping reads the keys. The sessions may bring messages of earlier filters too.
func newMapping(cfg connect.Config, earlier ...string) (*mapping, error) {
	m := &mapping{
		format:  valueFormats[payloadFormat.Get(cfg)],
		longest: payloadMaxBytes.Get(cfg),
		packed:  payload.NewDecompressor(payloadCompression.Get(cfg), compressedGrowth*payloadMaxBytes.Get(cfg)),
		loop:    loopID.Get(cfg),
		expire:  expiredMessages.Get(cfg) == "drop",
		headers: newHeaderMapping(cfg),
	}
	m.in.cbor = payloadFormat.Get(cfg) == "cbor"
	filters := newFilterSet(slices.Concat(mqttTopics.Get(cfg), earlier))
	var err error
	if m.topics, err = newRoutes(cfg, filters); err != nil {
		return nil, err
	}
	key := kafkaKey.Get(cfg)
	m.noKey = key == ""
	if m.key, err = compile(key, inboundVariable(filters)); err != nil {
		return nil, &connect.ConfigError{Key: kafkaKey.Name(), Reason: err.Error()}
	}
	if m.clock, err = newRecordClock(timestampSource.Get(cfg)); err != nil {
		return nil, &connect.ConfigError{Key: timestampSource.Name(), Reason: err.Error()}
	}
	return m, nil
}

// add maps a message to a record at the end of b. A message that cannot be mapped becomes a rejected record with its payload; one
// that is to be forgotten becomes none, and add returns false.
func (m *mapping) add(b *connect.Batch, source *connect.Partition, at connect.Offset, msg *message) bool {
	in := &m.in
	in.reset(msg)
	if m.forgotten(in) {
		return false
	}
	wrong := m.open(in)
	topic, err := m.topics.of(in)
	if errors.Is(err, errDropped) {
		return false
	}
	r := b.Next(topic, source, at)
	r.Timestamp = m.clock.of(in)
	r.Tag = msg.tag
	m.headers.fill(&r.Record, in.pub, in.at)
	if wrong == nil {
		wrong = err
	}
	if wrong == nil {
		wrong = m.content(r, in)
	}
	if wrong != nil {
		// As it came: the dead letter is for whoever looks for the cause.
		r.SetBytes(in.pub.Payload)
		r.Reject(wrong)
	}
	return true
}

// forgotten reports whether a message is acknowledged and goes nowhere.
func (m *mapping) forgotten(in *inbound) bool {
	p := in.pub.Properties
	if m.expire && p.MessageExpiry != nil && expiresIn(*p.MessageExpiry, in.at) == 0 {
		return true
	}
	if m.loop == "" {
		return false
	}
	for i := range p.User {
		if p.User[i].Key == loopProperty && p.User[i].Value == m.loop {
			return true
		}
	}
	return false
}

// loopProperty is the user property by which a message that came from Kafka is known.
const loopProperty = "kafka-loop-id"

// open undoes the compression.
func (m *mapping) open(in *inbound) error {
	if n := max(len(in.pub.Payload), in.tooLong); n > m.longest {
		return fmt.Errorf("the payload of a message on %q has %d bytes, more than mqtt.payload.max.bytes=%d", in.pub.Topic, n, m.longest)
	}
	payload, err := m.packed.Decompress(in.pub.Payload)
	if err != nil {
		return fmt.Errorf("the payload of a message on %q: %w: check mqtt.payload.compression", in.pub.Topic, err)
	}
	in.payload = payload
	return nil
}

// content sets value and key.
func (m *mapping) content(r *connect.SourceRecord, in *inbound) error {
	if err := m.format(r, in); err != nil {
		return err
	}
	if m.noKey {
		return nil
	}
	key, err := m.key.render(in)
	if err != nil {
		return fmt.Errorf("making the record key (kafka.key) of a message on %q: %w", in.pub.Topic, err)
	}
	r.SetKey(key)
	return nil
}

// valueFormat sets a record's value.
type valueFormat func(*connect.SourceRecord, *inbound) error

// valueFormats are what mqtt.payload.format may be.
var valueFormats = map[string]valueFormat{
	"bytes": rawValue, "string": textValue, "json": documentValue, "cbor": documentValue, "envelope": envelopeValue,
}

// rawValue takes the payload over: the memory in which it arrived is not written to again. A message without one is no tombstone.
func rawValue(r *connect.SourceRecord, in *inbound) error {
	if in.payload == nil {
		in.payload = []byte{}
	}
	r.SetBytes(in.payload)
	return nil
}

func textValue(r *connect.SourceRecord, in *inbound) error {
	if !utf8.Valid(in.payload) {
		return fmt.Errorf("the payload of a message on %q is not UTF-8: set mqtt.payload.format=bytes", in.pub.Topic)
	}
	r.SetString(string(in.payload))
	return nil
}

// documentValue decodes; an empty payload, which is how retained messages are deleted, is null.
func documentValue(r *connect.SourceRecord, in *inbound) error {
	if len(in.payload) == 0 {
		return nil
	}
	v, err := in.document()
	if err != nil {
		return fmt.Errorf("the payload of a message on %q is not what mqtt.payload.format says: %w", in.pub.Topic, err)
	}
	r.Value = v
	return nil
}

// expiresIn is what is left of a message's expiry, in seconds, not below 0.
func expiresIn(seconds uint32, arrived int64) int64 {
	return max(0, int64(seconds)-int64(time.Since(time.UnixMilli(arrived))/time.Second))
}
