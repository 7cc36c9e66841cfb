package mqtt

import (
	"bytes"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	packets3 "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestPublishIsWrittenAsPahoWritesIt(t *testing.T) {
	all := everyProperty()
	all.Properties.SubscriptionIdentifier, all.Properties.TopicAlias = nil, nil // the server's, and the connection's
	for _, p := range []*packets.Publish{
		all,
		{Topic: "a", Properties: noProperties},
		{Topic: "a", QoS: 1, PacketID: 65535, Payload: make([]byte, 300), Properties: &packets.Properties{}},
		{Topic: "a", QoS: 1, PacketID: 1, Payload: make([]byte, 1<<21), Properties: &packets.Properties{}},
	} {
		var e encoder
		got := e.publish(nil, p)
		assert.Equal(t, encode(t, p), got)
		assert.Equal(t, len(got), e.size(p))
	}
}

func TestPublishOfMQTT311IsReadByPaho(t *testing.T) {
	p := everyProperty()
	read, err := packets3.ReadPacket(bytes.NewReader((&encoder{plain: true}).publish(nil, p)))
	require.NoError(t, err)
	got := read.(*packets3.PublishPacket)
	assert.Equal(t, p.Topic, got.TopicName)
	assert.Equal(t, p.Payload, got.Payload)
	assert.Equal(t, p.PacketID, got.MessageID)
	assert.Equal(t, []any{p.QoS, p.Duplicate, p.Retain}, []any{got.Qos, got.Dup, got.Retain})
}

func TestAPacketThatATopicAliasWouldMakeTooLongHasNone(t *testing.T) {
	p := &packets.Publish{Topic: "plant/7", Payload: make([]byte, 100), Properties: noProperties}
	e := encoder{aliases: newAliases(1)}
	e.most = e.size(p)
	assert.False(t, e.tooLong(p))
	assert.Equal(t, encode(t, p), e.publish(nil, p))
	p.Payload = make([]byte, 101)
	assert.True(t, e.tooLong(p))
	p.Payload = make([]byte, 90)
	d := decoder{aliases: make([]string, 1)}
	for range 2 {
		m, err := decode(&d, e.publish(nil, p), payloadMost)
		require.NoError(t, err)
		assert.Equal(t, p.Topic, m.pub.Topic)
		assert.EqualValues(t, 1, *m.pub.Properties.TopicAlias)
	}
}

// BenchmarkPublishing is what the sink does with a record, without a network.
func BenchmarkPublishing(b *testing.B) {
	for name, headers := range map[string]bool{"no headers": false, "all headers": true} {
		b.Run(name, func(b *testing.B) {
			p, err := newPublishing(connect.Config{"mqtt.topic": "c/1"})
			require.NoError(b, err)
			r := command(connect.Bytes(make([]byte, 256)))
			if headers {
				r.Headers = mappedHeaders()
			}
			var out []byte
			var e encoder
			b.ReportAllocs()
			for b.Loop() {
				pub, err := p.message(r)
				if err != nil {
					b.Fatal(err)
				}
				out = e.publish(out[:0], pub)
			}
		})
	}
}

// mappedHeaders are those that the source makes of a message with every property.
func mappedHeaders() []connect.Header {
	var r connect.Record
	for _, h := range []struct {
		name  string
		value connect.Value
	}{
		{"mqtt.topic", connect.String("plant/7")}, {"mqtt.qos", connect.Int32(1)}, {"mqtt.retained", connect.Boolean(false)},
		{"mqtt.duplicate", connect.Boolean(false)}, {"mqtt.message.id", connect.Int32(7)}, {"mqtt.content.type", connect.String("text/plain")},
		{"mqtt.response.topic", connect.String("reply")}, {"mqtt.correlation.data", connect.Bytes([]byte{1, 2})},
		{"mqtt.message.expiry.interval", connect.Int64(60)}, {"a", connect.String("1")}, {"b", connect.String("2")},
	} {
		r.Header(h.name, nil, h.value)
	}
	return r.Headers
}

func TestPublishingAllocatesNearlyNothing(t *testing.T) {
	p, err := newPublishing(connect.Config{"mqtt.topic": "c/1"})
	require.NoError(t, err)
	r := command(connect.Bytes(make([]byte, 256)))
	var e encoder
	out := make([]byte, 0, 1<<10)
	make1 := func() {
		pub, err := p.message(r)
		require.NoError(t, err)
		out = e.publish(out[:0], pub)
	}
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, make1), 0.1, "a message, in pieces of %d", chunkMessages)
	r.Headers = mappedHeaders()
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, make1), 2.1, "its expiry and its user properties besides")
}
