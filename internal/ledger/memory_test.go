package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAWorkerStaysSmallWhileKafkaIsAwayAndMessagesWaitAtTheBroker(t *testing.T) {
	needsProcesses(t)
	const (
		waiting = 100_000
		size    = 1 << 10
		most    = 60 << 20 // bytes resident
	)
	kafka, prefix := testbed.StartKafka(t), testbed.Prefix(t)
	mosquitto := testbed.StartMosquitto(t)
	topic := prefix + "readings"
	testbed.CreateTopic(t, kafka.Addr(), topic, partitions, nil)
	w := StartWorker(t, kafka.Addr(), prefix)
	// A connector a device: version 2.0 of mosquitto loses count of what waits for one client at 65 536.
	fleet := Fleet{Ledger: New(), Addr: mosquitto.Addr(), Prefix: "readings", QoS: 1, Devices: 4, Topics: 5, Size: size}
	var connectors []string
	for i := range fleet.Devices {
		name := fmt.Sprintf("%ssource-%d", prefix, i)
		connectors = append(connectors, name)
		w.Create(name, map[string]string{
			"connector.class": "io.confluent.connect.mqtt.MqttSourceConnector",
			"mqtt.server.uri": mosquitto.URL(),
			"mqtt.topics":     fmt.Sprintf("readings/device-%d/#", i),
			"kafka.topic":     topic,
		})
	}
	idle := w.Usage().Resident
	kafka.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, fleet.Publish(ctx, waiting))
	for _, name := range connectors {
		testbed.Await(t, 30*time.Second, name+" to say that it waits for Kafka", func(ctx context.Context) error {
			s, err := w.Status(ctx, name)
			if err == nil && s.Flowing() == nil {
				err = fmt.Errorf("it flows")
			}
			return err
		})
	}
	away := w.Usage()
	assert.Less(t, away.Peak, int64(most), "peak resident memory in bytes while Kafka was away")
	kafka.Relaunch()
	kafka.WaitReady()
	reader := NewReader(kafka.Addr(), topic)
	testbed.Await(t, 2*time.Minute, "all messages in Kafka", func(ctx context.Context) error {
		if _, err := reader.CatchUp(ctx, func(m *sarama.ConsumerMessage) error { return fleet.Ledger.Enter(m) }); err != nil {
			return err
		}
		return fleet.Ledger.Judge().Incomplete()
	})
	v := fleet.Ledger.Judge()
	require.NoError(t, v.Err())
	t.Logf("%d messages of %d bytes, %d duplicates; resident: %d MiB before, %d MiB at most while Kafka was away, %d MiB at most in all",
		v.Arrived, size, v.Duplicates, idle>>20, away.Peak>>20, w.Usage().Peak>>20)
}
