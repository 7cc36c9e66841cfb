package testbed

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"testing"
)

// Kafka is one node of a real Apache Kafka that belongs to a test: kill it, freeze it, restart it on its data by the
// methods of [Process].
type Kafka struct {
	*Process
	node  *kafkaNode
	proxy *Proxy
	trust string // file of the certificate that the proxy shows; "" without TLS
}

// KafkaOption changes what [StartKafka] and [StartKafkaCluster] start.
type KafkaOption func(*kafkaSettings)

type kafkaSettings struct {
	user, password string
	sasl, proxied  bool
	kerberos       *Kerberos
	secured        bool
	lines          []string
}

// WithSASL adds a listener that wants a login by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 and knows this user, or by OAUTHBEARER with an unsigned
// token, at [Kafka.SASLAddr]. The plain listener stays.
func WithSASL(user, password string) KafkaOption {
	return func(s *kafkaSettings) { s.sasl, s.user, s.password = true, user, password }
}

// WithKerberos has the listener of [WithSASL] take logins by GSSAPI, too, as the service kafka/127.0.0.1.
func WithKerberos(k *Kerberos) KafkaOption {
	return func(s *kafkaSettings) { s.kerberos = k }
}

// WithProxy adds a listener behind a proxy, [Kafka.Proxy]: clients that begin at the proxy's address stay behind it.
func WithProxy() KafkaOption {
	return func(s *kafkaSettings) { s.proxied = true }
}

// WithTLS adds a listener that speaks TLS, at the address of [Kafka.Proxy]. Its certificate is in the file [Kafka.Certificate].
func WithTLS() KafkaOption {
	return func(s *kafkaSettings) { s.proxied, s.secured = true, true }
}

// WithProperties adds lines to server.properties, where a later line wins.
func WithProperties(lines ...string) KafkaOption {
	return func(s *kafkaSettings) { s.lines = append(s.lines, lines...) }
}

// StartKafka starts a Kafka of one node for this test alone and waits until it is ready, about 5 seconds. Tests that
// neither kill nor configure their Kafka use [SharedKafka].
func StartKafka(t testing.TB, options ...KafkaOption) *Kafka {
	t.Helper()
	return StartKafkaCluster(t, 1, options...).Nodes[0]
}

// Addr is the host:port of the plain listener.
func (k *Kafka) Addr() string { return k.node.addr() }

// SASLAddr is the host:port of the listener of [WithSASL].
func (k *Kafka) SASLAddr() string {
	k.t.Helper()
	if k.node.sasl == nil {
		k.t.Fatal("the Kafka of this test has no SASL listener: start it with WithSASL")
	}
	return loopback(k.node.sasl.port)
}

// Proxy is the proxy of [WithProxy] or [WithTLS]; its Addr is the bootstrap address for clients whose links are to be cut.
func (k *Kafka) Proxy() *Proxy {
	k.t.Helper()
	if k.proxy == nil {
		k.t.Fatal("the Kafka of this test has no proxy: start it with WithProxy")
	}
	return k.proxy
}

// Certificate is the PEM file with the certificate of [WithTLS].
func (k *Kafka) Certificate() string {
	k.t.Helper()
	if k.trust == "" {
		k.t.Fatal("the Kafka of this test has no TLS: start it with WithTLS")
	}
	return k.trust
}

// newKafka lays a node out without starting it.
func newKafka(t testing.TB, id int, dir string, settings kafkaSettings) *Kafka {
	t.Helper()
	node, err := newKafkaNode(id, filepath.Join(dir, fmt.Sprintf("node-%d", id)))
	if err != nil {
		t.Fatal(err)
	}
	k := &Kafka{node: node}
	node.lines = settings.lines
	if settings.sasl {
		node.sasl = &saslListener{port: FreePort(t), user: settings.user, password: settings.password}
		if k := settings.kerberos; k != nil {
			const service = "kafka/127.0.0.1"
			node.sasl.kerberos = &serviceKey{conf: k.Conf(), principal: k.Principal(service), keytab: k.Keytab(service)}
		}
	}
	if settings.proxied {
		port := FreePort(t)
		var secured *tls.Config
		if settings.secured {
			served, file := certificate(t)
			secured, k.trust = &tls.Config{Certificates: []tls.Certificate{served}}, file
		}
		k.proxy = startProxy(t, loopback(port), secured)
		node.proxied = &proxiedListener{port: port, proxy: k.proxy.Addr()}
	}
	return k
}
