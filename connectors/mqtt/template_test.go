package mqtt

import (
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestTemplatesReadTopicsLevelsAndProperties(t *testing.T) {
	pub := &packets.Publish{Topic: "plant/7/line/temp", Properties: &packets.Properties{
		ContentType: "text/plain", User: []packets.User{{Key: "site", Value: "north"}},
	}}
	in := &inbound{pub: pub, payload: []byte(`{"device":{"id":42},"tags":["a","b"],"on":null}`)}
	filters := newFilterSet([]string{"plant/+/pressure/#", "plant/+/line/#"})
	for text, want := range map[string]string{
		"fixed":                      "fixed",
		"${topic}":                   "plant/7/line/temp",
		"${topic[0]}":                "plant",
		"${topic[-1]}":               "temp",
		"${topic[1:3]}":              "7/line",
		"${topic[1:-1]}":             "7/line",
		"${topic[2:4]}":              "line/temp",
		"a-${topic[1]}-${user.site}": "a-7-north",
		"${content.type}":            "text/plain",
		"${user.none:-x}":            "x",
		"${topic[9]:-}":              "",
		"${filter}":                  "plant/+/line/#",
		"${json:$.device.id}":        "42",
		"${json:$.tags[-1]}":         "b",
		"${json:$['device']['id']}":  "42",
		"${json:$.on:-off}":          "off",
		"${json:device.none:-x}":     "x",
	} {
		compiled, err := compile(text, inboundVariable(filters))
		require.NoError(t, err, text)
		got, err := compiled.render(in)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestTemplatesRefuseWhatTheyDoNotKnow(t *testing.T) {
	for _, text := range []string{"${nothing}", "${topic[x]}", "${topic", "${topic[1:b]}", "${json:$.a[}", "${client.id}"} {
		_, err := compile(text, inboundVariable(nil))
		assert.Error(t, err, text)
	}
	compiled, err := compile("${user.none}", inboundVariable(nil))
	require.NoError(t, err)
	_, err = compiled.render(&inbound{pub: &packets.Publish{Properties: &packets.Properties{}}})
	assert.ErrorContains(t, err, "${user.none:-text}")
}

func TestSinkTopicVariablesMayNotBringLevelsUnlessTheySaySo(t *testing.T) {
	schema := connect.StructSchema("reading", connect.F("site", connect.StringSchema))
	r := &connect.SinkRecord{Consumed: connect.TopicPartition{Topic: "t", Partition: 3}}
	r.Topic = "t"
	r.SetKey("a/b")
	r.SetStruct(connect.NewStruct(schema).Set("site", connect.String("north")))
	r.Header("h", connect.Int32Schema, connect.Int32(5))
	for text, want := range map[string]string{
		"${kafka.topic}/${partition}": "t/3",
		"x/${key:path}":               "x/a/b",
		"x/${header.h}":               "x/5",
		"x/${value.site}":             "x/north",
		"x/${value.none:-n}":          "x/n",
	} {
		compiled, err := compile(text, recordVariable(false))
		require.NoError(t, err, text)
		got, err := compiled.render(r)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	compiled, err := compile("x/${key}", recordVariable(false))
	require.NoError(t, err)
	_, err = compiled.render(r)
	assert.ErrorContains(t, err, "${key:path}")
}
