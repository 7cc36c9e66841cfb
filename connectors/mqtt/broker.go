package mqtt

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// broker is where and how to connect.
type broker struct {
	servers        []server
	random         bool   // mqtt.server.uri.strategy
	version        string // mqtt.protocol.version
	clientID       string
	username       string
	password       string
	passwordFile   string // read at each connect, instead of password
	cleanStart     bool
	sessionExpiry  uint32 // seconds
	receiveMaximum uint16 // 0: not announced
	packetMaximum  uint32 // 0: not announced
	aliasMaximum   uint16 // topic aliases that the server may use
	keepAlive      uint16 // seconds
	pingTimeout    time.Duration
	timeout        time.Duration // transport and CONNACK together
	payloadMost    int           // longest payload that is taken, in bytes
	properties     paho.UserProperties
	status         *presence // nil for none
	follow         bool      // mqtt.server.reference.follow
	transport      transport
}

// newBroker reads the connection's keys. The client id is the caller's to set.
func newBroker(cfg connect.Config) (broker, error) {
	b := broker{
		random:        serverStrategy.Get(cfg) == "random",
		version:       protocolVersion.Get(cfg),
		username:      username.Get(cfg),
		password:      password.Get(cfg),
		passwordFile:  passwordFile.Get(cfg),
		sessionExpiry: uint32(sessionExpiry.Get(cfg)),
		keepAlive:     uint16(keepAlive.Get(cfg)),
		pingTimeout:   seconds(pingTimeout.Get(cfg)),
		timeout:       seconds(connectTimeout.Get(cfg)),
		payloadMost:   payloadMost,
		follow:        followReference.Get(cfg),
		transport:     transport{tls: func(host string) (*tls.Config, error) { return clientTLS(cfg, host) }},
	}
	var err error
	if text := proxyURL.Get(cfg); text != "" {
		if b.transport.proxy, err = parseProxy(text); err != nil {
			return broker{}, &connect.ConfigError{Key: proxyURL.Name(), Reason: err.Error()}
		}
	}
	if b.transport.headers, err = parseHeaders(websocketHeaders.Get(cfg)); err != nil {
		return broker{}, &connect.ConfigError{Key: websocketHeaders.Name(), Reason: err.Error()}
	}
	if b.status, err = newPresence(cfg); err != nil {
		return broker{}, err
	}
	for _, text := range serverURI.Get(cfg) {
		s, err := parseServer(text, websocketPath.Get(cfg))
		if err != nil {
			return broker{}, &connect.ConfigError{Key: serverURI.Name(), Reason: err.Error()}
		}
		if s.tls {
			// A store that cannot be used shows now, and not as a broker out of reach.
			if _, err := b.transport.tls(s.host); err != nil {
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

// order returns the servers in the order in which they are to be tried.
func (b *broker) order() []server {
	if !b.random {
		return b.servers
	}
	servers := slices.Clone(b.servers)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	return servers
}

// secret is the password of this connect.
func (b *broker) secret() (string, error) {
	if b.passwordFile == "" {
		return b.password, nil
	}
	text, err := os.ReadFile(b.passwordFile)
	if err != nil {
		return "", fmt.Errorf("reading the password (mqtt.password.file): %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// request is the CONNECT packet of MQTT 5.
func (b *broker) request(password string) *paho.Connect {
	c := &paho.Connect{
		ClientID: b.clientID, CleanStart: b.cleanStart, KeepAlive: b.keepAlive,
		Username: b.username, UsernameFlag: b.username != "",
		Password: []byte(password), PasswordFlag: password != "",
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
	if b.packetMaximum > 0 {
		c.Properties.MaximumPacketSize = &b.packetMaximum
	}
	if b.aliasMaximum > 0 {
		c.Properties.TopicAliasMaximum = &b.aliasMaximum
	}
	if b.status != nil {
		c.WillMessage, c.WillProperties = b.status.will(b.clientID)
	}
	return c
}
