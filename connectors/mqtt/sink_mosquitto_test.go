package mqtt

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func sinkConfig(url string, more ...string) connect.Config {
	cfg := connect.Config{
		"name": "commands", "mqtt.server.uri": url, "mqtt.topic": "c/${key}",
		"mqtt.reconnect.backoff.ms": "20", "mqtt.reconnect.backoff.max.ms": "100",
	}
	for i := 0; i+1 < len(more); i += 2 {
		cfg[more[i]] = more[i+1]
	}
	return cfg
}

// commands are records from to to-1 of topic "test", partition 0, all with key "1".
func commands(from, to int) []connect.SinkRecord {
	var list []connect.SinkRecord
	for i := from; i < to; i++ {
		r := connect.SinkRecord{}
		r.SetKey("1")
		r.SetBytes([]byte(fmt.Sprint(i)))
		list = append(list, r)
	}
	return list
}

var testPartition = connect.TopicPartition{Topic: "test"}

func TestSinkPublishesInOrderAndCommitsWhatTheBrokerHas(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		for qos := 0; qos <= 2; qos++ {
			t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
				d := newDevice(t, broker.Addr(), "device")
				d.subscribe("c/#", 2)
				sink := connecttest.StartSink(t, Sink{}, sinkConfig(broker.URL(), "mqtt.qos", fmt.Sprint(qos), "mqtt.protocol.version", version))
				sink.AwaitHealthy()
				sink.Put(commands(0, 3000)...)
				assert.EqualValues(t, 3000, sink.Drain()[testPartition])
				got := d.take(3000)
				assert.Equal(t, numbers(0, 3000), payloads(got))
				assert.Equal(t, "c/1", got[0].Topic)
				assert.EqualValues(t, qos, got[0].QoS)
			})
		}
	})
}

func TestSinkSendsAgainInOrderWhatTheBrokerDidNotAcknowledge(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		proxy := testbed.StartProxy(t, broker.Addr())
		d := newDevice(t, broker.Addr(), "device")
		d.subscribe("c/#", 1)
		sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+proxy.Addr(), "mqtt.protocol.version", version))
		sink.AwaitHealthy()
		sink.Put(commands(0, 10)...)
		assert.EqualValues(t, 10, sink.Drain()[testPartition])
		proxy.Stall()
		sink.Put(commands(10, 200)...)
		assert.EqualValues(t, 10, sink.Commit()[testPartition], "nothing of what is stuck may be committed")
		proxy.Refuse()
		proxy.Cut()
		proxy.Flow()
		sink.AwaitWaiting()
		proxy.Accept()
		sink.AwaitHealthy()
		assert.EqualValues(t, 200, sink.Drain()[testPartition])
		assert.Equal(t, numbers(0, 200), payloads(d.take(200)))
	})
}

func TestSinkReconnectsWhenTheBrokerDoesNotAnswerInTime(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	d := newDevice(t, broker.Addr(), "device")
	d.subscribe("c/#", 1)
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+proxy.Addr(), "mqtt.publish.timeout.ms", "200"))
	sink.AwaitHealthy()
	proxy.Stall()
	sink.Put(commands(0, 5)...)
	assert.ErrorContains(t, sink.AwaitWaiting(), "mqtt.publish.timeout.ms")
	proxy.Flow()
	sink.AwaitHealthy()
	d.take(5)
	assert.EqualValues(t, 5, sink.Drain()[testPartition])
}

func TestSinkWindowBoundsWhatPutTakesWithoutABroker(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	proxy.Refuse()
	d := newDevice(t, broker.Addr(), "device")
	d.subscribe("c/#", 1)
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+proxy.Addr(), "mqtt.max.in.flight", "100"))
	sink.AwaitWaiting()
	sink.Send(commands(0, 250)...)
	proxy.Accept()
	sink.AwaitHealthy()
	sink.AwaitTaken()
	assert.EqualValues(t, 250, sink.Drain()[testPartition])
	assert.Equal(t, numbers(0, 250), payloads(d.take(250)))
}

func TestRecordThatCannotBeAMessageGoesToTheErrorHandlingAndTheRestFlows(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	d := newDevice(t, broker.Addr(), "device")
	d.subscribe("#", 1)
	sink := connecttest.StartSink(t, Sink{}, sinkConfig(broker.URL(), "errors.tolerance", "all"))
	sink.AwaitHealthy()
	bad := connect.SinkRecord{}
	bad.SetKey("a/b")
	bad.SetString("x")
	tombstone := connect.SinkRecord{}
	tombstone.SetKey("1")
	sink.Put(commands(0, 1)...)
	sink.Put(bad, tombstone)
	sink.Put(commands(1, 2)...)
	assert.EqualValues(t, 4, sink.Drain()[testPartition])
	assert.Equal(t, numbers(0, 2), payloads(d.take(2)))
	reports := sink.Reports()
	if assert.Len(t, reports, 1) {
		assert.ErrorContains(t, reports[0].Cause, "${key:path}")
	}
}

func TestMessageComesBackAsItWasThroughSourceAndSink(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "in/#"))
	src.AwaitHealthy()
	d := newDevice(t, broker.Addr(), "device")
	d.subscribe("back/#", 1)
	sent := newMessage("in/1/x", "payload")
	d.send(sent)
	r := src.Take(1)[0]

	sink := connecttest.StartSink(t, Sink{}, sinkConfig(broker.URL(), "mqtt.topic", "back/${key:path}"))
	sink.Put(connect.SinkRecord{Record: r.Record})
	got := d.take(1)[0]
	assert.Equal(t, "back/in/1/x", got.Topic)
	assert.Equal(t, sent.Payload, got.Payload)
	assert.Equal(t, sent.Properties.ContentType, got.Properties.ContentType)
	assert.Equal(t, sent.Properties.CorrelationData, got.Properties.CorrelationData)
	assert.Equal(t, sent.Properties.ResponseTopic, got.Properties.ResponseTopic)
	assert.Equal(t, sent.Properties.User, got.Properties.User)
}
