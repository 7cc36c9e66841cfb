package remote

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/connectors/mqtt"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// device is a client of a broker.
type device struct {
	t      testing.TB
	client *paho.Client

	mu   sync.Mutex
	came []string
}

func newDevice(t testing.TB, addr, id string) *device {
	t.Helper()
	socket, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	d := &device{t: t}
	d.client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(socket),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.came = append(d.came, string(p.Packet.Payload))
			return true, nil
		}},
	})
	_, err = d.client.Connect(ended(patience), &paho.Connect{ClientID: id, CleanStart: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.client.Disconnect(&paho.Disconnect{}) })
	return d
}

func (d *device) publish(topic, payload string) {
	d.t.Helper()
	_, err := d.client.Publish(context.Background(), &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(payload)})
	require.NoError(d.t, err)
}

func (d *device) subscribe(filter string) {
	d.t.Helper()
	_, err := d.client.Subscribe(context.Background(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
	require.NoError(d.t, err)
}

func (d *device) received() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.came...)
}

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

var badMQTTKeys = map[string]connect.Config{
	"mqtt.server.uri": {"mqtt.server.uri": "http://localhost"}, "mqtt.qos": {"mqtt.qos": "3"}, "mqtt.protocol.version": {"mqtt.protocol.version": "4"},
	"mqtt.keepalive.interval.seconds": {"mqtt.keepalive.interval.seconds": "-1"},
}

// eachVersion runs a test with both versions of MQTT.
func eachVersion(t *testing.T, test func(t *testing.T, cfg connect.Config)) {
	for _, version := range []string{"5", "3.1.1"} {
		t.Run("MQTT "+version, func(t *testing.T) {
			test(t, connect.Config{"mqtt.reconnect.backoff.ms": "20", "mqtt.reconnect.backoff.max.ms": "100", "mqtt.protocol.version": version})
		})
	}
}

// The same suite as in the connector's own package.
func TestTheMQTTSourceKeepsItsPromisesAcrossTheBoundary(t *testing.T) {
	eachVersion(t, func(t *testing.T, cfg connect.Config) {
		broker, places := testbed.StartMosquitto(t), 0
		cfg["name"], cfg["kafka.topic"] = "readings", "readings"
		connecttest.RunSource(t, run(t).source(mqtt.Source{}.Spec().Class), cfg, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
			at, made := newPlace(t, broker, &places), 0
			cfg["mqtt.server.uri"], cfg["mqtt.topics"], cfg["mqtt.client.id"] = "tcp://"+at.proxy.Addr(), at.tree+"/#", at.tree
			device := newDevice(t, broker.Addr(), at.tree+"-device")
			return connecttest.SourceWorld{
				Feed: func(n int) (texts []string) {
					for range n {
						made++
						text := fmt.Sprintf("%s: %d", at.tree, made)
						device.publish(at.tree+"/readings", text)
						texts = append(texts, text)
					}
					return texts
				},
				BadConfigs: badMQTTKeys,
				Outage:     at.outage,
			}
		})
	})
}

func TestTheMQTTSinkKeepsItsPromisesAcrossTheBoundary(t *testing.T) {
	eachVersion(t, func(t *testing.T, cfg connect.Config) {
		broker, places := testbed.StartMosquitto(t), 0
		cfg["name"], cfg["mqtt.topic"] = "commands", "c/${key}"
		connecttest.RunSink(t, run(t).sink(mqtt.Sink{}.Spec().Class), cfg, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
			at := newPlace(t, broker, &places)
			cfg["mqtt.server.uri"], cfg["mqtt.topic"], cfg["mqtt.client.id"] = "tcp://"+at.proxy.Addr(), at.tree+"/${key}", at.tree
			device := newDevice(t, broker.Addr(), at.tree+"-device")
			device.subscribe(at.tree + "/#")
			return connecttest.SinkWorld{Read: device.received, BadConfigs: badMQTTKeys, Outage: at.outage}
		})
	})
}
