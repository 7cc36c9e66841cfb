package embedded

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/mochi-mqtt/server/v2/system"
)

// mqttHook joins the broker with the connections that do its flow control, and lets everybody in.
type mqttHook struct {
	mqtt.HookBase
	server    *mqtt.Server
	pace      *pace
	log       *slog.Logger
	maxPacket uint32
	dropped   atomic.Int64 // as of the last warning
}

// receiveMaximum is how many QoS 1 and 2 messages a client may have unacknowledged. More of them than are read within a
// keep alive would let its next ping time out behind them.
const receiveMaximum = 1024

// ID implements [mqtt.Hook].
func (h *mqttHook) ID() string { return "sluice" }

// Provides implements [mqtt.Hook].
func (h *mqttHook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnConnect, mqtt.OnSessionEstablish, mqtt.OnSessionEstablished,
		mqtt.OnDisconnect, mqtt.OnPacketRead, mqtt.OnPacketEncode, mqtt.OnPacketProcessed, mqtt.OnPublish,
		mqtt.OnQosPublish, mqtt.OnQosDropped, mqtt.OnSysInfoTick:
		return true
	}
	return false
}

// OnConnectAuthenticate implements [mqtt.Hook].
func (h *mqttHook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck implements [mqtt.Hook].
func (h *mqttHook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func connOf(cl *mqtt.Client) (*mqttConn, bool) {
	c, ok := cl.Net.Conn.(*mqttConn)
	return c, ok
}

// OnConnect implements [mqtt.Hook]: it moves the client's Receive Maximum from the broker to the connection. Topics have no aliases: the broker keeps
// unacknowledged messages as it sent them, and would send a topic's alias again on a connection that does not know it.
func (h *mqttHook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	c, ok := connOf(cl)
	if !ok {
		return nil
	}
	if pk.Properties.ReceiveMaximum > 0 { // absent means 65535 (MQTT 5, 3.1.2.11.3)
		c.mu.Lock()
		c.window = int(pk.Properties.ReceiveMaximum)
		c.mu.Unlock()
	}
	cl.Properties.Props.ReceiveMaximum, cl.Properties.Props.TopicAliasMaximum = 0, 0
	cl.State.Inflight.ResetSendQuota(0) // 0 is "no limit", and keeps the broker out of NextImmediate
	if cl.State.Keepalive > math.MaxUint16/3*2 {
		cl.State.Keepalive = 0 // 12 hours and more overflow the broker's 16 bits into seconds
	}
	return nil
}

// OnSessionEstablish implements [mqtt.Hook]. From here until OnSessionEstablished the session moves
// from its last connection to cl.
func (h *mqttHook) OnSessionEstablish(cl *mqtt.Client, pk packets.Packet) {
	c, ok := connOf(cl)
	if !ok {
		return
	}
	h.pace.fanOut.Lock()
	c.release = h.pace.fanOut.Unlock
	if last, ok := h.server.Clients.Get(cl.ID); ok && !pk.Connect.Clean {
		if old, ok := connOf(last); ok {
			c.inherit(old)
		}
	}
}

// OnPacketEncode implements [mqtt.Hook].
func (h *mqttHook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c, ok := connOf(cl)
	if !ok {
		return pk
	}
	switch pk.FixedHeader.Type {
	case packets.Connack:
		pk.Properties.MaximumPacketSize = h.maxPacket
		pk.Properties.ReceiveMaximum = receiveMaximum
		if pk.SessionPresent {
			c.beginResume()
		}
	case packets.Publish:
		c.awaitRoom()
	}
	return pk
}

// OnSessionEstablished implements [mqtt.Hook].
func (h *mqttHook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	if c, ok := connOf(cl); ok {
		c.endResume()
		c.endAttach()
	}
}

// OnDisconnect implements [mqtt.Hook].
func (h *mqttHook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	if c, ok := connOf(cl); ok {
		h.pace.left(cl.ID, c)
	}
}

// OnPublish implements [mqtt.Hook]: a client's message waits here until its subscribers have room.
func (h *mqttHook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c, ok := connOf(cl)
	if !ok {
		return pk, nil // MQTT.Publish has done it
	}
	_ = h.pace.hold(context.Background(), cl, pk.TopicName)
	h.pace.fanOut.RLock()
	c.fanning = true
	return pk, nil
}

// OnPacketProcessed implements [mqtt.Hook]. It comes after every packet, on the goroutine that read it.
func (h *mqttHook) OnPacketProcessed(cl *mqtt.Client, _ packets.Packet, _ error) {
	if c, ok := connOf(cl); ok && c.fanning {
		c.fanning = false
		h.pace.fanOut.RUnlock()
	}
}

// OnQosPublish implements [mqtt.Hook]: a message, or an acknowledgement, joins what a session has waiting.
func (h *mqttHook) OnQosPublish(cl *mqtt.Client, pk packets.Packet, _ int64, _ int) {
	c, ok := connOf(cl)
	if !ok || pk.FixedHeader.Type != packets.Publish || pk.FixedHeader.Dup {
		return
	}
	c.waiting(pk.PacketID)
	if !cl.Closed() {
		h.pace.grew(cl.ID, c, cl.State.Inflight.Len())
	}
}

// OnPacketRead implements [mqtt.Hook]: an acknowledgement makes room.
func (h *mqttHook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	switch pk.FixedHeader.Type {
	case packets.Puback, packets.Pubcomp:
		h.settled(cl, pk.PacketID)
	case packets.Pubrec:
		if pk.ReasonCode >= packets.ErrUnspecifiedError.Code {
			h.settled(cl, pk.PacketID)
		}
	}
	return pk, nil
}

// OnQosDropped implements [mqtt.Hook].
func (h *mqttHook) OnQosDropped(cl *mqtt.Client, pk packets.Packet) {
	if pk.FixedHeader.Type == packets.Publish {
		h.settled(cl, pk.PacketID)
	}
}

func (h *mqttHook) settled(cl *mqtt.Client, id uint16) {
	if c, ok := connOf(cl); ok {
		c.settled(id)
		h.pace.shrank(cl.ID, c, cl.State.Inflight.Len())
	}
}

// OnSysInfoTick implements [mqtt.Hook]; it comes every ten seconds.
func (h *mqttHook) OnSysInfoTick(info *system.Info) {
	now := info.MessagesDropped + info.InflightDropped
	if before := h.dropped.Swap(now); now > before {
		h.log.Warn("the embedded MQTT broker dropped messages for a client that is away or too slow", "dropped", now-before)
	}
}
