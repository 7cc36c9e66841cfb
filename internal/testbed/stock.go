package testbed

import (
	"strconv"
	"testing"
	"time"

	paho3 "github.com/eclipse/paho.mqtt.golang"
)

// OnStock has told called about once a second, until the test ends, with the number of messages that mosquitto keeps: those that wait for a client, and
// those on their way until they are acknowledged (QoS 1) or released and completed (QoS 2). It is not called while mosquitto does not run.
func (m *Mosquitto) OnStock(t testing.TB, told func(messages int64)) {
	t.Helper()
	var last int64 // handlers are called one after the other
	options := paho3.NewClientOptions().AddBroker(m.URL()).SetClientID("stock").
		SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond).SetMaxReconnectInterval(time.Second)
	options.SetOnConnectHandler(func(c paho3.Client) {
		c.SubscribeMultiple(map[string]byte{stockTopic: 0, uptimeTopic: 0}, func(_ paho3.Client, p paho3.Message) {
			if n, err := strconv.ParseInt(string(p.Payload()), 10, 64); err == nil && p.Topic() == stockTopic {
				last = n
			}
			told(last)
		})
	})
	c := paho3.NewClient(options)
	c.Connect()
	t.Cleanup(func() { c.Disconnect(0) })
}

const (
	stockTopic = "$SYS/broker/store/messages/count" // published when it has changed
	// uptimeTopic is published each second (sys_interval).
	uptimeTopic = "$SYS/broker/uptime"
)
