package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// broker is where and how to connect.
type broker struct {
	servers        []server
	clientID       string
	username       string
	password       string
	cleanStart     bool
	sessionExpiry  uint32 // seconds
	receiveMaximum uint16 // 0: not announced
	aliasMaximum   uint16 // topic aliases that the server may use
	keepAlive      uint16 // seconds
	pingTimeout    time.Duration
	timeout        time.Duration // TCP, TLS and CONNACK together
	payloadMost    int           // longest payload that is taken, in bytes
	properties     paho.UserProperties
	tls            func(host string) (*tls.Config, error)
}

// server is one address of the broker.
type server struct {
	uri  string // as configured
	host string
	addr string
	tls  bool
}

func (s server) String() string { return s.uri }

// schemes are the transports, each with its default port.
var schemes = map[string]struct {
	port string
	tls  bool
}{
	"tcp": {"1883", false}, "mqtt": {"1883", false},
	"ssl": {"8883", true}, "tls": {"8883", true}, "mqtts": {"8883", true},
}

// parseServer reads an entry of mqtt.server.uri. Its errors are complete sentences about that entry.
func parseServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return server{}, fmt.Errorf("%q is not a broker's URI: write tcp://host:1883 or ssl://host:8883", redact(text))
	}
	if u.User != nil {
		return server{}, errors.New("a URI must not carry a user name or password: use mqtt.username and mqtt.password")
	}
	scheme, ok := schemes[strings.ToLower(u.Scheme)]
	if !ok {
		return server{}, fmt.Errorf("%s has an unknown transport %q: use tcp, mqtt, ssl, tls or mqtts", text, u.Scheme)
	}
	port := u.Port()
	if port == "" {
		port = scheme.port
	}
	return server{uri: text, host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port), tls: scheme.tls}, nil
}

// redact cuts what may be a user name and password out of a URI that does not parse.
func redact(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "..." + text[at:]
	}
	return text
}

// newBroker reads the connection's keys. base is the client id without the task's number.
func newBroker(cfg connect.Config) (broker, error) {
	b := broker{
		username:      username.Get(cfg),
		password:      password.Get(cfg),
		sessionExpiry: uint32(sessionExpiry.Get(cfg)),
		keepAlive:     uint16(keepAlive.Get(cfg)),
		pingTimeout:   seconds(pingTimeout.Get(cfg)),
		timeout:       seconds(connectTimeout.Get(cfg)),
		payloadMost:   payloadMost,
		tls:           func(host string) (*tls.Config, error) { return clientTLS(cfg, host) },
	}
	for _, text := range serverURI.Get(cfg) {
		s, err := parseServer(text)
		if err != nil {
			return broker{}, &connect.ConfigError{Key: serverURI.Name(), Reason: err.Error()}
		}
		if s.tls {
			// A store that cannot be used shows now, and not as a broker out of reach.
			if _, err := b.tls(s.host); err != nil {
				return broker{}, fmt.Errorf("preparing TLS: %w", err)
			}
		}
		b.servers = append(b.servers, s)
	}
	if len(b.servers) == 0 {
		return broker{}, &connect.ConfigError{Key: serverURI.Name(), Reason: "is missing: write tcp://host:1883"}
	}
	for _, p := range userProperties.Get(cfg) {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return broker{}, &connect.ConfigError{Key: userProperties.Name(), Reason: fmt.Sprintf("%q is not name=value", p)}
		}
		b.properties.Add(name, value)
	}
	return b, nil
}

// clientBase is the client id of a connector, to which tasks add their numbers.
func clientBase(cfg connect.Config) string {
	if id := clientID.Get(cfg); id != "" {
		return id
	}
	return cfg["name"]
}

// dial opens the transport to a server.
func (b *broker) dial(ctx context.Context, s server) (net.Conn, error) {
	var d net.Dialer
	socket, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, fmt.Errorf("%w: check mqtt.server.uri, and that the broker runs", err)
	}
	if !s.tls {
		return socket, nil
	}
	config, err := b.tls(s.host)
	if err != nil {
		socket.Close()
		return nil, err
	}
	secure := tls.Client(socket, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		socket.Close()
		if unverified := new(tls.CertificateVerificationError); errors.As(err, &unverified) {
			return nil, fmt.Errorf("TLS handshake: %w: check mqtt.ssl.trust.store.path and mqtt.ssl.server.name", err)
		}
		return nil, fmt.Errorf("TLS handshake: %w: check that the port in mqtt.server.uri speaks TLS, and the mqtt.ssl.* keys", err)
	}
	return secure, nil
}

// request is the CONNECT packet.
func (b *broker) request() *paho.Connect {
	c := &paho.Connect{
		ClientID: b.clientID, CleanStart: b.cleanStart, KeepAlive: b.keepAlive,
		Username: b.username, UsernameFlag: b.username != "",
		Password: []byte(b.password), PasswordFlag: b.password != "",
		Properties: &paho.ConnectProperties{
			// Absent means 0 in MQTT 5: the session would end with the connection.
			SessionExpiryInterval: &b.sessionExpiry,
			RequestProblemInfo:    true,
			User:                  b.properties,
		},
	}
	if b.receiveMaximum > 0 {
		c.Properties.ReceiveMaximum = &b.receiveMaximum
	}
	if b.aliasMaximum > 0 {
		c.Properties.TopicAliasMaximum = &b.aliasMaximum
	}
	return c
}

// refusal is an answer of the broker that ends an attempt.
type refusal struct {
	server server
	user   string
	code   byte
	reason string // what the broker says itself; may be empty
}

// Error names the broker, the cause and the key to change.
func (r *refusal) Error() string {
	answer, ok := connackAnswers[r.code]
	if !ok {
		answer = connackAnswer{text: fmt.Sprintf("reason code 0x%02X", r.code)}
	}
	text := fmt.Sprintf("MQTT broker %s refused user %q: %s", r.server, r.user, answer.text)
	if r.reason != "" && r.reason != answer.text {
		text += " (" + r.reason + ")"
	}
	if answer.fix != "" {
		text += ": check " + answer.fix
	}
	return text
}

// heals reports whether the same CONNECT may be accepted later without anybody changing the configuration.
func (r *refusal) heals() bool { return !connackAnswers[r.code].final }

// connackAnswer says what a reason code of CONNACK means to whoever runs the connector (MQTT 5 3.2.2.2).
type connackAnswer struct {
	text  string
	fix   string
	key   string
	final bool
}

var connackAnswers = map[byte]connackAnswer{
	0x84: {"unsupported protocol version", "that the broker speaks MQTT 5", "mqtt.server.uri", true},
	0x85: {"client id not valid", "mqtt.client.id", "mqtt.client.id", true},
	0x86: {"bad user name or password", "mqtt.username and mqtt.password", "mqtt.password", true},
	0x87: {"not authorized", "mqtt.username, mqtt.password and the broker's access rules", "mqtt.username", true},
	0x88: {text: "server unavailable"},
	0x89: {text: "server busy"},
	0x8A: {"banned", "mqtt.client.id and mqtt.username with the broker's operator", "mqtt.username", true},
	0x8C: {"bad authentication method", "which methods the broker wants", "mqtt.username", true},
	0x95: {text: "packet too large"},
	0x97: {text: "quota exceeded"},
	0x9C: {"use another server", "mqtt.server.uri", "mqtt.server.uri", false},
	0x9D: {"server moved", "mqtt.server.uri", "mqtt.server.uri", false},
	0x9F: {text: "connection rate exceeded"},
}
