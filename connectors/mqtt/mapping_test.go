package mqtt

import (
	"fmt"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func routeOf(t *testing.T, cfg connect.Config, topic string) (string, error) {
	t.Helper()
	r, err := newRoutes(cfg)
	require.NoError(t, err)
	return r.of(&packets.Publish{Topic: topic, Properties: &packets.Properties{}})
}

func TestKafkaTopicComesFromTheFirstMatchingRuleThenFromTheTemplate(t *testing.T) {
	cfg := connect.Config{
		"topic.regex.list": `temperature:.*temperature,line-$1_raw:plant/(\d+)/.*`,
		"kafka.topic":      "${topic}",
	}
	for topic, want := range map[string]string{
		"plant/7/temperature": "temperature",
		"plant/7/pressure":    "line-7_raw",
		"other/ä b":           "other___b",
	} {
		got, err := routeOf(t, cfg, topic)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestMessageWithoutAKafkaTopicIsAnErrorOrForgotten(t *testing.T) {
	cfg := connect.Config{"topic.regex.list": "a:x"}
	_, err := routeOf(t, cfg, "y")
	assert.ErrorContains(t, err, "kafka.topic.unmatched")
	cfg["kafka.topic.unmatched"] = "drop"
	_, err = routeOf(t, cfg, "y")
	assert.ErrorIs(t, err, errDropped)
}

func TestKafkaTopicNamesStayLegal(t *testing.T) {
	_, err := routeOf(t, connect.Config{"kafka.topic": "${topic}"}, strings.Repeat("x", 250))
	assert.ErrorContains(t, err, "249")
	_, err = routeOf(t, connect.Config{"kafka.topic": "${topic}"}, "..")
	assert.Error(t, err)
	_, err = newRoutes(connect.Config{})
	assert.ErrorContains(t, err, "kafka.topic")
}

func TestUnmappableMessageIsRejectedWithItsPayload(t *testing.T) {
	m, err := newMapping(connect.Config{"kafka.topic": "t", "mqtt.payload.format": "string"})
	require.NoError(t, err)
	b := connect.NewBatch(10, 1<<20)
	m.add(b, nil, connect.Offset{}, &message{tag: 7, pub: packets.Publish{Topic: "a", Payload: []byte{0xff}, Properties: &packets.Properties{}}})
	r := b.Records()[0]
	assert.ErrorContains(t, r.Rejected(), "mqtt.payload.format=bytes")
	assert.Equal(t, []byte{0xff}, r.Value.Bytes())
	assert.EqualValues(t, 7, r.Tag)
}

func TestHeadersOfOneRecordDoNotReachIntoTheNext(t *testing.T) {
	m, err := newMapping(connect.Config{"kafka.topic": "t"})
	require.NoError(t, err)
	b := connect.NewBatch(1000, 1<<20)
	for i := range 500 {
		m.add(b, nil, connect.Offset{}, &message{pub: packets.Publish{Topic: fmt.Sprint(i), Properties: &packets.Properties{}}})
	}
	for i := range b.Records() {
		r := &b.Records()[i]
		r.Header("added", connect.StringSchema, connect.String("by a transform"))
	}
	for i, r := range b.Records() {
		require.Equal(t, fmt.Sprint(i), r.Headers[0].Value.Str())
		require.Len(t, r.Headers, 5)
	}
}

func BenchmarkMapping(b *testing.B) {
	for name, cfg := range map[string]connect.Config{
		"fixed topic":         {"kafka.topic": "readings"},
		"topic per level":     {"kafka.topic": "readings-${topic[1]}"},
		"without MQTT header": {"kafka.topic": "readings", "mqtt.headers.enabled": "false"},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := newMapping(cfg)
			require.NoError(b, err)
			batch := connect.NewBatch(1000, 1<<30)
			msg := &message{tag: 1, at: 1, pub: packets.Publish{
				Topic: "plant/7/temperature", QoS: 1, PacketID: 9, Payload: make([]byte, 256), Properties: &packets.Properties{},
			}}
			b.ReportAllocs()
			for b.Loop() {
				m.add(batch, nil, connect.Offset{}, msg)
				if batch.Len() == 1000 {
					batch.Reset()
				}
			}
		})
	}
}
