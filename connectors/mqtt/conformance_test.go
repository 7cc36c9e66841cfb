package mqtt

import (
	"fmt"
	"testing"

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
