package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/eclipse/paho.golang/packets"
)

// latencyName is what -only calls the time that messages take.
const latencyName = "latency"

const (
	latencyRate = 5000 // messages a second
	latencyTime = 20 * time.Second
	latencySkip = 2 * time.Second // at the beginning, when nothing is warm
	latencyBeat = time.Millisecond

	latencyAll = latencyRate * int(latencyTime/time.Second)
)

// measureLatency tells how long a message takes from its PUBLISH to a consumer of the Kafka topic, at a steady rate.
func (l *lab) measureLatency(ctx context.Context) error {
	fmt.Printf("MQTT QoS 1 -> Kafka -> consumer, %d messages/s for %v\n  %-34s %10s %10s %10s\n", latencyRate, latencyTime-latencySkip, "", "p50 ms", "p99 ms", "max ms")
	for i, a := range []arm{
		{name: "paho over a buffered link + sarama", thin: []string{"mqtt-buffered"}},
		{name: "sluice", connector: mqttConnector(1, false)},
	} {
		took, err := l.latency(ctx, a, fmt.Sprintf("%s-%d", latencyName, i))
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		slices.Sort(took)
		at := func(share float64) float64 {
			return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
		}
		fmt.Printf("  %-34s %10.2f %10.2f %10.2f\n", a.name, at(0.5), at(0.99), at(1))
	}
	fmt.Println()
	return nil
}

// latency runs an arm, and returns the time that each message took.
func (l *lab) latency(ctx context.Context, a arm, run string) ([]time.Duration, error) {
	if err := l.createTopic(run); err != nil {
		return nil, err
	}
	if err := l.makeSession(run, 1); err != nil {
		return nil, err
	}
	lab := *l
	lab.records = latencyAll
	cmd, err := lab.command(a, run)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	defer end(cmd)
	consumer, err := sarama.NewConsumer([]string{l.kafka.Addr}, sarama.NewConfig())
	if err != nil {
		return nil, fmt.Errorf("consuming: %w", err)
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(run, 0, sarama.OffsetOldest)
	if err != nil {
		return nil, fmt.Errorf("consuming: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, armTimeout)
	published := make(chan error, 1)
	var publishing sync.WaitGroup
	publishing.Go(func() { published <- l.beat(ctx, run) })
	defer publishing.Wait()
	defer cancel()
	took := make([]time.Duration, 0, latencyAll)
	for n := range latencyAll {
		select {
		case m := <-partition.Messages():
			sent := time.Unix(0, int64(binary.BigEndian.Uint64(m.Value)))
			if n >= latencyRate*int(latencySkip/time.Second) {
				took = append(took, time.Since(sent))
			}
		case err := <-published:
			return nil, fmt.Errorf("%w; it said: %s", err, out.String())
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d messages have arrived: %w; it said: %s", n, latencyAll, ctx.Err(), out.String())
		}
	}
	return took, nil
}

// end ends an arm.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM) // a thin loop may have ended by itself
	_ = cmd.Wait()                          // what counts is what arrived
}

// beat publishes messages that begin with the time at which they are written to the socket, a few each millisecond.
func (l *lab) beat(ctx context.Context, run string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.mqtt)
	if err != nil {
		return fmt.Errorf("connecting to mosquitto: %w", err)
	}
	defer conn.Close()
	go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
	out := bufio.NewWriterSize(conn, 64<<10)
	hello := packets.NewControlPacket(packets.CONNECT).Content.(*packets.Connect)
	hello.ClientID = run + "-" + strconv.Itoa(latencyRate)
	if _, err := hello.WriteTo(out); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	tick := time.NewTicker(latencyBeat)
	defer tick.Stop()
	payload := make([]byte, record)
	p := &packets.Publish{Topic: run + "/device", QoS: 1, Payload: payload, Properties: &packets.Properties{}}
	for start, n := time.Now(), 0; n < latencyAll; {
		for due := int(time.Since(start) * latencyRate / time.Second); n < min(due, latencyAll); n++ {
			p.PacketID = uint16(n%60_000 + 1)
			binary.BigEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
			if _, err := p.WriteTo(out); err != nil {
				return fmt.Errorf("publishing: %w", err)
			}
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	<-ctx.Done() // until the last have arrived
	return ctx.Err()
}
