package mqtt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/connect/embedded"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestASessionThatTheBrokerLostIsSubscribedAgain(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		addr := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
		start := func() *embedded.MQTT {
			broker, err := embedded.StartMQTT(t.Context(), embedded.MQTTConfig{Addr: addr})
			require.NoError(t, err)
			return broker
		}
		broker := start()
		src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+addr, "s/+", "mqtt.protocol.version", version, "mqtt.resubscribe", "never"))
		src.AwaitHealthy()
		for range rounds(1, 100) {
			failures := src.Metric("mqtt_connect_failures")
			require.NoError(t, broker.Close())
			testbed.Await(t, patience, "an attempt to connect", func(context.Context) error {
				if src.Metric("mqtt_connect_failures") == failures {
					return errors.New("none has failed")
				}
				return nil
			})
			broker = start() // it knows nothing
			src.AwaitHealthy()
			newDevice(t, addr, "device").publishMany("s/1", 1, 0, 10)
			assert.Equal(t, numbers(0, 10), values(src.Take(10)))
		}
		require.NoError(t, broker.Close())
	})
}

// rounds is how often a test does a thing: some is for every run, many for make soak.
func rounds(some, many int) int {
	if os.Getenv("SLUICE_SOAK") != "" {
		return many
	}
	return some
}

func TestRetainedMessagesAreNotRepeatedAtEachReconnect(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	eachVersion(t, func(t *testing.T, version string) {
		proxy := testbed.StartProxy(t, broker.Addr())
		d := newDevice(t, broker.Addr(), "device"+version)
		kept := newMessage("s/"+version, "kept")
		kept.Retain = true
		d.send(kept)
		src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/"+version, "mqtt.protocol.version", version, "mqtt.client.id", "r"+version,
			"mqtt.qos", "0")) // what was acknowledged into a socket that is cut would come again for another reason
		assert.Equal(t, []string{"kept"}, values(src.Take(1)))
		src.AwaitHealthy()
		proxy.Refuse()
		proxy.Cut()
		src.AwaitWaiting()
		proxy.Accept()
		src.AwaitHealthy()
		d.publish("s/"+version, 1, "live")
		assert.Equal(t, []string{"live"}, values(src.Take(1)))
	})
}

func TestOneTaskMayHaveManyFilters(t *testing.T) {
	broker := startBroker(t)
	var filters []string
	for i := range 50 {
		filters = append(filters, fmt.Sprintf("many/%d/+", i))
	}
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+broker, joinList(filters)))
	src.AwaitHealthy()
	d := newDevice(t, broker, "device")
	for i := range 50 {
		d.publish(fmt.Sprintf("many/%d/x", i), 1, fmt.Sprint(i))
	}
	assert.Equal(t, numbers(0, 50), values(src.Take(50)))
}

func TestATasksFirstConnectionSubscribesWhateverItsOffsetSays(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	eachVersion(t, func(t *testing.T, version string) {
		for _, policy := range []string{"auto", "never"} {
			id := "believes-" + version + policy
			leaveSession(t, broker.Addr(), id+"-0") // in which a task that drained it has left nothing, and died before it could say so
			src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), id+"/+", "mqtt.protocol.version", version, "mqtt.client.id", id,
				"mqtt.resubscribe", policy), connecttest.Stored(lastRun(1, id+"/+"), "client.id", id+"-0"))
			src.AwaitHealthy()
			newDevice(t, broker.Addr(), "device-"+id).publish(id+"/1", 1, "x")
			assert.Equal(t, []string{"x"}, values(src.Take(1)))
			src.Stop()
		}
	})
}
