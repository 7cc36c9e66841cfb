package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// MQTTConfig says how the embedded MQTT broker runs. The zero value is a broker on a free loopback port.
type MQTTConfig struct {
	// Addr is host:port to listen on; port 0 takes any free one. Default 127.0.0.1:0.
	Addr string
	// AddrHint is what the error for a busy port tells the user to use, e.g. "--mqtt-port".
	AddrHint string
	// MaxInflight is how many QoS 1 and 2 messages a session may have waiting, whether sent and not acknowledged or kept
	// for a client that is away. What comes on top is dropped and counted. 1 to 65535, default 65535.
	MaxInflight uint16
	// HoldAt is how many waiting QoS 1 and 2 messages of a connected client hold its publishers back until it has caught
	// up. Default 4096, at most MaxInflight.
	HoldAt int
	// MaxPacketSize is the largest packet in bytes; a client that sends a larger one is disconnected. Default 1 MiB.
	MaxPacketSize uint32
	// Logger receives a warning when messages are dropped; the broker's chatter comes at level debug. Default: discarded.
	Logger *slog.Logger
}

func (c MQTTConfig) withDefaults() MQTTConfig {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.MaxInflight == 0 {
		c.MaxInflight = math.MaxUint16
	}
	if c.HoldAt <= 0 {
		c.HoldAt = 4096
	}
	c.HoldAt = min(c.HoldAt, int(c.MaxInflight))
	if c.MaxPacketSize == 0 {
		c.MaxPacketSize = 1 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// MQTT is a running broker for MQTT 5, 3.1.1 and 3.1 with QoS 0 to 2, retained messages, wills and shared subscriptions.
// It lets everybody in.
//
// Sessions and retained messages are held in memory: they survive a client's reconnect, not the end of the process.
//
// Publishers whose messages go to a client that lags are held back to that client's rate, so that QoS 1 and 2 lose nothing.
// A client that acknowledges nothing for five seconds is waited for no more; once 16384 packets wait for it, further ones
// are dropped, as they are for a client that is away and has MaxInflight waiting. QoS 0 holds nobody back: it is dropped
// when 16384 packets wait.
// A client that publishes and subscribes over one connection with QoS 1 or 2 may lose the broker's copy of a waiting
// message when packet identifiers coincide (mochi-mqtt keeps both directions in one table): it is then not sent again
// after a reconnect. Connections that only publish or only subscribe are not affected.
type MQTT struct {
	server   *mqtt.Server
	listener *mqttListener
	pace     *pace
	close    sync.Once
	closed   chan struct{}
}

// MQTTStats counts since the start of the broker.
type MQTTStats struct {
	// Received and Sent count PUBLISH packets from and to clients, resent ones included, the broker's own on $SYS topics
	// included.
	Received, Sent int64
	// Dropped counts messages that a session had no room for.
	Dropped int64
	// Waiting is how many QoS 1 and 2 messages wait for an acknowledgement or for their client now.
	Waiting int64
	// Clients is how many are connected now.
	Clients int64
}

// writesPending bounds the packets between a publisher and a subscriber's connection. What is not QoS 0 there also counts
// against MaxInflight.
const writesPending = 16 << 10

// StartMQTT starts the broker; it accepts connections when the call returns. ctx bounds the start only, [MQTT.Close] ends
// the broker. An error a user can mend is [AddrInUseError].
func StartMQTT(ctx context.Context, cfg MQTTConfig) (*MQTT, error) {
	cfg = cfg.withDefaults()
	ln, err := listen(ctx, cfg.Addr, cfg.AddrHint)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded MQTT broker: %w", err)
	}
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumInflight = cfg.MaxInflight
	caps.MaximumClientWritesPending = writesPending
	caps.MaximumPacketSize = cfg.MaxPacketSize
	caps.ReceiveMaximum = math.MaxUint16  // the broker counts both directions; clients are told receiveMaximum
	caps.MaximumMessageExpiryInterval = 0 // else every message is given an expiry of a day that its publisher did not set
	server := mqtt.New(&mqtt.Options{
		Capabilities:             caps,
		InlineClient:             true,
		ClientNetWriteBufferSize: 1, // one Write a packet: mqttConn relies on it, and gathers itself
		ClientNetReadBufferSize:  32 << 10,
		SysTopicResendInterval:   10,
		Logger:                   slog.New(demoted{cfg.Logger.Handler()}),
	})
	pace := newPace(server, cfg.HoldAt)
	m := &MQTT{server: server, listener: newMQTTListener(ln), pace: pace, closed: make(chan struct{})}
	err = errors.Join(
		server.AddHook(&mqttHook{server: server, pace: pace, log: cfg.Logger, maxPacket: cfg.MaxPacketSize}, nil),
		server.AddListener(m.listener),
	)
	if err == nil {
		err = server.Serve()
	}
	if err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("starting the embedded MQTT broker: %w", err)
	}
	return m, nil
}

// Addr is the address clients connect to, host:port.
func (m *MQTT) Addr() string { return m.listener.Address() }

// Publish puts a message into the broker as if a client had sent it, for simulated devices in the same process. Like a
// client it is held back while a subscriber lags, up to five seconds or until ctx ends. The payload may be reused
// afterwards. Safe for concurrent use.
func (m *MQTT) Publish(ctx context.Context, topic string, payload []byte, qos byte, retain bool) error {
	select {
	case <-m.closed:
		return fmt.Errorf("publishing to %s: %w", topic, mqtt.ErrConnectionClosed)
	default:
	}
	if err := m.pace.hold(ctx, nil, topic); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	m.pace.fanOut.RLock()
	defer m.pace.fanOut.RUnlock()
	if err := m.server.Publish(topic, payload, retain, qos); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	return nil
}

// Stats reads the counters; it costs a few atomic loads and a lock a session.
func (m *MQTT) Stats() MQTTStats {
	info := m.server.Info.Clone()
	waiting := 0 // the broker's own count loses what a session takes to its next connection
	for _, cl := range m.server.Clients.GetAll() {
		waiting += cl.State.Inflight.Len()
	}
	return MQTTStats{
		Received: info.MessagesReceived,
		Sent:     info.MessagesSent,
		Dropped:  info.MessagesDropped + info.InflightDropped,
		Waiting:  int64(waiting),
		Clients:  info.ClientsConnected,
	}
}

// Close disconnects the clients (MQTT 5: reason 0x8B, server shutting down) and ends the broker. It may be called more than
// once; the calls after the first do nothing.
func (m *MQTT) Close() error {
	var err error
	m.close.Do(func() {
		close(m.closed)
		m.pace.end()
		err = m.server.Close()
	})
	if err != nil {
		return fmt.Errorf("closing the embedded MQTT broker: %w", err)
	}
	return nil
}

// demoted hands a library's log on at level debug: what it warns of is each client that goes away.
type demoted struct{ slog.Handler }

// Enabled implements [slog.Handler].
func (h demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements [slog.Handler].
func (h demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h demoted) WithGroup(name string) slog.Handler { return demoted{h.Handler.WithGroup(name)} }
