package ledger

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// partitions of the Kafka topics that rivers run into; more than one, so that acknowledgements come from several.
const partitions = 3

// river is devices, mosquitto, a worker with an MQTT source and a Kafka topic.
type river struct {
	stock
	t         *testing.T
	kafka     string
	mosquitto *testbed.Mosquitto
	worker    *Worker
	fleet     Fleet
	reader    *Reader
	topic     string
	connector string
	config    map[string]string                     // of the connector
	ahead     atomic.Int64                          // messages that may be published and not in Kafka
	arrived   atomic.Int64                          // records that Kafka was last seen to have
	read      int                                   // records
	doubled   atomic.Int64                          // of them, as far as they were read
	take      []func(*sarama.ConsumerMessage) error // what each record is given to besides the ledger
}

// roomy is a mosquitto whose bound of messages on their way is above what it sends. When version 2.0 starts again it takes no more of them than its own
// bound for sent, and sends the others of QoS 2 as if it had never sent PUBREL, which MQTT 5 4.3.3 forbids; 0 (and 65535), no bound, counts as none at all.
var roomy = testbed.WithMaxInflight(65000)

// startRiver starts all of it on the given Kafka and waits until it flows. change may alter the connector before it is made.
func startRiver(t *testing.T, kafka string, qos byte, change ...func(r *river, config map[string]string)) *river {
	t.Helper()
	prefix := testbed.Prefix(t)
	r := &river{
		t: t, kafka: kafka, mosquitto: testbed.StartMosquitto(t, roomy), topic: prefix + "readings", connector: prefix + "source",
	}
	r.ahead.Store(ahead)
	r.watch(t, r.mosquitto)
	testbed.CreateTopic(t, kafka, r.topic, partitions, nil)
	r.fleet = Fleet{Ledger: New(), Addr: r.mosquitto.Addr(), Prefix: "readings", QoS: qos, Devices: 4, Topics: 5, MayGo: r.keepUp}
	r.reader = NewReader(kafka, r.topic)
	r.worker = StartWorker(t, kafka, prefix)
	r.config = map[string]string{
		"connector.class": "io.confluent.connect.mqtt.MqttSourceConnector",
		"tasks.max":       "1",
		"mqtt.server.uri": r.mosquitto.URL(),
		"mqtt.topics":     r.fleet.Filter(),
		"mqtt.qos":        strconv.Itoa(int(qos)),
		"kafka.topic":     r.topic,
	}
	for _, c := range change {
		c(r, r.config)
	}
	r.worker.Create(r.connector, r.config)
	return r
}

// ahead is how many messages may be published and not in Kafka while it takes some; mostAhead while it takes none.
const (
	ahead     = 15_000
	mostAhead = 45_000
)

// keepUp has a device wait while the fleet is too far ahead of what is in Kafka, or of what mosquitto has done with.
func (r *river) keepUp(ctx context.Context, messages int) error {
	sent := r.sent.Add(int64(messages))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for sent-(r.arrived.Load()-r.doubled.Load()) >= r.ahead.Load() || r.full(sent) {
		if n, err := NewReader(r.kafka, r.topic).Records(); err == nil { // an error: Kafka may be away
			r.arrived.Store(n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// publish lets the fleet publish n messages while the test goes on; the function that it returns waits for the end.
func (r *river) publish(n int) (wait func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.fleet.Publish(ctx, n) }()
	r.t.Cleanup(cancel)
	return func() {
		r.t.Helper()
		defer cancel()
		select {
		case err := <-done:
			require.NoError(r.t, err)
		case <-time.After(10 * time.Minute):
			require.Fail(r.t, "the devices do not come to the end")
		}
	}
}

// awaitFlow waits until so many more records are in Kafka, duplicates included. It looks at offsets only, to be quick.
func (r *river) awaitFlow(more int) {
	r.t.Helper()
	before, err := r.reader.Records()
	require.NoError(r.t, err)
	testbed.Await(r.t, time.Minute, fmt.Sprintf("%d more records in Kafka", more), func(context.Context) error {
		now, err := r.reader.Records()
		if err == nil && now < before+int64(more) {
			err = fmt.Errorf("%d have come", now-before)
		}
		return err
	})
}

func (r *river) readKafka(ctx context.Context) error {
	n, err := r.reader.CatchUp(ctx, func(m *sarama.ConsumerMessage) error {
		for _, take := range append(r.take, r.fleet.Ledger.Enter) {
			if err := take(m); err != nil {
				r.t.Errorf("reading what is in Kafka: %v", err)
			}
		}
		return nil
	})
	r.read += n
	r.doubled.Store(int64(r.read - r.fleet.Ledger.Arrived()))
	return err
}

// settle waits until everything promised has arrived, ends the worker in order, and judges what is in Kafka then.
func (r *river) settle() Verdict {
	r.t.Helper()
	testbed.Await(r.t, 90*time.Second, "everything promised in Kafka", func(ctx context.Context) error {
		if err := r.readKafka(ctx); err != nil {
			return err
		}
		return r.fleet.Ledger.Judge().Incomplete()
	})
	r.worker.AwaitFlowing(r.connector)
	require.Zero(r.t, r.worker.Terminate(), "exit code after SIGTERM")
	require.NoError(r.t, r.readKafka(r.t.Context()))
	v := r.fleet.Ledger.Judge()
	require.NoError(r.t, v.Err())
	return v
}
