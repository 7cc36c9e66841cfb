package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/logging"
)

// certificates are those of package certstore's tests: a certificate for localhost and 127.0.0.1, and who vouches for it.
func certificates() certstore.Config {
	in := func(name string) certstore.Store {
		return certstore.Store{Location: certstore.Setting{Key: "listeners.https." + name, Value: filepath.Join("../connect/certstore/testdata", name)}}
	}
	return certstore.Config{KeyStore: in("bundle.pem"), TrustStore: in("ca.pem")}
}

// listen starts a server until the test ends.
func listen(t *testing.T, c Config, h Herder) *Server {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Levels == nil {
		c.Levels = logging.NewLevels(logging.Info)
	}
	if c.Peers == nil {
		c.Peers = NewPeers(c.TLS.Stores)
	}
	s, err := Listen(c)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(h, nil) }()
	t.Cleanup(func() {
		require.NoError(t, s.Shutdown(context.Background()))
		require.NoError(t, <-done)
	})
	return s
}

// browse asks as a client with its own certificates does.
func browse(t *testing.T, as certstore.Config, req *http.Request) (*http.Response, string, error) {
	t.Helper()
	config, err := as.Client()
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body), nil
}

func asking(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return req
}

func at(l listener) string {
	return l.scheme() + "://" + net.JoinHostPort("localhost", l.Addr().String()[strings.LastIndexByte(l.Addr().String(), ':')+1:])
}

func TestAllListenersAnswerWhateverTheirProtocol(t *testing.T) {
	s := listen(t, Config{Listeners: []string{"http://127.0.0.1:0", "HTTPS://localhost:0"}, TLS: TLS{Stores: certificates()}},
		&fakeHerder{configs: map[string]connect.Config{"a": {}}})
	for _, l := range s.listeners {
		resp, body, err := browse(t, certstore.Config{TrustStore: certificates().TrustStore}, asking(t, at(l)+"/connectors"))
		require.NoError(t, err)
		require.Equal(t, `["a"]`, body)
		require.Equal(t, "HTTP/1.1", resp.Proto, "as Java's")
	}
	require.Equal(t, "http://"+s.listeners[0].Addr().String()+"/", s.URL(), "http is advertised where there is such a listener")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at(s.listeners[1])+"/connectors", strings.NewReader(`{"name":"n","config":{}}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, _, err := browse(t, certstore.Config{TrustStore: certificates().TrustStore}, req)
	require.NoError(t, err)
	require.Equal(t, at(s.listeners[1])+"/connectors/n", resp.Header.Get("Location"))
}

func TestTheAdvertisedAddressIsKafkaConnects(t *testing.T) {
	both := []string{"https://localhost:0", "http://127.0.0.1:0"}
	for name, c := range map[string]struct {
		config Config
		want   string // P1 and P2 stand for the listeners' ports
	}{
		"http comes first":              {Config{Listeners: both}, "http://127.0.0.1:P2/"},
		"https where there is no other": {Config{Listeners: both[:1]}, "https://localhost:P1/"},
		"as chosen":                     {Config{Listeners: both, AdvertisedListener: "https"}, "https://localhost:P1/"},
		"host and port":                 {Config{Listeners: both, AdvertisedListener: "https", AdvertisedHost: "edge", AdvertisedPort: 9}, "https://edge:9/"},
		"a proxy's":                     {Config{Listeners: both[1:], AdvertisedListener: "https", AdvertisedHost: "edge"}, "https://edge:P1/"},
		"IPv6":                          {Config{Listeners: both[1:], AdvertisedHost: "::1"}, "http://[::1]:P1/"},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.TLS.Stores = certificates()
			s := listen(t, c.config, &fakeHerder{})
			want := c.want
			for i, l := range s.listeners {
				want = strings.ReplaceAll(want, "P"+string(rune('1'+i)), l.Addr().String()[strings.LastIndexByte(l.Addr().String(), ':')+1:])
			}
			require.Equal(t, want, s.URL())
		})
	}
	s := listen(t, Config{Listeners: []string{"http://:0"}}, &fakeHerder{})
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, net.JoinHostPort(host, s.listeners[0].Addr().String()[strings.LastIndexByte(s.listeners[0].Addr().String(), ':')+1:]), s.WorkerID())
}

func TestAListenerThatCannotBeIsNamedWithItsKey(t *testing.T) {
	for listener, says := range map[string]string{
		"localhost:8083":      "doesn't have the right format (protocol://hostname:port)",
		"http://localhost":    "doesn't have the right format",
		"ftp://localhost:1":   `Listener protocol must be either "http" or "https"`,
		"https://localhost:0": "listeners.https.ssl.keystore.location: a server needs a certificate and its key",
	} {
		none := certstore.Config{KeyStore: certstore.Store{Location: certstore.Setting{Key: "listeners.https.ssl.keystore.location"}}}
		_, err := Listen(Config{Listeners: []string{"http://127.0.0.1:0", listener}, TLS: TLS{Stores: none}, Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "listeners")
		_, err = Listen(Config{Listeners: []string{"http://127.0.0.1:0"}, AdminApart: true, AdminListeners: []string{listener}, AdminTLS: TLS{Stores: none},
			Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "admin.listeners")
	}
}

func TestClientsWithoutACertificateAreTurnedAwayWhereOneIsRequired(t *testing.T) {
	settings := TLS{Stores: certificates(), ClientAuth: tls.RequireAndVerifyClientCert}
	s := listen(t, Config{Listeners: []string{"https://127.0.0.1:0"}, TLS: settings}, &fakeHerder{})
	_, _, err := browse(t, certstore.Config{TrustStore: certificates().TrustStore}, asking(t, at(s.listeners[0])+"/"))
	require.Error(t, err)
	resp, _, err := browse(t, certificates(), asking(t, at(s.listeners[0])+"/"))
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
}

func TestRequestsGoToOtherWorkersByHTTPSWithTheWorkersOwnCertificate(t *testing.T) {
	settings := TLS{Stores: certificates(), ClientAuth: tls.RequireAndVerifyClientCert}
	leader := listen(t, Config{Listeners: []string{"https://127.0.0.1:0"}, TLS: settings}, &fakeHerder{configs: map[string]connect.Config{"a": {}}})
	away := &fakeHerder{fail: &herder.NotLeaderError{URL: at(leader.listeners[0]) + "/"}}
	follower := listen(t, Config{Listeners: []string{"http://127.0.0.1:0"}, TLS: settings}, away)
	req := asking(t, follower.URL()+"connectors/a/status")
	req.Method = http.MethodDelete
	req.URL.Path = "/connectors/a"
	resp, body, err := browse(t, certstore.Config{}, req)
	require.NoError(t, err)
	require.Equal(t, 204, resp.StatusCode, body)

	stranger := listen(t, Config{Listeners: []string{"http://127.0.0.1:0"}, Peers: NewPeers(certstore.Config{})}, away)
	req.URL.Host = strings.TrimPrefix(strings.TrimSuffix(stranger.URL(), "/"), "http://")
	resp, body, err = browse(t, certstore.Config{}, req)
	require.NoError(t, err)
	require.Equal(t, 500, resp.StatusCode)
	require.Contains(t, body, "IO Error trying to forward REST request: ")
	require.Contains(t, body, "certificate")
}

func TestAdministrationIsWhereItIsConfigured(t *testing.T) {
	ask := func(l listener, path string) int {
		resp, _, err := browse(t, certstore.Config{TrustStore: certificates().TrustStore}, asking(t, at(l)+path))
		require.NoError(t, err)
		return resp.StatusCode
	}
	of := Config{Listeners: []string{"http://127.0.0.1:0"}}
	s := listen(t, of, &fakeHerder{})
	assert.Equal(t, 200, ask(s.listeners[0], "/admin/loggers"))
	assert.Equal(t, 200, ask(s.listeners[0], "/"))

	of.AdminApart = true
	s = listen(t, of, &fakeHerder{})
	assert.Equal(t, 404, ask(s.listeners[0], "/admin/loggers"), "turned off")

	of.AdminListeners = []string{"https://127.0.0.1:0", "http://127.0.0.1:0"}
	of.AdminTLS.Stores = certificates()
	of.Login = &Login{Users: users{}}
	of.Headers = func(h http.Header) { h.Set("X-Main", "1") }
	s = listen(t, of, &fakeHerder{})
	assert.Equal(t, 401, ask(s.listeners[0], "/admin/loggers"))
	for _, l := range s.admin {
		assert.Equal(t, 200, ask(l, "/admin/loggers"), "nobody has to log in there, as in Java")
		assert.Equal(t, 404, ask(l, "/connectors"))
		assert.Equal(t, 404, ask(l, "/admin/nothing"))
		resp, _, err := browse(t, certstore.Config{TrustStore: certificates().TrustStore}, asking(t, at(l)+"/admin/loggers"))
		require.NoError(t, err)
		assert.Empty(t, resp.Header.Get("X-Main"))
	}
}

func TestOpenDoorsAreToldOf(t *testing.T) {
	open := TLS{Stores: certificates()}
	closed := TLS{Stores: certificates(), ClientAuth: tls.RequireAndVerifyClientCert}
	for name, c := range map[string]struct {
		config Config
		says   string // "" for nothing
	}{
		"loopback":         {Config{Listeners: []string{"http://127.0.0.1:0"}}, ""},
		"everybody":        {Config{Listeners: []string{"http://:0"}}, "nobody has to log in"},
		"https, everybody": {Config{Listeners: []string{"https://:0"}, TLS: open}, "nobody has to log in"},
		"certificates":     {Config{Listeners: []string{"https://:0"}, TLS: closed}, ""},
		"logins by http":   {Config{Listeners: []string{"http://:0"}, Login: &Login{}}, "clear text"},
		"logins by https":  {Config{Listeners: []string{"https://:0"}, TLS: open, Login: &Login{}}, ""},
		"admin":            {Config{Listeners: []string{"http://127.0.0.1:0"}, AdminApart: true, AdminListeners: []string{"http://:0"}, Login: &Login{}}, "/admin is on an address"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c.config.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err := Listen(c.config)
			require.NoError(t, err)
			require.NoError(t, s.Shutdown(t.Context()))
			if c.says == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), c.says)
			}
		})
	}
}

func TestACertificateThatIsRenewedServesTheNextConnection(t *testing.T) {
	dir := t.TempDir()
	path, age := filepath.Join(dir, "own.pem"), time.Now()
	put := func(parts ...string) {
		var all []byte
		for _, p := range parts {
			data, err := os.ReadFile(filepath.Join("../connect/certstore/testdata", p))
			require.NoError(t, err)
			all = append(all, data...)
		}
		require.NoError(t, os.WriteFile(path, all, 0o600))
		age = age.Add(time.Second)
		require.NoError(t, os.Chtimes(path, age, age))
	}
	put("bundle.pem")
	var log bytes.Buffer
	settings := TLS{Stores: certstore.Config{KeyStore: certstore.Store{Location: certstore.Setting{Key: "listeners.https.ssl.keystore.location", Value: path}},
		Log: slog.New(slog.NewTextHandler(&log, nil))}}
	s := listen(t, Config{Listeners: []string{"https://127.0.0.1:0"}, TLS: settings}, &fakeHerder{})
	served := func() string {
		conn, err := tls.Dial("tcp", s.listeners[0].Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // only looked at
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "own", served())
	put("make.sh")
	require.Equal(t, "own", served(), "a broken file takes nothing away")
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "listeners.https.ssl.keystore.location")
	put("ec.pem", "mid.pem", "ec.sec1.pem")
	require.Equal(t, "ec", served())
	require.Contains(t, log.String(), "certificates have changed and are in use")
}

func TestHeadersAreBoundedInSizeAndTime(t *testing.T) {
	s := listen(t, Config{Listeners: []string{"http://127.0.0.1:0", "https://127.0.0.1:0"}, TLS: TLS{Stores: certificates()}}, &fakeHerder{})
	req := asking(t, at(s.listeners[0])+"/")
	req.Header.Set("X", strings.Repeat("x", 2*headerBytes))
	resp, _, err := browse(t, certstore.Config{}, req)
	require.NoError(t, err)
	require.Equal(t, 431, resp.StatusCode)
	if testing.Short() {
		t.Skip("waits for a time-out: not with -short")
	}
	t.Run("slowly", func(t *testing.T) {
		for _, l := range s.listeners {
			t.Run(l.scheme(), func(t *testing.T) {
				t.Parallel()
				conn, err := net.Dial("tcp", l.Addr().String())
				require.NoError(t, err)
				defer func() { _ = conn.Close() }()
				begun := "GET / HTTP/1.1\r\nHost: x\r\n" // and never an end
				if l.secure {
					begun = "\x16\x03\x01\x02\x00\x01" // of a client's hello
				}
				_, err = conn.Write([]byte(begun))
				require.NoError(t, err)
				require.NoError(t, conn.SetReadDeadline(time.Now().Add(headerTimeout+5*time.Second)))
				_, err = io.ReadAll(conn)
				require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection is closed")
			})
		}
	})
}
