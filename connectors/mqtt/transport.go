package mqtt

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/net/proxy"
)

// transport opens what MQTT is spoken over: TCP, through a proxy or not, with TLS or not, as a WebSocket or not.
type transport struct {
	tls     func(host string) (*tls.Config, error)
	proxy   *url.URL    // nil for none
	headers http.Header // of WebSockets
}

// dial opens the transport to a server. ctx bounds it.
func (t *transport) dial(ctx context.Context, s server) (net.Conn, error) {
	socket, err := t.reach(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	// What follows reads and writes without a context.
	stop := context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	made, err := t.dress(ctx, s, socket)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	return made, nil
}

// dress makes the connection that MQTT gets out of a socket.
func (t *transport) dress(ctx context.Context, s server, socket net.Conn) (net.Conn, error) {
	if s.tls {
		secure, err := t.secure(ctx, s, socket)
		if err != nil {
			return nil, err
		}
		socket = secure
	}
	if s.path == "" {
		return socket, nil
	}
	return t.upgrade(ctx, s, socket)
}

func (t *transport) secure(ctx context.Context, s server, socket net.Conn) (net.Conn, error) {
	config, err := t.tls(s.host)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(socket, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		if unverified := new(tls.CertificateVerificationError); errors.As(err, &unverified) {
			return nil, fmt.Errorf("TLS handshake: %w: check mqtt.ssl.trust.store.path and mqtt.ssl.server.name", err)
		}
		return nil, fmt.Errorf("TLS handshake: %w: check that the port in mqtt.server.uri speaks TLS, and the mqtt.ssl.* keys", err)
	}
	return secure, nil
}

// reach opens a TCP connection, through the proxy where there is one.
func (t *transport) reach(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	if t.proxy == nil {
		socket, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%w: check mqtt.server.uri, and that the broker runs", err)
		}
		return socket, nil
	}
	var socket net.Conn
	var err error
	if t.proxy.Scheme == "socks5" {
		socket, err = t.socks(ctx, addr)
	} else {
		socket, err = t.tunnel(ctx, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("through the proxy %s: %w: check mqtt.proxy.url", t.proxy.Host, err)
	}
	return socket, nil
}

func (t *transport) socks(ctx context.Context, addr string) (net.Conn, error) {
	var login *proxy.Auth
	if user := t.proxy.User; user != nil {
		password, _ := user.Password()
		login = &proxy.Auth{User: user.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", withPort(t.proxy, "1080"), login, &net.Dialer{})
	if err != nil {
		return nil, err
	}
	return dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", addr)
}

// tunnel asks an HTTP proxy for a connection (RFC 9110 9.3.6).
func (t *transport) tunnel(ctx context.Context, addr string) (_ net.Conn, err error) {
	var d net.Dialer
	var socket net.Conn
	if t.proxy.Scheme == "https" {
		secure := tls.Dialer{Config: &tls.Config{ServerName: t.proxy.Hostname(), MinVersion: tls.VersionTLS12}}
		socket, err = secure.DialContext(ctx, "tcp", withPort(t.proxy, "443"))
	} else {
		socket, err = d.DialContext(ctx, "tcp", withPort(t.proxy, "80"))
	}
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = socket.Close()
		}
	}()
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user := t.proxy.User; user != nil {
		password, _ := user.Password()
		ask.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := ask.Write(socket); err != nil {
		return nil, err
	}
	in := bufio.NewReader(socket)
	answer, err := http.ReadResponse(in, ask)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", answer.Status)
	}
	if in.Buffered() > 0 {
		return nil, errors.New("it sent more than its answer")
	}
	return socket, nil
}

// withPort is a URL's host:port.
func withPort(u *url.URL, otherwise string) string {
	if port := u.Port(); port != "" {
		otherwise = port
	}
	return net.JoinHostPort(u.Hostname(), otherwise)
}

// parseProxy reads mqtt.proxy.url; its error has nothing of the text, which may hold a password.
func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, errors.New("is not a URL such as http://host:3128 or socks5://host:1080")
	}
	switch u.Scheme {
	case "http", "https", "socks5":
		return u, nil
	}
	return nil, errors.New("must begin with http://, https:// or socks5://")
}

// parseHeaders reads mqtt.websocket.headers; its error names the line by its number alone.
func parseHeaders(text string) (http.Header, error) {
	headers := http.Header{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("line %d is not `name: value`", i+1)
		}
		headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return headers, nil
}

// upgrade makes a WebSocket (MQTT 5 6).
func (t *transport) upgrade(ctx context.Context, s server, socket net.Conn) (net.Conn, error) {
	dialer := websocket.Dialer{
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return socket, nil },
		Subprotocols:   []string{"mqtt"}, ReadBufferSize: webBuffer, WriteBufferSize: webBuffer,
	}
	// The scheme is always that of a plain socket: TLS is done already.
	web, answer, err := dialer.DialContext(ctx, "ws://"+s.addr+s.path, t.headers)
	if err != nil {
		if answer != nil {
			err = fmt.Errorf("%w: the server answers %s", err, answer.Status)
		}
		return nil, fmt.Errorf("opening a WebSocket at %s: %w: check the path in mqtt.server.uri, mqtt.websocket.path and mqtt.websocket.headers", s.path, err)
	}
	if got := web.Subprotocol(); got != "mqtt" {
		return nil, fmt.Errorf("opening a WebSocket at %s: the server does not speak MQTT there: check mqtt.websocket.path", s.path)
	}
	return &webConn{Conn: web.NetConn(), web: web}, nil
}

// webBuffer is as long as what the connection reads and writes at once.
const webBuffer = 64 << 10

// webConn is a WebSocket as a stream of bytes: frames begin and end anywhere (MQTT 5 6.0.0). One goroutine may read while another writes.
type webConn struct {
	net.Conn // what deadlines and Close are for
	web      *websocket.Conn

	reading sync.Mutex // who closes reads the rest beside the reader
	frame   io.Reader  // nil between frames
}

// Read reads from frames of binary data.
func (c *webConn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for {
		if c.frame == nil {
			kind, frame, err := c.web.NextReader()
			if err != nil {
				return 0, closedFrame(err)
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("the WebSocket brought text, and MQTT is binary")
			}
			c.frame = frame
		}
		n, err := c.frame.Read(p)
		if errors.Is(err, io.EOF) {
			c.frame, err = nil, nil
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// closedFrame says io.EOF for a WebSocket that was closed in order.
func closedFrame(err error) error {
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived) {
		return io.EOF
	}
	return err
}

// Write sends p as one frame.
func (c *webConn) Write(p []byte) (int, error) {
	if err := c.web.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite says that no more will be sent.
func (c *webConn) CloseWrite() error {
	return c.web.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(closeGrace))
}
