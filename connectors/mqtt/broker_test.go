package mqtt

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests.
const patience = 10 * time.Second

// device is a plain MQTT client beside the connector under test.
type device struct {
	t      testing.TB
	client *paho.Client

	mu      sync.Mutex
	came    []*paho.Publish
	arrived chan struct{}
}

// newDevice connects as id; the test's cleanup disconnects.
func newDevice(t testing.TB, addr, id string) *device {
	t.Helper()
	socket, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	d := &device{t: t, arrived: make(chan struct{}, 1)}
	d.client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(socket),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			d.mu.Lock()
			d.came = append(d.came, p.Packet)
			d.mu.Unlock()
			signal(d.arrived)
			return true, nil
		}},
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = d.client.Connect(ctx, &paho.Connect{ClientID: id, CleanStart: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.client.Disconnect(&paho.Disconnect{}) })
	return d
}

// publish sends one message and waits for the broker's answer.
func (d *device) publish(topic string, qos byte, payload string) {
	d.t.Helper()
	d.send(&paho.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)})
}

func (d *device) send(p *paho.Publish) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := d.client.Publish(ctx, p)
	require.NoError(d.t, err)
}

// publishMany sends messages "0", "1", ...
func (d *device) publishMany(topic string, qos byte, from, to int) {
	d.t.Helper()
	for i := from; i < to; i++ {
		d.publish(topic, qos, fmt.Sprint(i))
	}
}

func (d *device) subscribe(filter string, qos byte) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := d.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	require.NoError(d.t, err)
}

// take waits for the first n messages.
func (d *device) take(n int) []*paho.Publish {
	d.t.Helper()
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		got := append([]*paho.Publish(nil), d.came...)
		d.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-d.arrived:
		case <-deadline:
			require.FailNowf(d.t, "messages missing", "want %d, got %d", n, len(got))
		}
	}
}

func payloads(list []*paho.Publish) []string {
	var texts []string
	for _, p := range list {
		texts = append(texts, string(p.Payload))
	}
	return texts
}

// numbers is the texts of from to to-1.
func numbers(from, to int) []string {
	var texts []string
	for i := from; i < to; i++ {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

// newMessage has all the properties that come back.
func newMessage(topic, payload string) *paho.Publish {
	return &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(payload), Properties: &paho.PublishProperties{
		ContentType: "text/plain", ResponseTopic: "reply", CorrelationData: []byte{1, 2},
		User: paho.UserProperties{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}, {Key: "mqtt.qos", Value: "forged"}},
	}}
}
