package main

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/eclipse/paho.golang/paho"
)

func mqttLoop(ctx context.Context, t task) error { return mqttWith(ctx, t, paho.ClientConfig{}, false) }

func mqttBufferedLoop(ctx context.Context, t task) error {
	return mqttWith(ctx, t, paho.ClientConfig{SendAcksInterval: time.Millisecond}, true)
}

// mqttWith takes the messages of the run's session and acknowledges each when Kafka has it.
func mqttWith(ctx context.Context, t task, config paho.ClientConfig, buffered bool) error {
	conn, err := net.Dial("tcp", t.mqtt)
	if err != nil {
		return err
	}
	if buffered {
		conn = newBufferedConn(conn)
	}
	config.Conn = conn
	config.EnableManualAcknowledgment = true
	config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		t.producer.Input() <- &sarama.ProducerMessage{
			Topic: t.topic, Key: sarama.StringEncoder(r.Packet.Topic), Value: sarama.ByteEncoder(r.Packet.Payload), Metadata: r.Packet,
		}
		return true, nil
	}}
	client := paho.NewClient(config)
	maximum, expiry := uint16(receiveMaximum), uint32(3600)
	connect := &paho.Connect{
		ClientID: t.topic + "-0", KeepAlive: 60,
		Properties: &paho.ConnectProperties{ReceiveMaximum: &maximum, SessionExpiryInterval: &expiry},
	}
	if _, err := client.Connect(ctx, connect); err != nil {
		return err
	}
	var failed error
	err = t.acknowledged(ctx, func(m *sarama.ProducerMessage) {
		if err := client.Ack(m.Metadata.(*paho.Publish)); err != nil {
			failed = err
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

// bufferedConn reads through a buffer and gathers writes for half a millisecond, which is what paho does not do itself.
type bufferedConn struct {
	net.Conn
	in  *bufio.Reader
	mu  sync.Mutex
	out *bufio.Writer
	due bool
}

func newBufferedConn(c net.Conn) *bufferedConn {
	return &bufferedConn{Conn: c, in: bufio.NewReaderSize(c, 64<<10), out: bufio.NewWriterSize(c, 64<<10)}
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *bufferedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.due {
		c.due = true
		time.AfterFunc(500*time.Microsecond, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.due = false
			_ = c.out.Flush() // the next write has the error
		})
	}
	return c.out.Write(p)
}
