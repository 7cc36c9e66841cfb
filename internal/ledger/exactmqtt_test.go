package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// exactRiver is devices, mosquitto behind a proxy, an exactly-once worker with an MQTT source of QoS 2, and a topic of one partition. Devices
// publish past the proxy, and only between faults: what they are told must be true of a mosquitto that is killed.
type exactRiver struct {
	stock
	t         *testing.T
	kafka     string
	mosquitto *testbed.Mosquitto
	proxy     *testbed.Proxy
	worker    *Worker
	fleet     Fleet
	reader    *Reader
	topic     string
	connector string
	config    map[string]string
}

func startExactRiver(t *testing.T, kafka string) *exactRiver {
	t.Helper()
	prefix := testbed.Prefix(t)
	mosquitto := testbed.StartMosquitto(t, roomy)
	r := &exactRiver{t: t, kafka: kafka, mosquitto: mosquitto, topic: prefix + "readings", connector: prefix + "source"}
	r.proxy = testbed.StartProxy(t, r.mosquitto.Addr())
	r.watch(t, mosquitto)
	testbed.CreateTopic(t, kafka, r.topic, 1, nil)
	r.fleet = Fleet{Ledger: New(), Addr: r.mosquitto.Addr(), Prefix: "readings", QoS: 2, Devices: 4, Topics: 5}
	r.reader = NewReader(kafka, r.topic)
	r.worker = StartWorker(t, kafka, prefix, exactlyOnce, "session.timeout.ms=6000", "heartbeat.interval.ms=1000", "scheduled.rebalance.max.delay.ms=0")
	r.config = map[string]string{
		"connector.class":               "io.confluent.connect.mqtt.MqttSourceConnector",
		"tasks.max":                     "1",
		"mqtt.server.uri":               "tcp://" + r.proxy.Addr(),
		"mqtt.topics":                   r.fleet.Filter(),
		"mqtt.qos":                      "2",
		"mqtt.receive.maximum":          "500",
		"mqtt.reconnect.backoff.ms":     "50",
		"mqtt.reconnect.backoff.max.ms": "500",
		"exactly.once.support":          "required",
		"kafka.topic":                   r.topic,
	}
	r.worker.Create(r.connector, r.config)
	return r
}

// publish has the devices publish n messages, when mosquitto has room for them, and waits until about the given share of them is in Kafka. It reports whether others still wait.
func (r *exactRiver) publish(n int, share float64) (wait bool) {
	r.t.Helper()
	sent := r.sent.Add(int64(n))
	testbed.Await(r.t, 90*time.Second, "mosquitto to have room", func(context.Context) error {
		if r.full(sent) {
			return fmt.Errorf("it keeps %d messages", r.kept.Load())
		}
		return nil
	})
	before, err := r.reader.Records()
	require.NoError(r.t, err)
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	require.NoError(r.t, r.fleet.Publish(ctx, n))
	want := before + int64(share*float64(n))
	var now int64
	testbed.Await(r.t, 90*time.Second, fmt.Sprintf("%d records in Kafka", want), func(context.Context) error {
		now, err = r.reader.Records()
		if err == nil && now < want {
			err = fmt.Errorf("%d have come", now)
		}
		return err
	})
	return now < before+int64(n)
}

// faults are what may happen to a river, by name.
var exactFaults = map[string]func(*exactRiver){
	"worker killed": func(r *exactRiver) {
		r.worker.Kill()
		r.worker.Relaunch()
		r.worker.WaitReady()
	},
	"mosquitto killed": func(r *exactRiver) {
		r.mosquitto.KillSafely(r.proxy)
		r.mosquitto.Relaunch()
		r.mosquitto.WaitReady()
		r.proxy.Accept()
	},
	"link cut": func(r *exactRiver) { r.proxy.Cut() },
	"task restarted": func(r *exactRiver) {
		a, err := r.worker.Ask(r.t.Context(), "POST", "/connectors/"+r.connector+"/restart?includeTasks=true", nil)
		require.NoError(r.t, err)
		require.Less(r.t, a.Code, 300, "%v", a)
	},
	"configuration changed": func(r *exactRiver) {
		r.config["mqtt.receive.maximum"] = fmt.Sprint(400 + r.sent.Load()%97)
		require.NoError(r.t, r.worker.Put(r.t.Context(), r.connector, r.config))
	},
}

// settle requires that a reader of committed data sees each message once, and those of a stream in order.
func (r *exactRiver) settle() Verdict {
	r.t.Helper()
	for _, m := range CommittedRecords(r.t, r.kafka, r.topic, int(r.sent.Load()), 2*time.Minute) {
		require.NoError(r.t, r.fleet.Ledger.Enter(m))
	}
	v := r.fleet.Ledger.Judge()
	require.NoError(r.t, v.Err())
	assert.Zero(r.t, v.Duplicates)
	assert.EqualValues(r.t, r.sent.Load(), v.Arrived)
	return v
}

func TestEachMessageOfQoS2IsSeenOnceWhateverIsKilled(t *testing.T) {
	needsProcesses(t)
	r := startExactRiver(t, testbed.SharedKafka(t))
	began := time.Now()
	order := []string{"worker killed", "mosquitto killed", "link cut", "worker killed", "task restarted", "mosquitto killed", "configuration changed"}
	middle := 0
	for _, name := range order {
		if r.publish(6000, 0.3) {
			middle++
		}
		exactFaults[name](r)
		t.Logf("%s after %v", name, time.Since(began).Round(time.Millisecond))
	}
	assert.Greater(t, middle, len(order)/2, "faults while messages were on their way")
	v := r.settle()
	written, err := r.reader.Records()
	require.NoError(t, err)
	t.Logf("%d messages, %d faults, %d of them on the way, each seen once; %d records and markers in %v", v.Arrived, len(order), middle, written, time.Since(began).Round(time.Millisecond))
}
