package testbed

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connect speaks MQTT 5 to the address; received messages go to the channel. A short context shows a server that is silent.
func connect(ctx context.Context, t *testing.T, addr, user, password string) (*paho.Client, <-chan string, error) {
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	received := make(chan string, 100)
	client := paho.NewClient(paho.ClientConfig{
		Conn: conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			received <- string(p.Packet.Payload)
			return true, nil
		}},
	})
	packet := &paho.Connect{ClientID: t.Name(), KeepAlive: 30, CleanStart: true}
	if user != "" {
		packet.Username, packet.UsernameFlag = user, true
		packet.Password, packet.PasswordFlag = []byte(password), true
	}
	_, err = client.Connect(ctx, packet)
	return client, received, err
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// retain publishes a retained message with QoS 1 and returns when it is acknowledged.
func retain(t *testing.T, addr, topic, text string) {
	client, _, err := connect(soon(t), t, addr, "", "")
	require.NoError(t, err)
	_, err = client.Publish(soon(t), &paho.Publish{Topic: topic, QoS: 1, Retain: true, Payload: []byte(text)})
	require.NoError(t, err)
}

// retained is the message that a new subscriber gets at once.
func retained(t *testing.T, addr, topic string) (string, error) {
	client, received, err := connect(soon(t), t, addr, "", "")
	require.NoError(t, err)
	_, err = client.Subscribe(soon(t), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
	require.NoError(t, err)
	select {
	case text := <-received:
		return text, nil
	case <-time.After(2 * time.Second):
		return "", errors.New("nothing is retained")
	}
}

func TestMosquittoKilledSafelyKeepsWhatItHasAcknowledged(t *testing.T) {
	m := StartMosquitto(t)
	proxy := StartProxy(t, m.Addr())
	retain(t, proxy.Addr(), "a", "kept")

	m.KillSafely(proxy)

	require.False(t, m.Running())
	_, err := net.Dial("tcp", proxy.Addr())
	require.Error(t, err, "the proxy refuses while mosquitto is away")
	m.Restart()
	proxy.Accept()
	text, err := retained(t, proxy.Addr(), "a")
	require.NoError(t, err)
	assert.Equal(t, "kept", text)

	retain(t, proxy.Addr(), "a", "kept again")
	m.KillSafely(proxy)
	m.Restart()
	text, err = retained(t, m.Addr(), "a")
	require.NoError(t, err)
	assert.Equal(t, "kept again", text)
}

func TestATerminatedMosquittoKeepsItsMessages(t *testing.T) {
	m := StartMosquitto(t, WithConf("autosave_interval 0"))
	retain(t, m.Addr(), "a", "kept")
	assert.Zero(t, m.Terminate())
	m.Restart()
	text, err := retained(t, m.Addr(), "a")
	require.NoError(t, err)
	assert.Equal(t, "kept", text)
}

func TestAFrozenMosquittoIsSilentUntilItIsThawed(t *testing.T) {
	m := StartMosquitto(t)
	m.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, err := connect(ctx, t, m.Addr(), "", "")
	require.Error(t, err)

	m.Thaw()
	_, _, err = connect(soon(t), t, m.Addr(), "", "")
	assert.NoError(t, err)
}

func TestMosquittoWithALoginLetsOnlyItIn(t *testing.T) {
	m := StartMosquitto(t, WithLogin("device", "s3cret"), WithMaxInflight(20), WithMaxQueued(1000))
	_, _, err := connect(soon(t), t, m.Addr(), "device", "s3cret")
	require.NoError(t, err)
	_, _, err = connect(soon(t), t, m.Addr(), "device", "wrong")
	require.Error(t, err)
	_, _, err = connect(soon(t), t, m.Addr(), "", "")
	assert.Error(t, err)
}
