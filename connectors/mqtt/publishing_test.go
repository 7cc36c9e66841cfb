package mqtt

import (
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// published is what a sink with these settings makes of a record.
func published(t *testing.T, r *connect.SinkRecord, settings ...string) (*packets.Publish, error) {
	t.Helper()
	cfg := connect.Config{"mqtt.topic": "c/1"}
	for i := 0; i < len(settings); i += 2 {
		cfg[settings[i]] = settings[i+1]
	}
	p, err := newPublishing(cfg)
	require.NoError(t, err)
	return p.message(r)
}

// command is a record with a value and headers, names and values in turn.
func command(value connect.Value, headers ...connect.Value) *connect.SinkRecord {
	r := &connect.SinkRecord{Consumed: connect.TopicPartition{Topic: "plant.commands"}}
	r.Topic, r.Timestamp, r.Value = "plant.commands", time.Now().UnixMilli(), value
	for i := 0; i < len(headers); i += 2 {
		r.Header(headers[i].Str(), nil, headers[i+1])
	}
	return r
}

func TestValuesBecomePayloads(t *testing.T) {
	list := connect.Array([]connect.Value{connect.Int64(1), connect.String("x")})
	for _, c := range []struct {
		format string
		value  connect.Value
		want   string
		text   bool
	}{
		{"auto", connect.Bytes([]byte{0xff}), "\xff", false},
		{"auto", connect.String("on"), "on", true},
		{"auto", connect.Float64(21.5), "21.5", false},
		{"auto", list, `[1,"x"]`, true},
		{"bytes", connect.String("on"), "on", false},
		{"string", connect.Bytes([]byte("on")), "on", false},
		{"json", connect.String("on"), `"on"`, true},
		{"json", connect.Bytes([]byte{1}), `"AQ=="`, true},
	} {
		pub, err := published(t, command(c.value), "mqtt.payload.format", c.format)
		require.NoError(t, err)
		assert.Equal(t, c.want, string(pub.Payload))
		assert.Equal(t, c.text, pub.Properties.PayloadFormat != nil, "%s %v", c.format, c.value)
	}
	_, err := published(t, command(list), "mqtt.payload.format", "bytes")
	assert.ErrorContains(t, err, "mqtt.payload.format=bytes")
	_, err = published(t, command(connect.Bytes([]byte{0xff})), "mqtt.payload.format", "string")
	assert.ErrorContains(t, err, "UTF-8")
}

func TestARecordsOwnHeadersDecideWhateverTheirType(t *testing.T) {
	str, n := connect.String, connect.Int32
	pub, err := published(t, command(str("x"), str("mqtt.qos"), n(2), str("mqtt.retained"), connect.Boolean(true),
		str("mqtt.message.expiry.interval"), connect.Int8(9), str("mqtt.content.type"), connect.Bytes([]byte("text/x")),
		str("mqtt.correlation.data"), connect.Bytes([]byte{0xff}), str("mqtt.response.topic"), str("r"), str("dest"), str("a/b")), "mqtt.topic.header", "dest")
	require.NoError(t, err)
	assert.Equal(t, "a/b", pub.Topic)
	assert.EqualValues(t, 2, pub.QoS)
	assert.True(t, pub.Retain)
	assert.EqualValues(t, 9, *pub.Properties.MessageExpiry)
	assert.Equal(t, "text/x", pub.Properties.ContentType)
	assert.Equal(t, "r", pub.Properties.ResponseTopic)
	assert.Equal(t, []byte{0xff}, pub.Properties.CorrelationData)
	assert.Empty(t, pub.Properties.User)

	for header, value := range map[string]connect.Value{
		"mqtt.qos": n(3), "mqtt.retained": str("TRUE"), "mqtt.message.expiry.interval": n(-1), "dest": str("a/#"),
	} {
		_, err := published(t, command(str("x"), str(header), value), "mqtt.topic.header", "dest")
		assert.ErrorContains(t, err, header)
	}
	pub, err = published(t, command(str("x"), str("mqtt.qos"), n(0)), "mqtt.qos.header", "")
	require.NoError(t, err)
	assert.EqualValues(t, 1, pub.QoS, "an empty header name switches that off")
}

func TestHeadersBecomeUserPropertiesInTheirOrder(t *testing.T) {
	str := connect.String
	r := command(str("x"), str("b"), str("1"), str("a"), connect.Int64(2), str("b"), connect.Boolean(true), str("user.mqtt.qos"), str("forged"),
		str("mqtt.topic"), str("never"), str("raw"), connect.Bytes([]byte{0xff}), str("nul"), str("a\x00"), str("long"), str(strings.Repeat("x", 65536)),
		str("list"), connect.Array([]connect.Value{connect.Int64(1)}))
	pub, err := published(t, r)
	require.NoError(t, err)
	assert.Equal(t, []packets.User{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "true"}, {Key: "mqtt.qos", Value: "forged"},
		{Key: "raw", Value: "/w=="}, {Key: "nul", Value: "YQA="}, {Key: "list", Value: "[1]"}}, pub.Properties.User)

	pub, err = published(t, r, "mqtt.user.properties.headers", "a*,nul", "mqtt.header.non.utf8", "drop")
	require.NoError(t, err)
	assert.Equal(t, []packets.User{{Key: "a", Value: "2"}}, pub.Properties.User)
	pub, err = published(t, r, "mqtt.user.properties.headers", "")
	require.NoError(t, err)
	assert.Empty(t, pub.Properties.User)
	_, err = published(t, r, "mqtt.header.non.utf8", "fail")
	assert.ErrorContains(t, err, `"raw"`)
}

func TestSettingsAddPropertiesThatARecordLacks(t *testing.T) {
	r := command(connect.String("x"), connect.String("id"), connect.Int64(5), connect.String("ce_type"), connect.String("on"))
	r.SetKey("pump-1")
	pub, err := published(t, r, "mqtt.content.type", "text/plain", "mqtt.response.topic", "answers", "mqtt.correlation.header", "id",
		"mqtt.header.add.key", "true", "mqtt.header.add.timestamp", "true", "mqtt.loop.id", "me", "mqtt.cloudevents", "binary",
		"mqtt.message.expiry.interval.seconds", "60")
	require.NoError(t, err)
	assert.Equal(t, "text/plain", pub.Properties.ContentType)
	assert.Equal(t, "answers", pub.Properties.ResponseTopic)
	assert.Equal(t, []byte("5"), pub.Properties.CorrelationData)
	assert.EqualValues(t, 60, *pub.Properties.MessageExpiry)
	var names []string
	for _, u := range pub.Properties.User {
		names = append(names, u.Key)
	}
	assert.Equal(t, []string{"type", "kafka.key", "kafka.timestamp", "kafka-loop-id"}, names)
}

func TestTombstonesAndOldRecords(t *testing.T) {
	null := command(connect.Value{})
	for behaviour, sends := range map[string]bool{"ignore": false, "publish_empty": true, "clear_retained": true} {
		pub, err := published(t, null, "behavior.on.null.values", behaviour)
		require.NoError(t, err)
		if assert.Equal(t, sends, pub != nil, behaviour) && sends {
			assert.Empty(t, pub.Payload)
			assert.Equal(t, behaviour == "clear_retained", pub.Retain)
		}
	}
	_, err := published(t, null, "behavior.on.null.values", "fail")
	assert.ErrorContains(t, err, "behavior.on.null.values")

	old := command(connect.String("x"))
	old.Timestamp -= 5000
	pub, err := published(t, old, "mqtt.stale.after.ms", "1000")
	require.NoError(t, err)
	assert.Nil(t, pub)
	pub, err = published(t, old, "mqtt.stale.after.ms", "60000")
	require.NoError(t, err)
	assert.NotNil(t, pub)
}

func TestDotsBecomeSlashesIfAsked(t *testing.T) {
	for dots, want := range map[string]string{"false": "plant.commands", "true": "plant/commands"} {
		pub, err := published(t, command(connect.String("x")), "mqtt.topic", "${kafka.topic}", "mqtt.topic.dot.to.slash", dots)
		require.NoError(t, err)
		assert.Equal(t, want, pub.Topic)
	}
}
