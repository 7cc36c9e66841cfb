package main

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	pahosession "github.com/eclipse/paho.golang/paho/session"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// mqttSinkLoop publishes a topic, and commits the offset of a record when the broker has acknowledged it and all before it.
func mqttSinkLoop(ctx context.Context, t task) error {
	socket, err := net.Dial("tcp", t.mqtt)
	if err != nil {
		return err
	}
	kafka, err := sarama.NewClient([]string{t.kafka}, sarama.NewConfig())
	if err != nil {
		return err
	}
	offsets, err := sarama.NewOffsetManagerFromClient(t.topic, kafka)
	if err != nil {
		return err
	}
	stored, err := offsets.ManagePartition(loadTopic, 0)
	if err != nil {
		return err
	}
	answers := &answers{SessionManager: state.NewInMemory(), stored: stored}
	client := paho.NewClient(paho.ClientConfig{Conn: newBufferedConn(socket), Session: answers, PacketTimeout: time.Hour})
	if _, err := client.Connect(ctx, &paho.Connect{ClientID: t.topic, KeepAlive: 60, CleanStart: true}); err != nil {
		return err
	}
	consumer, err := sarama.NewConsumerFromClient(kafka)
	if err != nil {
		return err
	}
	partition, err := consumer.ConsumePartition(loadTopic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	options := paho.PublishOptions{Method: paho.PublishMethod_AsyncSend}
	for range t.records {
		m := <-partition.Messages()
		answers.offset = m.Offset
		if _, err := client.PublishWithOptions(ctx, &paho.Publish{QoS: 1, Topic: t.topic + "/device", Payload: m.Value}, options); err != nil {
			return err
		}
	}
	if err := await(ctx, armTimeout, "all is acknowledged", func() (bool, error) { return answers.all(), nil }); err != nil {
		return err
	}
	if err := stored.Close(); err != nil {
		return err
	}
	return offsets.Close()
}

// answers is paho's session, which does not tell a publisher that does not wait of the answers to its messages.
type answers struct {
	pahosession.SessionManager
	stored sarama.PartitionOffsetManager
	offset int64 // of the record that is being published

	mu      sync.Mutex
	waiting []waiting
}

// waiting is a message without its answer, or behind one without.
type waiting struct {
	id     uint16
	offset int64
	done   bool
}

// AddToSession notes the packet id that a message gets.
func (a *answers) AddToSession(ctx context.Context, p pahosession.Packet, reply chan<- packets.ControlPacket) error {
	if err := a.SessionManager.AddToSession(ctx, p, reply); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, waiting{id: p.(*packets.Publish).PacketID, offset: a.offset})
	return nil
}

// PacketReceived stores the offset of the last record before which all have their answers.
func (a *answers) PacketReceived(p *packets.ControlPacket, came chan<- *packets.Publish) error {
	if err := a.SessionManager.PacketReceived(p, came); err != nil || p.Type != packets.PUBACK {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.waiting {
		if w := &a.waiting[i]; w.id == p.PacketID() && !w.done {
			w.done = true
			break
		}
	}
	for len(a.waiting) > 0 && a.waiting[0].done {
		a.stored.MarkOffset(a.waiting[0].offset+1, "")
		a.waiting = a.waiting[1:]
	}
	return nil
}

func (a *answers) all() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting) == 0
}
