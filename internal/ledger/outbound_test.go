package ledger

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// outbound is a Kafka topic, a worker with an MQTT sink, mosquitto, and a client that hears everything. A stream is a record key.
type outbound struct {
	t         *testing.T
	kafka     string
	topic     string
	connector string
	config    map[string]string // of the connector
	worker    *Worker
	link      *testbed.Proxy // of the worker to mosquitto
	ledger    *Ledger
	producer  sarama.SyncProducer
}

// commandKeys is how many keys the records of an outbound river have.
const commandKeys = 12

func startOutbound(t *testing.T, kafka, version string, qos byte) *outbound {
	t.Helper()
	prefix := testbed.Prefix(t)
	mosquitto := testbed.StartMosquitto(t)
	o := &outbound{
		t: t, kafka: kafka, topic: prefix + "commands", connector: prefix + "sink", ledger: New(),
		link: testbed.StartProxy(t, mosquitto.Addr()),
	}
	testbed.CreateTopic(t, o.kafka, o.topic, partitions, nil)
	config := sarama.NewConfig()
	config.Producer.RequiredAcks, config.Producer.Idempotent, config.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	var err error
	o.producer, err = sarama.NewSyncProducer([]string{o.kafka}, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = o.producer.Close() })
	o.hear(mosquitto.Addr())
	o.worker = StartWorker(t, o.kafka, prefix)
	o.config = map[string]string{
		"connector.class": "io.confluent.connect.mqtt.MqttSinkConnector", "tasks.max": "2", "topics": o.topic,
		"mqtt.server.uri": "tcp://" + o.link.Addr(), "mqtt.topic": "commands/${key}", "mqtt.qos": strconv.Itoa(int(qos)), "mqtt.protocol.version": version,
		"mqtt.reconnect.backoff.ms": "50", "mqtt.reconnect.backoff.max.ms": "200", "consumer.override.auto.offset.reset": "earliest",
	}
	o.worker.Create(o.connector, o.config)
	return o
}

// hear enters what mosquitto publishes into the ledger, over a connection that nothing befalls.
func (o *outbound) hear(addr string) {
	o.t.Helper()
	socket, err := net.Dial("tcp", addr)
	require.NoError(o.t, err)
	c := paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(socket), OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			n, err := numberOf(p.Packet.Payload)
			if err == nil {
				err = o.ledger.Arrive(strings.TrimPrefix(p.Packet.Topic, "commands/"), n)
			}
			if err != nil {
				o.t.Errorf("what came on %s: %v", p.Packet.Topic, err)
			}
			return true, nil
		},
	}})
	_, err = c.Connect(o.t.Context(), &paho.Connect{ClientID: "ear", CleanStart: true})
	require.NoError(o.t, err)
	_, err = c.Subscribe(o.t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "commands/#", QoS: 1}}})
	require.NoError(o.t, err)
	o.t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
}

// command writes n records while the test goes on; the function that it returns waits for the end.
func (o *outbound) command(n int) (wait func()) {
	done := make(chan error, 1)
	go func() { done <- o.produce(n) }()
	return func() {
		o.t.Helper()
		require.NoError(o.t, <-done)
	}
}

// produce writes n records, key by key in turn, and promises each when Kafka has it.
func (o *outbound) produce(n int) error {
	const atOnce = 500
	for sent := 0; sent < n; {
		var batch []*sarama.ProducerMessage
		var names []Message
		for ; sent < n && len(batch) < atOnce; sent++ {
			stream := fmt.Sprintf("device-%d", sent%commandKeys)
			m := Message{stream, o.ledger.Send(stream)}
			names = append(names, m)
			batch = append(batch, &sarama.ProducerMessage{
				Topic: o.topic, Key: sarama.StringEncoder(stream), Value: sarama.ByteEncoder(m.payload(reading)), Partition: int32(sent % commandKeys % partitions),
			})
		}
		if err := o.producer.SendMessages(batch); err != nil {
			return fmt.Errorf("writing records: %w", err)
		}
		for _, m := range names {
			o.ledger.Promise(m.Stream, m.Number)
		}
	}
	return nil
}

func (o *outbound) awaitArrived(n int) {
	o.t.Helper()
	testbed.Await(o.t, time.Minute, fmt.Sprintf("%d messages at the broker", n), func(context.Context) error {
		if have := o.ledger.Arrived(); have < n {
			return fmt.Errorf("there are %d", have)
		}
		return nil
	})
}

// outboundFaults are what befalls an outbound river, by name.
var outboundFaults = map[string]func(*outbound){
	"worker killed": func(o *outbound) {
		o.worker.Kill()
		o.worker.Relaunch()
		o.worker.WaitReady()
	},
	"worker stopped in order": func(o *outbound) {
		assert.Zero(o.t, o.worker.Terminate(), "exit code after SIGTERM")
		o.worker.Relaunch()
		o.worker.WaitReady()
	},
	"worker frozen": func(o *outbound) {
		o.worker.Freeze()
		<-time.After(2 * time.Second)
		o.worker.Thaw()
	},
	"link cut": func(o *outbound) { o.link.Cut() },
	"link refused": func(o *outbound) {
		o.link.Refuse()
		o.link.Cut()
		<-time.After(time.Second)
		o.link.Accept()
	},
	"divided anew": func(o *outbound) {
		tasks, err := strconv.Atoi(o.config["tasks.max"])
		require.NoError(o.t, err)
		o.config["tasks.max"] = strconv.Itoa(tasks%partitions + 1)
		require.NoError(o.t, o.worker.Put(o.t.Context(), o.connector, o.config))
	},
	"restarted by REST": func(o *outbound) {
		testbed.Await(o.t, 30*time.Second, "the restart", func(ctx context.Context) error {
			a, err := o.worker.Ask(ctx, "POST", "/connectors/"+o.connector+"/restart?includeTasks=true", nil)
			if err == nil && a.Code >= 300 {
				err = fmt.Errorf("%d %s", a.Code, a.Body)
			}
			return err
		})
	},
}

// befallOutbound lets faults befall a sink that has so many records for each.
func befallOutbound(t *testing.T, faults, each int, version string, qos byte) {
	t.Helper()
	random := Dice(t)
	o := startOutbound(t, testbed.SharedKafka(t), version, qos)
	for i, name := range shuffled(outboundFaults, faults, random) {
		written := o.command(each)
		o.awaitArrived(i*each + 1 + random.IntN(each/2))
		outboundFaults[name](o)
		written()
		o.awaitArrived((i + 1) * each)
		t.Logf("%s, %d duplicates so far", name, o.ledger.Judge().Duplicates)
	}
	require.Zero(t, o.worker.Terminate(), "exit code after SIGTERM")
	v := o.ledger.Judge()
	require.NoError(t, v.Err())
	assert.Equal(t, faults*each, v.Promised)
	t.Logf("%d records, %d faults, %d duplicates", v.Arrived, faults, v.Duplicates)
}

func TestNothingIsLostOnTheWayToDevices(t *testing.T) {
	needsProcesses(t)
	for i, version := range versions {
		qos := byte(1 + i)
		t.Run(fmt.Sprintf("MQTT %s QoS %d", version, qos), func(t *testing.T) {
			befallOutbound(t, len(outboundFaults), 6000, version, qos)
		})
	}
}
