package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// mosquittoName is what -only calls the figures of mosquitto alone.
const mosquittoName = "mosquitto"

// measureMosquitto tells how fast mosquitto gives messages to a client that looks at nothing but packet ids.
func (l *lab) measureMosquitto(ctx context.Context) error {
	fmt.Println("mosquitto alone, to a reader that only acknowledges")
	for qos := range 3 {
		run := fmt.Sprintf("mosquitto-%d", qos)
		if err := l.makeSession(run, qos); err != nil {
			return err
		}
		r, err := attach(ctx, l.mqtt, run+"-0", run+"/#", qos)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := l.publish(ctx, run, qos, r.arrived); err != nil {
			return err
		}
		err = await(ctx, armTimeout, "all messages have arrived", func() (bool, error) {
			n, err := r.arrived()
			return n >= int64(l.records), err
		})
		if err != nil {
			return err
		}
		fmt.Printf("  QoS %d %12.0f messages/s\n", qos, float64(l.records)/time.Since(start).Seconds())
		r.end()
	}
	fmt.Println()
	return nil
}

// subscribed counts what a run publishes.
func (l *lab) subscribed(ctx context.Context, run string) (arrived func() (int64, error), end func(), err error) {
	r, err := attach(ctx, l.mqtt, run+"-reader", run+"/#", 1)
	if err != nil {
		return nil, nil, err
	}
	return r.arrived, r.end, nil
}

// receiver acknowledges messages and counts them.
type receiver struct {
	conn  net.Conn
	count atomic.Int64
	ended chan struct{}
	err   error // why it has ended; to be read after ended
}

// attach subscribes in a session.
func attach(ctx context.Context, addr, id, filter string, qos int) (*receiver, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to mosquitto: %w", err)
	}
	maximum, expiry := uint16(receiveMaximum), uint32(3600)
	hello := packets.NewControlPacket(packets.CONNECT).Content.(*packets.Connect)
	hello.ClientID = id
	hello.Properties.ReceiveMaximum, hello.Properties.SessionExpiryInterval = &maximum, &expiry
	subscribe := packets.NewControlPacket(packets.SUBSCRIBE).Content.(*packets.Subscribe)
	subscribe.PacketID = 1
	subscribe.Subscriptions = []packets.SubOptions{{Topic: filter, QoS: byte(qos)}}
	for _, p := range []packets.Packet{hello, subscribe} {
		if _, err := p.WriteTo(conn); err != nil {
			return nil, fmt.Errorf("subscribing at mosquitto: %w", err)
		}
	}
	r := &receiver{conn: conn, ended: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(r.ended)
		r.err = r.run(ready)
	}()
	select {
	case <-ready:
		return r, nil
	case <-r.ended:
		return nil, fmt.Errorf("subscribing at mosquitto: %w", r.err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run reads until the connection ends. ready is closed at the SUBACK.
func (r *receiver) run(ready chan<- struct{}) error {
	in, out := bufio.NewReaderSize(r.conn, 64<<10), bufio.NewWriterSize(r.conn, 64<<10)
	for {
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		first, err := in.ReadByte()
		if err != nil {
			return err
		}
		length, err := binary.ReadUvarint(in) // a Variable Byte Integer is one of these
		if err != nil {
			return err
		}
		body, err := in.Peek(min(int(length), 256))
		if err != nil {
			return err
		}
		switch kind, qos := first>>4, first>>1&3; kind {
		case packets.SUBACK:
			close(ready)
		case packets.PUBLISH:
			r.count.Add(1)
			if at := 2 + int(binary.BigEndian.Uint16(body)); qos > 0 && at+2 <= len(body) {
				answer := byte(packets.PUBACK)
				if qos == 2 {
					answer = packets.PUBREC
				}
				_, _ = out.Write([]byte{answer << 4, 2, body[at], body[at+1]}) // Flush has its error
			}
		case packets.PUBREL:
			_, _ = out.Write([]byte{packets.PUBCOMP << 4, 2, body[0], body[1]})
		}
		if _, err := io.CopyN(io.Discard, in, int64(length)); err != nil {
			return err
		}
	}
}

// arrived is how many messages have come; an error where no more will.
func (r *receiver) arrived() (int64, error) {
	select {
	case <-r.ended:
		return r.count.Load(), fmt.Errorf("reading from mosquitto: %w", r.err)
	default:
		return r.count.Load(), nil
	}
}

func (r *receiver) end() {
	_ = r.conn.Close() // to end run
	<-r.ended
}
