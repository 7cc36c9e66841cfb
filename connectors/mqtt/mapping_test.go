package mqtt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func routeOf(t *testing.T, cfg connect.Config, topic string) (string, error) {
	t.Helper()
	r, err := newRoutes(cfg, nil)
	require.NoError(t, err)
	return r.of(&inbound{pub: &packets.Publish{Topic: topic, Properties: &packets.Properties{}}})
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
	_, err = newRoutes(connect.Config{}, nil)
	assert.ErrorContains(t, err, "kafka.topic")
}

// mapped is what a mapping with these settings makes of a message; nil for nothing.
func mapped(t *testing.T, pub *packets.Publish, settings ...string) *connect.SourceRecord {
	t.Helper()
	cfg := connect.Config{"kafka.topic": "t"}
	for i := 0; i < len(settings); i += 2 {
		cfg[settings[i]] = settings[i+1]
	}
	m, err := newMapping(cfg)
	require.NoError(t, err)
	if pub.Properties == nil {
		pub.Properties = &packets.Properties{}
	}
	b := connect.NewBatch(10, 1<<20)
	if !m.add(b, nil, connect.Offset{}, &message{tag: 7, at: time.Now().UnixMilli(), pub: *pub}) {
		return nil
	}
	return &b.Records()[0]
}

func TestPayloadFormatsMakeValues(t *testing.T) {
	doc := []byte(`{"t":21.5,"n":7}`)
	r := mapped(t, &packets.Publish{Topic: "a", Payload: doc}, "mqtt.payload.format", "json")
	require.NoError(t, r.Rejected())
	assert.Equal(t, map[any]any{"t": 21.5, "n": int64(7)}, r.Value.Any())
	assert.Nil(t, r.ValueSchema)

	assert.Equal(t, `{"t":21.5,"n":7}`, mapped(t, &packets.Publish{Topic: "a", Payload: doc}, "mqtt.payload.format", "string").Value.Str())

	r = mapped(t, &packets.Publish{Topic: "a", Payload: []byte{0xa1, 0x61, 'n', 0x07}}, "mqtt.payload.format", "cbor", "kafka.key", "${json:$.n}")
	assert.Equal(t, map[any]any{"n": int64(7)}, r.Value.Any())
	assert.Equal(t, "7", r.Key.Str())

	expiry := uint32(60)
	r = mapped(t, &packets.Publish{Topic: "a", Payload: doc, QoS: 1, Retain: true, Properties: &packets.Properties{
		ContentType: "x", CorrelationData: []byte{1}, MessageExpiry: &expiry, User: []packets.User{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}},
	}}, "mqtt.payload.format", "envelope")
	require.NoError(t, connect.CheckValue(r.ValueSchema, r.Value))
	s := r.Value.Struct()
	assert.Equal(t, "a", s.Get("topic").Str())
	assert.Equal(t, doc, s.Get("payload").Bytes())
	assert.True(t, s.Get("retained").Bool())
	p := s.Get("properties").Struct()
	assert.EqualValues(t, 60, p.Get("message_expiry_interval").Int64())
	assert.Equal(t, "2", p.Get("user").Array()[1].Struct().Get("value").Str())
}

func TestAMessageWithoutPayloadIsNoTombstoneUnlessItIsDecoded(t *testing.T) {
	for format, null := range map[string]bool{"bytes": false, "string": false, "envelope": false, "json": true, "cbor": true} {
		r := mapped(t, &packets.Publish{Topic: "a"}, "mqtt.payload.format", format)
		require.NoError(t, r.Rejected())
		assert.Equal(t, null, r.Value.IsNull(), format)
	}
}

func TestADamagedOrTooLongPayloadIsRejectedAsItCame(t *testing.T) {
	for _, c := range []struct{ payload, key, value, says string }{
		{"{", "mqtt.payload.format", "json", "mqtt.payload.format"},
		{"\xff", "mqtt.payload.format", "string", "mqtt.payload.format=bytes"},
		{"plain", "mqtt.payload.compression", "gzip", "mqtt.payload.compression"},
		{"plain", "mqtt.payload.max.bytes", "4", "mqtt.payload.max.bytes=4"},
		{"[1]", "kafka.key", "${json:$.id}", "${json:$.id:-text}"},
		{"nope", "kafka.topic", "t-${json:$.id}", "looking into the payload"},
	} {
		r := mapped(t, &packets.Publish{Topic: "a/b", Payload: []byte(c.payload)}, c.key, c.value)
		if assert.ErrorContains(t, r.Rejected(), c.says) {
			assert.Equal(t, c.payload, string(r.Value.Bytes()), "the dead letter has the payload as it came")
			assert.Equal(t, "a/b", r.Headers[0].Value.Str())
			assert.EqualValues(t, 7, r.Tag)
		}
	}
}

func TestMessagesAreForgottenOnPurpose(t *testing.T) {
	expired := uint32(0)
	pub := func() *packets.Publish {
		return &packets.Publish{Topic: "a", Properties: &packets.Properties{MessageExpiry: &expired, User: []packets.User{{Key: "kafka-loop-id", Value: "me"}}}}
	}
	assert.NotNil(t, mapped(t, pub()))
	assert.Nil(t, mapped(t, pub(), "mqtt.expired.messages", "drop"))
	assert.Nil(t, mapped(t, pub(), "mqtt.loop.id", "me"))
	assert.NotNil(t, mapped(t, pub(), "mqtt.loop.id", "other"))
}

func TestTheTimeOfARecordMayComeFromTheDevice(t *testing.T) {
	const at = 1_700_000_000_123
	for source, want := range map[string]bool{
		"user_property:ms": true, "user_property:iso": true, "json:$.at": true,
		"user_property:none": false, "user_property:bad": false, "json:$.none": false, "received": false,
	} {
		r := mapped(t, &packets.Publish{Topic: "a", Payload: []byte(`{"at":1700000000123}`), Properties: &packets.Properties{User: []packets.User{
			{Key: "ms", Value: "1700000000123"}, {Key: "iso", Value: "2023-11-14T22:13:20.123Z"}, {Key: "bad", Value: "noon"},
		}}}, "mqtt.timestamp.source", source)
		require.NoError(t, r.Rejected(), source)
		assert.Equal(t, want, r.Timestamp == at, source)
		if !want {
			assert.WithinDuration(t, time.Now(), time.UnixMilli(r.Timestamp), time.Minute, source)
		}
	}
	_, err := newMapping(connect.Config{"kafka.topic": "t", "mqtt.timestamp.source": "yesterday"})
	assert.ErrorContains(t, err, "mqtt.timestamp.source")
}

func headerTexts(headers []connect.Header) []string {
	var texts []string
	for _, h := range headers {
		texts = append(texts, fmt.Sprintf("%s=%s:%s", h.Key, h.Value, h.Value.Kind()))
	}
	return texts
}

func TestHeadersAreEncodedAsAsked(t *testing.T) {
	pub := func() *packets.Publish {
		return &packets.Publish{Topic: "a", QoS: 1, PacketID: 9, Properties: &packets.Properties{CorrelationData: []byte{0xff}, User: []packets.User{{Key: "k", Value: "1"}}}}
	}
	for encoding, want := range map[string][]string{
		"typed":  {"mqtt.topic=a:string", "mqtt.message.id=9:int32", "mqtt.qos=1:int32", "mqtt.retained=false:boolean", "mqtt.duplicate=false:boolean", "mqtt.correlation.data=ff:bytes", "k=1:string"},
		"string": {"mqtt.topic=a:string", "mqtt.message.id=9:string", "mqtt.qos=1:string", "mqtt.retained=false:string", "mqtt.duplicate=false:string", "mqtt.correlation.data=/w==:string", "k=1:string"},
		"bytes":  {"mqtt.topic=61:bytes", "mqtt.message.id=39:bytes", "mqtt.qos=31:bytes", "mqtt.retained=66616c7365:bytes", "mqtt.duplicate=66616c7365:bytes", "mqtt.correlation.data=ff:bytes", "k=31:bytes"},
	} {
		r := mapped(t, pub(), "mqtt.headers.encoding", encoding)
		assert.Equal(t, want, headerTexts(r.Headers), encoding)
		for _, h := range r.Headers {
			require.NoError(t, connect.CheckValue(h.Schema, h.Value), "%s: %s", encoding, h.Key)
		}
	}
}

func TestCloudEventsGetTheirNamesInKafka(t *testing.T) {
	user := []packets.User{{Key: "specversion", Value: "1.0"}, {Key: "id", Value: "7"}, {Key: "Other-Name", Value: "x"}}
	r := mapped(t, &packets.Publish{Topic: "a", Properties: &packets.Properties{ContentType: "application/json", User: user}},
		"mqtt.cloudevents", "binary")
	assert.Equal(t, []string{"content-type=application/json:string", "ce_specversion=1.0:string", "ce_id=7:string", "Other-Name=x:string"},
		headerTexts(r.Headers)[4:])
	r = mapped(t, &packets.Publish{Topic: "a", Properties: &packets.Properties{ContentType: "x", User: user[1:]}}, "mqtt.cloudevents", "binary")
	assert.Equal(t, "mqtt.content.type=x:string", headerTexts(r.Headers)[4], "no event")
}

func TestNoNameOfAUserPropertyIsForgedOrLost(t *testing.T) {
	for name, header := range map[string]string{
		"k": "k", "mqtt.qos": "user.mqtt.qos", "user.mqtt.qos": "user.user.mqtt.qos", "user.name": "user.name",
		"__connect.errors.topic": "user.__connect.errors.topic", "MQTT.x": "MQTT.x", "": "",
	} {
		assert.Equal(t, header, deviceHeader(name))
		assert.Equal(t, name, propertyName(header))
	}
}

func TestAFilterIsFoundByTheTopicAlone(t *testing.T) {
	set := newFilterSet([]string{"a/+/c", "$share/g/b/#", "+/x", "#"})
	for topic, want := range map[string]string{
		"a/b/c": "a/+/c", "a//c": "a/+/c", "b": "$share/g/b/#", "b/c/d": "$share/g/b/#", "q/x": "+/x", "a/b": "#", "/x": "+/x", "": "#",
	} {
		got, ok := set.of(topic)
		assert.True(t, ok, topic)
		assert.Equal(t, want, got, topic)
	}
	_, ok := set.of("$SYS/x")
	assert.False(t, ok, "wildcards do not match what begins with $")
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

func TestMappingAllocatesNearlyNothing(t *testing.T) {
	for name, cfg := range map[string]connect.Config{
		"fixed topic":     {"kafka.topic": "readings"},
		"topic per level": {"kafka.topic": "readings-${topic[1]}"},
		"without headers": {"kafka.topic": "readings", "mqtt.headers.enabled": "false"},
	} {
		m, err := newMapping(cfg)
		require.NoError(t, err)
		batch := connect.NewBatch(1000, 1<<30)
		msg := &message{tag: 1, at: 1, pub: packets.Publish{Topic: "plant/7/temperature", QoS: 1, PacketID: 9, Payload: make([]byte, 256), Properties: &packets.Properties{}}}
		per := testing.AllocsPerRun(100, func() {
			batch.Reset()
			for range 1000 {
				m.add(batch, nil, connect.Offset{}, msg)
			}
		}) / 1000
		assert.Less(t, per, 0.1, name) // headers are cut from chunks
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
