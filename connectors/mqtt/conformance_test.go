package mqtt

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// place is a part of a broker for one system of the suite: a tree of topics, and a way to the broker that can be shut.
type place struct {
	tree  string
	proxy *testbed.Proxy
}

func newPlace(t testing.TB, broker *testbed.Mosquitto, n *int) place {
	*n++
	return place{fmt.Sprintf("place-%d", *n), testbed.StartProxy(t, broker.Addr())}
}

func (p place) outage() (restore func()) {
	p.proxy.Refuse()
	p.proxy.Cut()
	return p.proxy.Accept
}

var badKeys = map[string]connect.Config{
	"mqtt.server.uri": {"mqtt.server.uri": "http://localhost"}, "mqtt.qos": {"mqtt.qos": "3"}, "mqtt.protocol.version": {"mqtt.protocol.version": "4"},
	"mqtt.keepalive.interval.seconds": {"mqtt.keepalive.interval.seconds": "-1"},
}

func TestTheSourceKeepsItsPromises(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker, places := testbed.StartMosquitto(t), 0
		cfg := sourceConfig("", "", "mqtt.protocol.version", version)
		connecttest.RunSource(t, Source{}, cfg, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
			at, made := newPlace(t, broker, &places), 0
			cfg["mqtt.server.uri"], cfg["mqtt.topics"], cfg["mqtt.client.id"] = "tcp://"+at.proxy.Addr(), at.tree+"/#", at.tree
			device := newDevice(t, broker.Addr(), at.tree+"-device")
			return connecttest.SourceWorld{
				Feed: func(n int) (texts []string) {
					for range n {
						made++
						text := fmt.Sprintf("%s: %d", at.tree, made)
						device.publish(at.tree+"/readings", 1, text)
						texts = append(texts, text)
					}
					return texts
				},
				BadConfigs: badKeys,
				Outage:     at.outage,
			}
		})
	})
}

func TestTheSinkKeepsItsPromises(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker, places := testbed.StartMosquitto(t), 0
		cfg := sinkConfig("", "mqtt.protocol.version", version)
		connecttest.RunSink(t, Sink{}, cfg, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
			at := newPlace(t, broker, &places)
			cfg["mqtt.server.uri"], cfg["mqtt.topic"], cfg["mqtt.client.id"] = "tcp://"+at.proxy.Addr(), at.tree+"/${key}", at.tree
			device := newDevice(t, broker.Addr(), at.tree+"-device")
			device.subscribe(at.tree+"/#", 1)
			return connecttest.SinkWorld{Read: func() []string { return payloads(device.take(0)) }, BadConfigs: badKeys, Outage: at.outage}
		})
	})
}

// What is measured must be what happened, with a lost connection in between.
func TestTheConnectorsMeasureWhatTheyDo(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "c/+"), connecttest.HoldAcks())
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+proxy.Addr()))
	src.AwaitHealthy()
	sink.AwaitHealthy()
	sink.Put(commands(0, 100)...)
	sink.Drain()
	src.Take(100)
	for name, want := range map[string]float64{
		"mqtt_connected": 1, "mqtt_session_present": 0, "mqtt_reconnects": 0, "mqtt_received": 100, "mqtt_window_used": 100, "mqtt_acknowledged": 0,
		"mqtt_filters_less_qos": 0,
	} {
		assert.Equal(t, want, src.Metric(name), name)
	}
	src.Ack(60)
	assert.EqualValues(t, 40, src.Metric("mqtt_window_used"))
	assert.EqualValues(t, 60, src.Metric("mqtt_acknowledged"))
	for name, want := range map[string]float64{
		"mqtt_connected": 1, "mqtt_published": 100, "mqtt_acknowledged": 100, "mqtt_window_used": 0, "mqtt_buffer_messages": 0, "mqtt_refused": 0,
		"mqtt_oldest_unacknowledged_seconds": 0,
	} {
		assert.Equal(t, want, sink.Metric(name), name)
	}
	proxy.Refuse()
	proxy.Cut()
	src.AwaitWaiting()
	assert.Zero(t, src.Metric("mqtt_connected"))
	proxy.Accept()
	src.AwaitHealthy()
	assert.EqualValues(t, 1, src.Metric("mqtt_connected"))
	assert.EqualValues(t, 1, src.Metric("mqtt_session_present"))
	assert.EqualValues(t, 1, src.Metric("mqtt_reconnects"))
	testbed.Await(t, patience, "what was not acknowledged to come again", func(context.Context) error {
		came, known := src.Metric("mqtt_received"), src.Metric("mqtt_duplicates")
		if known < 40 || came < 100+known { // what was acknowledged last may come again too, and is new then
			return fmt.Errorf("%v came, %v were known", came, known)
		}
		return nil
	})
}
