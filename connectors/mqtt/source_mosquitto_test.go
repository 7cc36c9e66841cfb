package mqtt

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func sourceConfig(url, topics string, more ...string) connect.Config {
	cfg := connect.Config{
		"name": "readings", "mqtt.server.uri": url, "mqtt.topics": topics, "kafka.topic": "readings",
		"mqtt.reconnect.backoff.ms": "20", "mqtt.reconnect.backoff.max.ms": "100",
	}
	for i := 0; i+1 < len(more); i += 2 {
		cfg[more[i]] = more[i+1]
	}
	return cfg
}

// eachVersion runs a test with both versions of MQTT.
func eachVersion(t *testing.T, test func(t *testing.T, version string)) {
	for _, version := range []string{"5", "3.1.1"} {
		t.Run("MQTT "+version, func(t *testing.T) { test(t, version) })
	}
}

func values(records []connect.SourceRecord) []string {
	var texts []string
	for _, r := range records {
		texts = append(texts, string(r.Value.Bytes()))
	}
	return texts
}

// none fails when a record comes within a moment that is long beside a round trip.
func none(t *testing.T, src *connecttest.Source, known int) {
	t.Helper()
	assert.Never(t, func() bool { return src.InFlight() > known }, 300*time.Millisecond, 20*time.Millisecond,
		"want no more than %d records in flight", known)
}

func TestSourceBringsMessagesOfEveryQoSInOrder(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		for qos := byte(0); qos <= 2; qos++ {
			t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
				src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.qos", fmt.Sprint(qos), "mqtt.protocol.version", version))
				src.AwaitHealthy()
				d := newDevice(t, broker.Addr(), "device")
				d.publishMany("s/1", qos, 0, 200)
				got := src.Take(200)
				assert.Equal(t, numbers(0, 200), values(got))
				assert.Equal(t, "s/1", got[0].Key.Str())
				assert.Equal(t, "readings", got[0].Topic)
			})
		}
	})
}

func TestBrokerStopsAtReceiveMaximumWhileKafkaHasNothing(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		for qos := byte(1); qos <= 2; qos++ {
			t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
				src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.qos", fmt.Sprint(qos),
					"mqtt.receive.maximum", "20", "mqtt.protocol.version", version), connecttest.HoldAcks())
				src.AwaitHealthy()
				d := newDevice(t, broker.Addr(), "device")
				d.publishMany("s/1", qos, 0, 100)
				src.Take(20)
				none(t, src, 20)
				src.Ack(5)
				// mosquitto 2.0.11 forgets the window when several answers come at once, so only the beginning is exact.
				assert.Equal(t, numbers(20, 25), values(src.Take(5)))
				src.Release()
				assert.Equal(t, numbers(25, 100), values(src.Take(75)))
			})
		}
	})
}

func TestRestartResumesWhatKafkaDidNotHave(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.protocol.version", version), connecttest.HoldAcks())
		src.AwaitHealthy()
		d := newDevice(t, broker.Addr(), "device")
		d.publishMany("s/1", 1, 0, 50)
		src.Take(50)
		src.Ack(30)
		src.Kill()
		d.publishMany("s/1", 1, 50, 60)
		assert.Equal(t, numbers(30, 60), values(src.Take(30)))
	})
}

func TestWhatIsAcknowledgedByCloseIsNotSentAgain(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.protocol.version", version))
		src.AwaitHealthy()
		d := newDevice(t, broker.Addr(), "device")
		d.publishMany("s/1", 1, 0, 50)
		src.Take(50)
		src.Restart()
		d.publish("s/1", 1, "after")
		assert.Equal(t, []string{"after"}, values(src.Take(1)))
	})
}

func TestSourceSaysItWaitsForALostBrokerAndGoesOn(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/+"))
	src.AwaitHealthy()
	d := newDevice(t, broker.Addr(), "device")
	d.publish("s/1", 0, "before")
	src.Take(1)
	proxy.Refuse()
	proxy.Cut()
	assert.ErrorContains(t, src.AwaitWaiting(), proxy.Addr())
	d.publishMany("s/1", 1, 0, 10)
	proxy.Accept()
	assert.Equal(t, numbers(0, 10), values(src.Take(10)))
	src.AwaitHealthy()
}

func TestSourceWaitsForABrokerThatIsNotThereYet(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	proxy.Refuse()
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/+"))
	awaitCause(t, src, "connecting to MQTT broker tcp://"+proxy.Addr(), "check mqtt.server.uri, and that the broker runs")
	proxy.Accept()
	src.AwaitHealthy()
}

// awaitCause waits until what a task waits for is said with all the parts.
func awaitCause(t *testing.T, src *connecttest.Source, parts ...string) {
	t.Helper()
	testbed.Await(t, 10*time.Second, fmt.Sprintf("a cause with %q", parts), func(context.Context) error {
		cause := src.Waiting()
		for _, part := range parts {
			if cause == nil || !strings.Contains(cause.Error(), part) {
				return fmt.Errorf("it is %w", cause)
			}
		}
		return nil
	})
}

func TestTLSToAPlainPortSaysWhatToCheck(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	src := connecttest.StartSource(t, Source{}, sourceConfig("ssl://"+broker.Addr(), "s/+", "mqtt.validate.connect", "false"))
	awaitCause(t, src, "TLS handshake", "the port in mqtt.server.uri speaks TLS")
}

func TestWrongPasswordFailsTheTaskWithOneClearLine(t *testing.T) {
	broker := testbed.StartMosquitto(t, testbed.WithLogin("sluice", "right"))
	cfg := sourceConfig(broker.URL(), "s/+", "mqtt.username", "sluice", "mqtt.password", "wr0ng-secret", "mqtt.validate.connect", "false")
	src := connecttest.StartSource(t, Source{}, cfg)
	cause := src.AwaitFailed().Error()
	assert.Contains(t, cause, `MQTT broker `+broker.URL()+` refused user "sluice": not authorized`)
	assert.Contains(t, cause, "mqtt.password")
	assert.NotContains(t, cause, "wr0ng-secret")
}

func TestValidateReportsABadPasswordOnItsKeyAndADeadBrokerAsAWarning(t *testing.T) {
	broker := testbed.StartMosquitto(t, testbed.WithLogin("sluice", "right"))
	cfg := sourceConfig(broker.URL(), "s/+", "mqtt.username", "sluice", "mqtt.password", "wrong")
	found := Source{}.Validate(t.Context(), cfg)
	require.Len(t, found, 1)
	assert.False(t, found[0].Warning)
	assert.Contains(t, found[0].Message, "refused user")

	cfg["mqtt.password"] = "right"
	assert.Empty(t, Source{}.Validate(t.Context(), cfg))

	cfg["mqtt.server.uri"] = "tcp://127.0.0.1:" + fmt.Sprint(testbed.FreePort(t))
	found = Source{}.Validate(t.Context(), cfg)
	require.Len(t, found, 1)
	assert.True(t, found[0].Warning)
	assert.Equal(t, "mqtt.server.uri", found[0].Key)
}

func TestQoS2IsProducedOnceInOneProcessWhateverTheLinkDoes(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) { redelivered(t, 2, version) })
}

func TestQoS1InFlightAtKafkaIsNotProducedAgainAfterAReconnect(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) { redelivered(t, 1, version) })
}

// redelivered cuts the link while acknowledgements are held back: the broker sends the window again.
func redelivered(t *testing.T, qos byte, version string) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/+", "mqtt.qos", fmt.Sprint(qos),
		"mqtt.receive.maximum", "50", "mqtt.keepalive.interval.seconds", "1", "mqtt.protocol.version", version), connecttest.HoldAcks())
	src.AwaitHealthy()
	d := newDevice(t, broker.Addr(), "device")
	d.publishMany("s/1", qos, 0, 80)
	assert.Equal(t, numbers(0, 50), values(src.Take(50)))
	proxy.Refuse()
	proxy.Cut()
	src.AwaitWaiting()
	src.Ack(10) // receipts without a connection to answer on
	proxy.Accept()
	src.AwaitHealthy()
	src.Ack(20) // receipts of the earlier connection, answered on this one
	assert.Equal(t, numbers(50, 80), values(src.Take(30)))
	assert.Equal(t, 50, src.InFlight())
	src.Release()
	d.publish("s/1", qos, "last")
	assert.Equal(t, []string{"last"}, values(src.Take(1)))
}

func TestAFullBufferStopsReadingAndKeepsTheConnectionAlive(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.qos", "0",
			"records.buffer.queue.size", "100", "records.buffer.queue.max.batch.size", "10",
			"mqtt.keepalive.interval.seconds", "1", "mqtt.ping.timeout.seconds", "1", "mqtt.protocol.version", version),
			connecttest.HoldAcks(), connecttest.Window(50))
		src.AwaitHealthy()
		d := newDevice(t, broker.Addr(), "device")
		d.publishMany("s/1", 0, 0, 5000)
		src.Take(50)
		// Longer than keep alive and ping timeout together.
		assert.Never(t, func() bool { return src.Waiting() != nil }, 3500*time.Millisecond, 50*time.Millisecond)
		src.Release()
		for at := 50; at < 5000; at += 50 {
			assert.Equal(t, numbers(at, at+50), values(src.Take(50)))
		}
	})
}

func TestFiltersOfTheLastRunAreUnsubscribed(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		broker := testbed.StartMosquitto(t)
		old := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), `old/#,s/+`, "mqtt.protocol.version", version))
		old.AwaitHealthy()
		old.Stop()
		src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+", "mqtt.protocol.version", version),
			connecttest.Stored(connect.NewOffset(connect.Attr{Name: "filters", Value: connect.String("old/#,s/+")}), "client.id", "readings-0"))
		src.AwaitHealthy()
		d := newDevice(t, broker.Addr(), "device")
		d.publish("old/1", 1, "unwanted")
		d.publish("s/1", 1, "wanted")
		assert.Equal(t, []string{"wanted"}, values(src.Take(1)))
	})
}

func TestMessagePropertiesBecomeHeaders(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "s/+"))
	src.AwaitHealthy()
	d := newDevice(t, broker.Addr(), "device")
	d.send(newMessage("s/7", "x"))
	got := src.Take(1)[0]
	want := []string{
		"mqtt.topic=s/7", "mqtt.message.id=1", "mqtt.qos=1", "mqtt.retained=false", "mqtt.duplicate=false",
		"mqtt.content.type=text/plain", "mqtt.response.topic=reply", "mqtt.correlation.data=0102",
		"k=1", "k=2", "user.mqtt.qos=forged",
	}
	var have []string
	for _, h := range got.Headers {
		have = append(have, h.Key+"="+h.Value.String())
	}
	assert.Equal(t, want, have)
}

func TestMosquittoRestartIsSurvivedWithoutALossOrADuplicate(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	proxy := testbed.StartProxy(t, broker.Addr())
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/+", "mqtt.receive.maximum", "100"),
		connecttest.HoldAcks())
	src.AwaitHealthy()
	d := newDevice(t, proxy.Addr(), "device")
	d.publishMany("s/1", 1, 0, 140)
	src.Take(100)
	src.Ack(40)
	src.Take(40) // the broker has those acknowledgements
	broker.KillSafely(proxy)
	src.AwaitWaiting()
	broker.Restart()
	proxy.Accept()
	src.AwaitHealthy()
	again := newDevice(t, proxy.Addr(), "device2")
	again.publishMany("s/1", 1, 140, 150)
	src.Release()
	// What was in flight at Kafka attaches to its record; only the new ones come.
	assert.Equal(t, numbers(140, 150), values(src.Take(10)))
}
