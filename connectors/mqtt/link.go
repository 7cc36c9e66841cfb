package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	short int // connections in a row that ended within shortLife
	stop  context.CancelFunc
	ended chan struct{}
}

// shortLife is how soon a connection must end to look like one that somebody else took over.
const shortLife = 10 * time.Second

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
	client *paho.Client
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
		up, err := l.connect(ctx)
		if err == nil {
			var stood time.Duration
			stood, err = l.serve(ctx, up)
			if stood > 0 {
				lost, first = time.Now(), false
			}
			err = l.suspect(err, stood)
			l.retry.stood(stood)
		}
		if ctx.Err() != nil {
			return
		}
		if cause := l.verdict(err, first, time.Since(lost)); cause != nil {
			l.rt.Fail(cause)
			return
		}
		l.wait(ctx, err)
	}
}

// suspect adds a hint where connection after connection is closed soon after it stood: some brokers (mosquitto 2.0) give a client id to
// another connection without the DISCONNECT that says so. It is a hint and not a failure, because a bad network looks the same.
func (l *link) suspect(err error, stood time.Duration) error {
	if err == nil || stood == 0 || stood > shortLife {
		l.short = 0
		return err
	}
	if l.short++; l.short < 3 {
		return err
	}
	return fmt.Errorf("%w (%d times in a row soon after connecting: does another connection use client id %q?)", err, l.short, l.broker.clientID)
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

// connect tries the servers in order.
func (l *link) connect(ctx context.Context) (*uplink, error) {
	var err error
	for _, s := range l.broker.servers {
		var up *uplink
		if up, err = connectTo(ctx, &l.broker, s, l.peer); err == nil {
			return up, nil
		}
		var no *refusal
		if errors.As(err, &no) || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// connectTo opens a connection to one server.
func connectTo(ctx context.Context, b *broker, s server, p peer) (*uplink, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	socket, err := b.dial(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("connecting to MQTT broker %s: %w", s, err)
	}
	up := &uplink{server: s, down: make(chan error, 1)}
	up.conn = newConn(socket, p, b.payloadMost, up.end)
	up.client = paho.NewClient(paho.ClientConfig{
		ClientID: b.clientID, Conn: up.conn, Session: p,
		PingHandler:   &pinger{timeout: b.pingTimeout},
		PacketTimeout: answerTimeout,
		// Without a handler paho would make a router. The messages never come to it.
		OnPublishReceived:  []func(paho.PublishReceived) (bool, error){func(paho.PublishReceived) (bool, error) { return true, nil }},
		OnServerDisconnect: func(d *paho.Disconnect) { up.end(disconnected(b, s, d)) },
		OnClientError:      func(err error) { up.end(fmt.Errorf("connection to MQTT broker %s lost: %w", s, err)) },
	})
	ack, err := up.client.Connect(ctx, b.request())
	if err != nil {
		up.conn.Close()
		if ack != nil && ack.ReasonCode >= 0x80 {
			return nil, &refusal{server: s, user: b.username, code: ack.ReasonCode, reason: ack.Properties.ReasonString}
		}
		return nil, fmt.Errorf("connecting to MQTT broker %s: no valid CONNACK: %w: check that the port in mqtt.server.uri speaks MQTT 5, with or without TLS as the URI says", s, err)
	}
	up.ack = ack
	return up, nil
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
		return &final{fmt.Errorf("MQTT broker %s gave client id %q to another connection: a second connector or an old worker uses it; "+
			"stop that one, or give this connector another mqtt.client.id", s, b.clientID)}
	}
	reason := (&packets.Disconnect{ReasonCode: d.ReasonCode}).Reason()
	return fmt.Errorf("MQTT broker %s ended the connection: reason code 0x%02X: %s", s, d.ReasonCode, reason)
}

// serve lives with a connection until it is lost or ctx ends. stood is how long it was healthy, 0 where it never was.
func (l *link) serve(ctx context.Context, up *uplink) (stood time.Duration, err error) {
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
	l.rt.Healthy()
	l.rt.Log().Info("connected to MQTT broker", slog.String("server", up.server.uri), slog.String("client_id", l.broker.clientID),
		slog.Bool("session_present", up.ack.SessionPresent))
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
