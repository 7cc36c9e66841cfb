package mqtt

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
)

// pinger keeps a connection alive and notices when it is dead. It replaces paho's DefaultPinger because that one counts the time
// in which we ourselves do not read (a PINGRESP may be stuck behind unread messages), and takes a lock and the time a packet.
type pinger struct {
	timeout time.Duration // silence after PINGREQ that ends the connection
}

// Run sends a PINGREQ every keepAlive seconds, whatever else is sent, and returns an error when nothing at all came in answer.
// With keepAlive 0 it does nothing (MQTT 5 3.1.2.10).
func (p *pinger) Run(ctx context.Context, nc net.Conn, keepAlive uint16) error {
	c, ok := nc.(*conn)
	if keepAlive == 0 || !ok {
		return nil
	}
	interval := time.Duration(keepAlive) * time.Second
	timer := time.NewTimer(interval)
	defer timer.Stop()
	var asked time.Time // when the first ping without an answer was sent; zero for none
	for due := time.Now().Add(interval); ; {
		wait := time.Until(due)
		if !asked.IsZero() {
			wait = min(wait, time.Until(c.listeningSince(asked).Add(p.timeout)))
		}
		if !sleep(ctx, timer, wait) {
			return nil
		}
		switch {
		case asked.IsZero():
		case c.heardAt().After(asked):
			asked = time.Time{}
		case time.Since(c.listeningSince(asked)) >= p.timeout:
			return fmt.Errorf("no answer to PINGREQ within %s (mqtt.ping.timeout.seconds)", p.timeout)
		}
		if time.Now().Before(due) {
			continue
		}
		due = time.Now().Add(interval)
		if asked.IsZero() {
			asked = time.Now()
		}
		if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(c); err != nil {
			return fmt.Errorf("sending PINGREQ: %w", err)
		}
	}
}

// sleep waits for d on a reused timer; false means that ctx ended.
func sleep(ctx context.Context, timer *time.Timer, d time.Duration) bool {
	timer.Reset(d)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// PacketSent, PacketReceived, PingResp and SetDebug have nothing to note: the connection knows when it was heard.
func (p *pinger) PacketSent()         {}
func (p *pinger) PacketReceived()     {}
func (p *pinger) PingResp()           {}
func (p *pinger) SetDebug(log.Logger) {}
