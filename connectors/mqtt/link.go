package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"

	"github.com/sluice-connect/sluice/connect"
)

// answerTimeout bounds what paho waits for by itself. It is long because waiting is ours: while reading is paused, an answer may be
// stuck behind messages that we do not take.
const answerTimeout = 24 * time.Hour

// link keeps a task connected. One goroutine connects, gives the connection to the peer, waits for its end and starts again.
type link struct {
	broker   broker
	retry    retry
	failFast bool
	peer     peer
	rt       connect.TaskContext
	uptime   uptime

	rival rivalry
	stop  context.CancelFunc
	ended chan struct{}
}

// peer is what source and sink do with a connection.
type peer interface {
	session.SessionManager
	owner
	// begin is called when a connection stands, before it counts as healthy; an error ends the connection. What it starts runs
	// in up.work and ends with ctx.
	begin(ctx context.Context, up *uplink) error
}

// uplink is one connection.
type uplink struct {
	server server
	three  bool // MQTT 3.1.1
	client client
	conn   *conn
	ack    *paho.Connack
	down   chan error // capacity 1: why it ended
	work   sync.WaitGroup
}

// healer is an answer of the broker that may or may not change without anybody changing the configuration.
type healer interface{ heals() bool }

// final wraps an error that no reconnect will mend.
type final struct{ cause error }

func (f *final) Error() string { return f.cause.Error() }
func (f *final) Unwrap() error { return f.cause }

// start begins connecting; ctx's end does not stop it, close does. Until a connection stands the task says that it waits.
func (l *link) start(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.ended = make(chan struct{})
	l.rt.Waiting(fmt.Errorf("connecting to MQTT broker %s", l.broker.servers[0]), time.Now())
	go func() {
		defer close(l.ended)
		l.run(ctx)
	}()
}

// close sends what is waiting and DISCONNECT, and keeps the session at the broker.
func (l *link) close(ctx context.Context) error {
	l.stop()
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the connection to the MQTT broker: %w", ctx.Err())
	}
}

func (l *link) run(ctx context.Context) {
	first := true
	lost := time.Now()
	for ctx.Err() == nil {
		// A task that may be another worker's must not take the session over: it has the same client id there.
		for resumed := l.peer.suspended(); resumed != nil; resumed = l.peer.suspended() {
			select {
			case <-resumed:
				lost = time.Now()
			case <-ctx.Done():
				return
			}
		}
		up, err := l.connect(ctx)
		if err == nil {
			var stood time.Duration
			stood, err = l.serve(ctx, up, first)
			if stood > 0 {
				lost, first = time.Now(), false
			}
			err = l.suspect(ctx, err, stood)
			l.retry.stood(stood)
		} else {
			l.uptime.failures.Add(1)
		}
		if ctx.Err() != nil {
			return
		}
		if l.peer.suspended() != nil {
			continue // whatever ended it: another worker that has the task now is no failure of it
		}
		if cause := l.verdict(err, first, time.Since(lost)); cause != nil {
			l.rt.Fail(cause)
			return
		}
		l.wait(ctx, err)
	}
}

// verdict returns why the task must fail, or nil where another attempt may help.
func (l *link) verdict(err error, first bool, without time.Duration) error {
	var no healer
	var last *final
	switch {
	case errors.As(err, &last):
		return last.cause
	case errors.As(err, &no) && !no.heals() && first && l.failFast:
		return err
	case l.retry.limit >= 0 && without >= l.retry.limit:
		return fmt.Errorf("no connection for %s (max.retry.time.ms): %w", without.Round(time.Millisecond), err)
	}
	return nil
}

// wait reports the failure and pauses.
func (l *link) wait(ctx context.Context, cause error) {
	pause := l.retry.next()
	l.rt.Waiting(cause, time.Now().Add(pause))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// connect tries the servers in order, and after a broker that sends us on the one that it names.
func (l *link) connect(ctx context.Context) (*uplink, error) {
	var err error
	for _, s := range l.broker.order() {
		var up *uplink
		if up, err = l.connectAs(ctx, s); err == nil {
			return up, nil
		}
		var no *refusal
		if errors.As(err, &no) {
			if next, ok := l.sentOn(no); ok {
				return l.connectAs(ctx, next)
			}
			break
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// sentOn is the server to which a broker sends us (MQTT 5 4.11), where it may do that.
func (l *link) sentOn(no *refusal) (server, bool) {
	if no.code != packets.ConnackUseAnotherServer && no.code != packets.ConnackServerMoved {
		return server{}, false
	}
	for _, name := range strings.Fields(no.elsewhere) {
		for _, s := range l.broker.servers {
			if s != no.server && (s.addr == name || s.host == name || s.uri == name) {
				return s, true
			}
		}
		if l.broker.follow {
			scheme, _, _ := strings.Cut(no.server.uri, "://")
			if s, err := parseServer(scheme+"://"+name, no.server.path); err == nil {
				return s, true
			}
		}
	}
	return server{}, false
}

// connectAs speaks the version that is configured. With auto, a broker that answers CONNECT of MQTT 5 with nothing that is MQTT 5, twice, gets one
// of 3.1.1; what it then takes is fixed for the life of the task.
func (l *link) connectAs(ctx context.Context, s server) (*uplink, error) {
	b := &l.broker
	if b.version != "auto" {
		return connectTo(ctx, b, s, l.peer, b.version == "3.1.1")
	}
	var up *uplink
	var err error
	for range 2 {
		if up, err = connectTo(ctx, b, s, l.peer, false); err == nil {
			b.version = "5"
			return up, nil
		}
		var no *refusal
		if errors.As(err, &no) && no.code == packets.ConnackUnsupportedProtocolVersion {
			break
		}
		if silent := new(noConnack); !errors.As(err, &silent) || ctx.Err() != nil {
			return nil, err
		}
	}
	up, err3 := connectTo(ctx, b, s, l.peer, true)
	var no *refusal
	switch {
	case err3 == nil:
		b.version = "3.1.1"
		return up, nil
	case errors.As(err3, &no):
		return nil, err3
	}
	return nil, err
}

// noConnack is a broker that does not answer CONNECT as MQTT wants it.
type noConnack struct {
	server  server
	version string
	cause   error
}

// Error names the broker, the cause and what to check.
func (n *noConnack) Error() string {
	return fmt.Sprintf("connecting to MQTT broker %s: no valid CONNACK: %v: check that the port in mqtt.server.uri speaks MQTT %s, with or without TLS as the URI says",
		n.server, n.cause, n.version)
}

// Unwrap returns the cause.
func (n *noConnack) Unwrap() error { return n.cause }

// connectTo opens a connection to one server.
func connectTo(ctx context.Context, b *broker, s server, p peer, three bool) (*uplink, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	password, err := b.secret()
	if err != nil {
		return nil, err
	}
	socket, err := b.transport.dial(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("connecting to MQTT broker %s: %w", s, err)
	}
	up := &uplink{server: s, three: three, down: make(chan error, 1)}
	up.conn = newConn(socket, p, b.payloadMost, up.end)
	if three {
		up.conn.speak3()
	}
	lost := func(err error) { up.end(fmt.Errorf("connection to MQTT broker %s lost: %w", s, err)) }
	var ack *paho.Connack
	version := "5"
	if three {
		version = "3.1.1"
		var c *client3
		if c, ack, err = connect3(ctx, b, up, password, p, lost); err == nil {
			up.client = c
		}
	} else {
		c := paho.NewClient(paho.ClientConfig{
			ClientID: b.clientID, Conn: up.conn, Session: p,
			PingHandler:   &pinger{timeout: b.pingTimeout},
			PacketTimeout: answerTimeout,
			// Without a handler paho would make a router. The session has the messages.
			OnPublishReceived:  []func(paho.PublishReceived) (bool, error){func(paho.PublishReceived) (bool, error) { return true, nil }},
			OnServerDisconnect: func(d *paho.Disconnect) { up.end(disconnected(b, s, d)) },
			OnClientError:      lost,
		})
		ack, err = c.Connect(ctx, b.request(password))
		up.client = c
	}
	if err != nil {
		up.conn.Close()
		if ack != nil && ack.ReasonCode >= 0x80 {
			return nil, &refusal{server: s, user: b.username, code: ack.ReasonCode, reason: ack.Properties.ReasonString, elsewhere: ack.Properties.ServerReference}
		}
		return nil, &noConnack{server: s, version: version, cause: err}
	}
	up.ack = ack
	return up, nil
}

// version is the protocol's.
func (up *uplink) version() string {
	if up.three {
		return "3.1.1"
	}
	return "5"
}

// end notes why the connection ended; only the first reason counts.
func (up *uplink) end(cause error) {
	select {
	case up.down <- cause:
	default:
	}
}

// disconnected is what a DISCONNECT of the server means.
func disconnected(b *broker, s server, d *paho.Disconnect) error {
	if d.ReasonCode == packets.DisconnectSessionTakenOver {
		return takenOver(b, s)
	}
	reason := (&packets.Disconnect{ReasonCode: d.ReasonCode}).Reason()
	return fmt.Errorf("MQTT broker %s ended the connection: reason code 0x%02X: %s", s, d.ReasonCode, reason)
}

// serve lives with a connection until it is lost or ctx ends. stood is how long it was healthy, 0 where it never was.
func (l *link) serve(ctx context.Context, up *uplink, first bool) (stood time.Duration, err error) {
	peerCtx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		l.disconnect(up)
		<-up.client.Done()
		up.work.Wait()
	}()
	if err := l.peer.begin(peerCtx, up); err != nil {
		select {
		case lost := <-up.down: // the connection's own end says more
			return 0, lost
		default:
			return 0, err
		}
	}
	if l.broker.status != nil {
		l.broker.status.say(up.conn, l.broker.clientID, true)
	}
	l.uptime.stands(first, up.ack.SessionPresent)
	defer l.uptime.connected.Set(0)
	l.rt.Healthy()
	l.rt.Log().Info("connected to MQTT broker", slog.String("server", up.server.uri), slog.String("client_id", l.broker.clientID),
		slog.String("version", up.version()), slog.Bool("session_present", up.ack.SessionPresent))
	since := time.Now()
	select {
	case err = <-up.down:
		l.rt.Log().Warn("lost MQTT broker", slog.String("server", up.server.uri), slog.Any("error", err))
	case <-ctx.Done():
	}
	return max(time.Since(since), 1), err
}

// disconnect ends a connection in order, or what is left of it. No session expiry is sent, so that the one of CONNECT stays (MQTT 5 3.14.2.2.2).
func (l *link) disconnect(up *uplink) {
	if l.broker.status != nil {
		l.broker.status.say(up.conn, l.broker.clientID, false) // DISCONNECT removes the will
	}
	_ = up.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
}

// patience returns a context that ends when the broker has not answered for the connect timeout, not counting the time in
// which we did not read.
func (up *uplink) patience(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	start := time.Now()
	var timer *time.Timer
	armed := make(chan struct{})
	timer = time.AfterFunc(d, func() {
		<-armed
		if left := time.Until(up.conn.listeningSince(start).Add(d)); left > 0 && ctx.Err() == nil {
			timer.Reset(left)
			return
		}
		cancel()
	})
	close(armed)
	return ctx, func() { timer.Stop(); cancel() }
}
