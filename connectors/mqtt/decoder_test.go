package mqtt

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// encode writes a packet as paho does.
func encode(t testing.TB, p packets.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

// decode reads one whole packet that is a PUBLISH.
func decode(d *decoder, packet []byte, most int) (message, error) {
	h, err := readHeader(packet)
	if err != nil {
		return message{}, err
	}
	if h.size() != len(packet) || h.kind != packets.PUBLISH {
		return message{}, malformed("not one PUBLISH")
	}
	var m message
	return m, d.publish(h, packet[h.head:], most, &m)
}

func pointer[T any](v T) *T { return &v }

// everyProperty is a PUBLISH with all that one may have.
func everyProperty() *packets.Publish {
	return &packets.Publish{
		Topic: "plant/7", PacketID: 9, QoS: 2, Duplicate: true, Retain: true, Payload: []byte("payload"),
		Properties: &packets.Properties{
			PayloadFormat: pointer[byte](1), MessageExpiry: pointer[uint32](70_000), ContentType: "text/plain", ResponseTopic: "reply/+",
			CorrelationData: []byte{0, 1}, SubscriptionIdentifier: pointer(300), TopicAlias: pointer[uint16](3),
			User: []packets.User{{Key: "k", Value: "1"}, {Key: "k", Value: ""}, {Key: "ü", Value: "2"}},
		},
	}
}

func TestPublishIsReadAsPahoWritesIt(t *testing.T) {
	d := decoder{aliases: make([]string, 3)}
	for _, p := range []*packets.Publish{
		everyProperty(),
		{Topic: "a", Properties: &packets.Properties{}},
		{Topic: "a", QoS: 1, PacketID: 65535, Payload: make([]byte, 300), Properties: &packets.Properties{}},
	} {
		m, err := decode(&d, encode(t, p), payloadMost)
		require.NoError(t, err)
		assert.Equal(t, p.Payload, append([]byte(nil), m.pub.Payload...))
		m.pub.Payload = p.Payload
		assert.Equal(t, *p, m.pub)
	}
}

func TestPropertiesOfOneMessageDoNotRunIntoTheNext(t *testing.T) {
	d := decoder{aliases: make([]string, 3)}
	packet := encode(t, everyProperty())
	var all []message
	for range 3 * chunkUsers {
		m, err := decode(&d, packet, payloadMost)
		require.NoError(t, err)
		all = append(all, m)
	}
	for _, m := range all {
		assert.Equal(t, everyProperty().Properties, m.pub.Properties)
		assert.Equal(t, cap(m.pub.Properties.User), len(m.pub.Properties.User))
	}
}

func TestTopicAliasStandsForItsTopic(t *testing.T) {
	d := decoder{aliases: make([]string, 2)}
	publish := func(topic string, alias uint16) (string, error) {
		m, err := decode(&d, encode(t, &packets.Publish{Topic: topic, Properties: &packets.Properties{TopicAlias: &alias}}), payloadMost)
		return m.pub.Topic, err
	}
	for _, step := range []struct {
		topic string
		alias uint16
		want  string
	}{{"a", 1, "a"}, {"b", 2, "b"}, {"", 1, "a"}, {"c", 1, "c"}, {"", 1, "c"}, {"", 2, "b"}} {
		got, err := publish(step.topic, step.alias)
		require.NoError(t, err)
		assert.Equal(t, step.want, got)
	}
}

func TestPacketsThatMQTTForbidsAreNamedWithTheirReasonCode(t *testing.T) {
	body := func(flags byte, b ...byte) []byte {
		return append([]byte{packets.PUBLISH<<4 | flags, byte(len(b))}, b...)
	}
	for name, c := range map[string]struct {
		packet []byte
		code   byte
		text   string
	}{
		"QoS 3":              {body(6, 0, 1, 'a', 0, 1, 0), 0x81, "QoS 3"},
		"DUP at QoS 0":       {body(8, 0, 1, 'a', 0), 0x81, "DUP"},
		"no topic":           {body(0), 0x81, "ends too soon"},
		"topic cut":          {body(0, 0, 5, 'a'), 0x81, "ends too soon"},
		"NUL in topic":       {body(0, 0, 1, 0, 0), 0x81, "NUL"},
		"not UTF-8":          {body(0, 0, 1, 0xff, 0), 0x81, "UTF-8"},
		"surrogate":          {body(0, 0, 3, 0xed, 0xa0, 0x80, 0), 0x81, "UTF-8"},
		"wildcard":           {body(0, 0, 1, '#', 0), 0x90, "wildcard"},
		"empty topic":        {body(0, 0, 0, 0), 0x82, "neither topic nor topic alias"},
		"packet id 0":        {body(2, 0, 1, 'a', 0, 0, 0), 0x82, "packet id 0"},
		"properties cut":     {body(0, 0, 1, 'a', 9, 1, 1), 0x81, "longer than the packet"},
		"property cut":       {body(0, 0, 1, 'a', 2, 2, 1), 0x81, "ends too soon"},
		"foreign property":   {body(0, 0, 1, 'a', 3, 33, 0, 1), 0x81, "property 0x21"},
		"property twice":     {body(0, 0, 1, 'a', 4, 1, 1, 1, 1), 0x82, "property 0x01 twice"},
		"subscription id 0":  {body(0, 0, 1, 'a', 2, 11, 0), 0x82, "subscription identifier 0"},
		"alias 0":            {body(0, 0, 1, 'a', 3, 35, 0, 0), 0x94, "topic alias 0"},
		"alias too large":    {body(0, 0, 1, 'a', 3, 35, 0, 2), 0x94, "topic alias 2"},
		"alias without text": {body(0, 0, 0, 3, 35, 0, 1), 0x82, "no topic yet"},
		"length of 5 bytes":  {[]byte{packets.PUBLISH << 4, 0x80, 0x80, 0x80, 0x80, 1}, 0x81, "four bytes"},
		"length too long":    {[]byte{packets.PUBLISH << 4, 0x80, 0}, 0x81, "more bytes than it needs"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(&decoder{aliases: make([]string, 1)}, c.packet, payloadMost)
			var broken *violation
			require.ErrorAs(t, err, &broken)
			assert.Equal(t, c.code, broken.code)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestAnswersAreReadAsPahoWritesThem(t *testing.T) {
	props := &packets.Properties{ReasonString: "why", User: []packets.User{{Key: "a", Value: "b"}}}
	for _, c := range []struct {
		packet packets.Packet
		want   answer
	}{
		{&packets.Puback{PacketID: 7, Properties: &packets.Properties{}}, answer{packets.PUBACK, 0, 7}},
		{&packets.Puback{PacketID: 7, ReasonCode: 0x87, Properties: props}, answer{packets.PUBACK, 0x87, 7}},
		{&packets.Pubrec{PacketID: 65535, ReasonCode: 0x10, Properties: props}, answer{packets.PUBREC, 0x10, 65535}},
		{&packets.Pubrel{PacketID: 1, Properties: props}, answer{packets.PUBREL, 0, 1}},
		{&packets.Pubcomp{PacketID: 1, ReasonCode: 0x92, Properties: &packets.Properties{}}, answer{packets.PUBCOMP, 0x92, 1}},
	} {
		packet := encode(t, c.packet)
		h, err := readHeader(packet)
		require.NoError(t, err)
		got, err := new(decoder).answer(h, packet[h.head:])
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	for name, packet := range map[string][]byte{
		"flags":            {packets.PUBACK<<4 | 2, 2, 0, 1},
		"PUBREL's flags":   {packets.PUBREL << 4, 2, 0, 1},
		"too short":        {packets.PUBACK << 4, 1, 0},
		"packet id 0":      {packets.PUBACK << 4, 2, 0, 0},
		"foreign property": {packets.PUBACK << 4, 6, 0, 1, 0, 2, 1, 1},
		"bytes behind":     {packets.PUBACK << 4, 5, 0, 1, 0, 0, 1},
		"reason twice":     {packets.PUBACK << 4, 12, 0, 1, 0, 8, 31, 0, 1, 'a', 31, 0, 1, 'a'},
	} {
		h, err := readHeader(packet)
		require.NoError(t, err)
		_, err = new(decoder).answer(h, packet[h.head:])
		assert.Error(t, err, name)
	}
}

func TestPacketsOfMQTT311HaveNoProperties(t *testing.T) {
	d := decoder{plain: true}
	for _, c := range []struct {
		packet []byte
		want   packets.Publish
	}{
		{[]byte{packets.PUBLISH << 4, 4, 0, 1, 'a', 7}, packets.Publish{Topic: "a", Payload: []byte{7}}},
		{[]byte{packets.PUBLISH<<4 | 11, 5, 0, 1, 'a', 1, 2}, packets.Publish{Topic: "a", QoS: 1, Duplicate: true, Retain: true, PacketID: 258, Payload: []byte{}}},
	} {
		m, err := decode(&d, c.packet, payloadMost)
		require.NoError(t, err)
		c.want.Properties = noProperties
		assert.Equal(t, c.want, m.pub)
	}
	_, err := decode(&d, []byte{packets.PUBLISH << 4, 2, 0, 0}, payloadMost)
	assert.ErrorContains(t, err, "neither topic nor topic alias")
	for _, packet := range [][]byte{{packets.PUBACK << 4, 2, 0, 1}, {packets.PUBREL<<4 | 2, 2, 0, 1}} {
		h, err := readHeader(packet)
		require.NoError(t, err)
		a, err := d.answer(h, packet[h.head:])
		require.NoError(t, err)
		assert.Equal(t, answer{kind: packet[0] >> 4, id: 1}, a)
	}
	h, err := readHeader([]byte{packets.PUBACK << 4, 3, 0, 1, 0})
	require.NoError(t, err)
	_, err = d.answer(h, []byte{0, 1, 0})
	assert.Error(t, err, "a reason code is of MQTT 5")
}

// FuzzPublish holds that what is read is what paho reads; paho takes some packets that MQTT forbids.
func FuzzPublish(f *testing.F) {
	f.Add(encode(f, everyProperty()))
	f.Add(encode(f, &packets.Publish{Topic: "a", QoS: 1, PacketID: 1, Payload: []byte("b"), Properties: &packets.Properties{}}))
	f.Add([]byte{packets.PUBLISH << 4, 4, 0, 1, 'a', 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := decode(&decoder{aliases: make([]string, 9)}, packet, payloadMost)
		if err != nil {
			return
		}
		theirs, err := packets.ReadPacket(bytes.NewReader(packet))
		require.NoError(t, err)
		want := theirs.Content.(*packets.Publish)
		assert.True(t, bytes.Equal(want.Payload, m.pub.Payload))
		want.Payload, m.pub.Payload = nil, nil
		assert.Equal(t, *want, m.pub)
	})
}

// FuzzPublishWritten holds that every message that may be sent is taken.
func FuzzPublishWritten(f *testing.F) {
	f.Add("plant/7", []byte("payload"), "text/plain", "key", "value", []byte{1}, uint32(7), byte(1), uint16(3), true)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, content, key, value string, correlation []byte, expiry uint32, qos byte, id uint16, retain bool) {
		for _, s := range []string{topic, content, key, value} {
			if !utf8.ValidString(s) || len(s) > 65535 || bytes.IndexByte([]byte(s), 0) >= 0 {
				t.Skip()
			}
		}
		if topic == "" || bytes.ContainsAny([]byte(topic), "+#") || len(correlation) > 65535 {
			t.Skip()
		}
		p := &packets.Publish{Topic: topic, QoS: qos % 3, Payload: payload, Retain: retain, Properties: &packets.Properties{
			ContentType: content, MessageExpiry: &expiry, CorrelationData: correlation, User: []packets.User{{Key: key, Value: value}},
		}}
		if p.QoS > 0 {
			p.PacketID = max(1, id)
		}
		packet := new(encoder).publish(nil, p)
		assert.Equal(t, encode(t, p), packet, "as paho writes it")
		m, err := decode(new(decoder), packet, len(payload))
		require.NoError(t, err)
		assert.Zero(t, m.tooLong)
		assert.True(t, bytes.Equal(p.Payload, m.pub.Payload))
		assert.True(t, bytes.Equal(p.Properties.CorrelationData, m.pub.Properties.CorrelationData))
		p.Payload, m.pub.Payload, p.Properties.CorrelationData, m.pub.Properties.CorrelationData = nil, nil, nil, nil
		assert.Equal(t, *p, m.pub)
	})
}

// FuzzAnswer holds that what is read is what paho reads.
func FuzzAnswer(f *testing.F) {
	f.Add(encode(f, &packets.Puback{PacketID: 7, ReasonCode: 0x87, Properties: &packets.Properties{ReasonString: "why"}}))
	f.Add([]byte{packets.PUBREL<<4 | 2, 3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		h, err := readHeader(packet)
		if err != nil || h.size() != len(packet) || h.kind < packets.PUBACK || h.kind > packets.PUBCOMP {
			return
		}
		a, err := new(decoder).answer(h, packet[h.head:])
		if err != nil {
			return
		}
		theirs, err := packets.ReadPacket(bytes.NewReader(packet))
		require.NoError(t, err)
		assert.Equal(t, theirs.PacketID(), a.id)
		var code byte
		switch p := theirs.Content.(type) {
		case *packets.Puback:
			code = p.ReasonCode
		case *packets.Pubrec:
			code = p.ReasonCode
		case *packets.Pubrel:
			code = p.ReasonCode
		case *packets.Pubcomp:
			code = p.ReasonCode
		}
		assert.Equal(t, code, a.code)
	})
}
