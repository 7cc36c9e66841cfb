package mqtt

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// roundTrip has a source bring what a sink sends, both configured by more.
func roundTrip(t *testing.T, url string, more ...string) {
	t.Helper()
	src := connecttest.StartSource(t, Source{}, sourceConfig(url, "c/#", more...))
	src.AwaitHealthy()
	sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, more...))
	sink.AwaitHealthy()
	large := connect.SinkRecord{}
	large.SetKey("1")
	large.SetBytes(bytes.Repeat([]byte("x"), 300_000)) // longer than any frame
	sink.Put(append(commands(0, 20), large)...)
	got := values(src.Take(21))
	assert.Equal(t, numbers(0, 20), got[:20])
	assert.Len(t, got[20], 300_000)
	assert.EqualValues(t, 21, sink.Drain()[testPartition])
	sink.Stop()
	src.Stop()
}

func TestMQTTOverWebSockets(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	serveMochi(t, listeners.NewWebsocket(listeners.Config{ID: "ws", Address: addr}), lenient)
	var seen atomic.Value
	watched := relay(t, addr, func(first []byte) { seen.CompareAndSwap(nil, string(first)) })
	eachVersion(t, func(t *testing.T, version string) {
		roundTrip(t, "ws://"+watched, "mqtt.websocket.headers", "Authorization: Bearer secret\nX-Site: 7", "mqtt.protocol.version", version)
	})
	request := seen.Load().(string)
	assert.Contains(t, request, "GET /mqtt HTTP/1.1\r\n")
	assert.Contains(t, request, "Authorization: Bearer secret\r\n")
	assert.Contains(t, request, "Sec-WebSocket-Protocol: mqtt\r\n")

	plain := httpServer(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	found := Source{}.Validate(t.Context(), sourceConfig("ws://"+plain+"/elsewhere", "c/#"))
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Message, "opening a WebSocket at /elsewhere")
	assert.Contains(t, found[0].Message, "403")
}

func TestWebSocketMessagesMayEndAnywhere(t *testing.T) {
	broker := startBroker(t)
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	split := httpServer(t, func(w http.ResponseWriter, r *http.Request) {
		web, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer web.Close()
		server, err := net.Dial("tcp", broker)
		if err != nil {
			return
		}
		var both sync.WaitGroup
		defer both.Wait()
		defer server.Close()
		both.Go(func() { // each byte of the broker's first ones in a message of its own, and an empty one behind it; then pieces of any length
			piece := make([]byte, 9973)
			for sent := 0; ; sent++ {
				n, err := 1, error(nil)
				if sent < 1000 {
					_, err = io.ReadFull(server, piece[:1])
				} else {
					n, err = server.Read(piece)
				}
				if err != nil || web.WriteMessage(websocket.BinaryMessage, piece[:n]) != nil || web.WriteMessage(websocket.BinaryMessage, nil) != nil {
					return
				}
			}
		})
		for {
			_, p, err := web.ReadMessage()
			if err != nil {
				return
			}
			if _, err := server.Write(p); err != nil {
				return
			}
		}
	})
	eachVersion(t, func(t *testing.T, version string) { roundTrip(t, "ws://"+split, "mqtt.protocol.version", version) })
}

func httpServer(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: handle}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// relay passes connections on and shows the first bytes of each.
func relay(t *testing.T, target string, first func([]byte)) string {
	t.Helper()
	return accept(t, func(c net.Conn) {
		head := make([]byte, 4096)
		n, _ := c.Read(head)
		first(head[:n])
		s, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		_, _ = s.Write(head[:n])
		join(c, s)
	})
}

// accept serves connections until the end of the test.
func accept(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// join copies both ways until one side ends.
func join(a, b net.Conn) {
	defer b.Close()
	defer a.Close()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(a, b); a.Close() })
	both.Go(func() { _, _ = io.Copy(b, a); b.Close() })
	both.Wait()
}

func TestProxiesOnTheWayToTheBroker(t *testing.T) {
	broker := startBroker(t)
	var asked atomic.Int32
	tunnel := accept(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil || r.Method != http.MethodConnect {
			return
		}
		if r.Header.Get("Proxy-Authorization") != "Basic dTpwdw==" {
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			return
		}
		asked.Add(1)
		s, err := net.Dial("tcp", r.Host)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		join(c, s)
	})
	roundTrip(t, "tcp://"+broker, "mqtt.proxy.url", "http://u:pw@"+tunnel)
	assert.Positive(t, asked.Load())
	found := Source{}.Validate(t.Context(), sourceConfig("tcp://"+broker, "c/#", "mqtt.proxy.url", "http://u:wrong-secret@"+tunnel))
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Message, "407")
	assert.NotContains(t, found[0].Message, "wrong-secret")

	socks := accept(t, func(c net.Conn) {
		head := make([]byte, 3)
		_, _ = io.ReadFull(c, head) // version, one method, none
		_, _ = c.Write([]byte{5, 0})
		ask := make([]byte, 10) // CONNECT to an IPv4 address
		if _, err := io.ReadFull(c, ask); err != nil {
			return
		}
		asked.Store(-1)
		s, err := net.Dial("tcp", net.JoinHostPort(net.IP(ask[4:8]).String(), fmt.Sprint(binary.BigEndian.Uint16(ask[8:]))))
		if err != nil {
			return
		}
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(c, s)
	})
	roundTrip(t, "tcp://"+broker, "mqtt.proxy.url", "socks5://"+socks)
	assert.EqualValues(t, -1, asked.Load())
}

// authority signs certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	var der []byte
	a.cert, a.key, der = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.file = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

func (a *authority) sign(of *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	of.SerialNumber, of.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-2*time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = of, key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert, key, der
}

// issue makes a certificate and its key in PEM; it is valid until a time.
func (a *authority) issue(name string, until time.Time) []byte {
	a.t.Helper()
	_, key, der := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
}

// secured is a TLS server before a broker. It notes of each client the certificate's name and the protocol that was agreed.
type secured struct {
	mu     sync.Mutex
	own    tls.Certificate
	links  []net.Conn
	client string
	proto  string
}

func (s *secured) renew(t *testing.T, pair []byte) {
	t.Helper()
	cert, err := tls.X509KeyPair(pair, pair)
	require.NoError(t, err)
	s.mu.Lock()
	s.own = cert
	s.mu.Unlock()
}

func (s *secured) start(t *testing.T, a *authority, want tls.ClientAuthType, target string) string {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	config := &tls.Config{ClientAuth: want, ClientCAs: pool, NextProtos: []string{"x-amzn-mqtt-ca", "mqtt"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			own := s.own
			return &own, nil
		}}
	return accept(t, func(c net.Conn) {
		secure := tls.Server(c, config)
		if secure.Handshake() != nil {
			return
		}
		state := secure.ConnectionState()
		s.mu.Lock()
		s.proto = state.NegotiatedProtocol
		if len(state.PeerCertificates) > 0 {
			s.client = state.PeerCertificates[0].Subject.CommonName
		}
		s.links = append(s.links, c)
		s.mu.Unlock()
		if to, err := net.Dial("tcp", target); err == nil {
			join(secure, to)
		}
	})
}

func (s *secured) saw() (client, proto string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client, s.proto
}

func (s *secured) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.links {
		c.Close()
	}
	s.links = nil
}

func TestTLSWithTheAuthorityAloneAndWithAProtocolName(t *testing.T) {
	a, server := newAuthority(t), &secured{}
	server.renew(t, a.issue("server", time.Now().Add(time.Hour)))
	addr := server.start(t, a, tls.NoClientCert, startBroker(t))
	roundTrip(t, "ssl://"+addr, "mqtt.ssl.trust.store.path", a.file, "mqtt.ssl.alpn.protocols", "x-amzn-mqtt-ca")
	_, proto := server.saw()
	assert.Equal(t, "x-amzn-mqtt-ca", proto)

	found := Source{}.Validate(t.Context(), sourceConfig("ssl://"+addr, "c/#"))
	require.Len(t, found, 1)
	assert.Equal(t, "mqtt.ssl.trust.store.path", found[0].Key)
	assert.False(t, found[0].Warning)
}

func TestCertificatesAreRenewedWithoutARestart(t *testing.T) {
	a, server := newAuthority(t), &secured{}
	server.renew(t, a.issue("server-1", time.Now().Add(time.Hour)))
	broker := startBroker(t)
	addr := server.start(t, a, tls.RequireAndVerifyClientCert, broker)
	store := filepath.Join(t.TempDir(), "client.pem")
	write := func(pair []byte) { require.NoError(t, os.WriteFile(store, pair, 0o600)) }
	write(a.issue("task-1", time.Now().Add(time.Hour)))
	src := connecttest.StartSource(t, Source{}, sourceConfig("ssl://"+addr, "s/+", "mqtt.ssl.trust.store.path", a.file, "mqtt.ssl.key.store.path", store))
	d, sent, came := newDevice(t, broker, "device"), 0, map[string]bool{}
	publish := func() {
		d.publishMany("s/1", 1, sent, sent+100)
		sent += 100
	}
	valid := func(n int) {
		src.AwaitHealthy()
		client, _ := server.saw()
		assert.Equal(t, fmt.Sprintf("task-%d", n), client)
		publish()
		for len(came) < sent { // some may come again: their acknowledgements were on a link that was cut
			came[string(src.Take(1)[0].Value.Bytes())] = true
		}
	}
	valid(1)
	for n := 2; n < 2+rounds(1, 100); n++ {
		write(a.issue("expired", time.Now().Add(-time.Hour)))
		server.cut()
		publish()
		awaitCause(t, src, "expired")
		server.renew(t, a.issue(fmt.Sprintf("server-%d", n), time.Now().Add(time.Hour)))
		write(a.issue(fmt.Sprintf("task-%d", n), time.Now().Add(time.Hour)))
		valid(n)
	}
}

func TestAPasswordFileIsReadAtEachConnect(t *testing.T) {
	broker := strictBroker(t, &auth.Ledger{Auth: auth.AuthRules{{Username: "u", Password: "two", Allow: true}}})
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("one\n"), 0o600))
	cfg := sourceConfig("tcp://"+broker, "s/+", "mqtt.username", "u", "mqtt.password.file", file,
		"mqtt.validate.connect", "false", "mqtt.connect.fail.fast", "false")
	src := connecttest.StartSource(t, Source{}, cfg)
	awaitCause(t, src, "refused user")
	require.NoError(t, os.WriteFile(file, []byte("two\n"), 0o600))
	src.AwaitHealthy()
	found := Source{}.Validate(t.Context(), sourceConfig("tcp://"+broker, "s/+", "mqtt.password.file", file, "mqtt.password", "x"))
	require.NotEmpty(t, found)
	assert.Contains(t, found[0].Message, "excludes mqtt.password")
}
