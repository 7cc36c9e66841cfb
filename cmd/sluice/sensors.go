package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/connect/embedded"
)

// sensors are simulated devices: each publishes a temperature to sensors/<room>, QoS 1.
type sensors struct {
	broker *embedded.MQTT
	rate   int // messages per second, all rooms together
	rooms  int
}

// tick is how often the sensors publish; each time as many messages as the rate wants by then.
const tick = 20 * time.Millisecond

// run publishes until ctx ends. A broker that holds publishers back slows the sensors down; they do not catch up afterwards.
func (s sensors) run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	perTick := float64(s.rate) * tick.Seconds()
	var due float64
	for n := 0; ; {
		select {
		case now := <-ticker.C:
			for due += perTick; due >= 1; due-- {
				if err := s.publish(ctx, n, now); err != nil {
					if ctx.Err() != nil {
						return nil
					}
					return fmt.Errorf("publishing sensor readings: %w", err)
				}
				n++
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// publish sends the n-th reading of all.
func (s sensors) publish(ctx context.Context, n int, now time.Time) error {
	room := n % s.rooms
	celsius := 20 + 3*math.Sin(float64(n)/500+float64(room))
	payload := fmt.Appendf(nil, `{"room":%d,"seq":%d,"celsius":%.2f,"at":%d}`, room, n/s.rooms, celsius, now.UnixMilli())
	return s.broker.Publish(ctx, "sensors/room-"+strconv.Itoa(room), payload, 1, false)
}
