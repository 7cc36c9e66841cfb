package api

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/logging"
)

// users are names with their passwords.
type users map[string]string

func (u users) Permits(user, password string) bool {
	its, known := u[user]
	return known && its == password
}

// entered is a server with everything that stands before the API.
func entered(t *testing.T, c Config, f *fakeHerder) *httptest.Server {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Levels == nil {
		c.Levels = logging.NewLevels(logging.Info)
	}
	c.Peers = NewPeers(certstore.Config{})
	main, _ := c.handlers(f, nil)
	s := httptest.NewServer(main)
	t.Cleanup(s.Close)
	return s
}

// send makes a request with headers, given as name and value in turn.
func send(t *testing.T, s *httptest.Server, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(data)
}

func as(user, password string) []string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return []string{"Authorization", r.Header.Get("Authorization")}
}

func TestNobodyGetsInWithoutALogin(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
	s := entered(t, Config{Login: &Login{Users: users{"alice": "s:1", "": "x"}}}, f)
	for _, path := range []string{"/", "/health", "/connectors", "/connectors/a/config", "/metrics", "/admin/loggers", "/sluice/v1/ready", "/sluice/v1/internal-topics", "/nothing", "/connectors/a/tasks"} {
		for name, headers := range map[string][]string{
			"nothing": nil, "wrong": as("alice", "s"), "unknown": as("bob", "s:1"), "not Base64": {"Authorization", "Basic !!!"},
			"another scheme": {"Authorization", "Bearer x"}, "no colon": {"Authorization", "Basic YWxpY2U="}, "no scheme": {"Authorization", "YWxpY2U6czox"},
		} {
			resp, body := send(t, s, "GET", path, "", headers...)
			require.Equal(t, 401, resp.StatusCode, path+" "+name)
			require.Equal(t, "User cannot access the resource.", body)
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			require.Empty(t, resp.Header.Get("WWW-Authenticate"), "as in Java")
		}
	}
	resp, body := send(t, s, "GET", "/connectors", "", as("alice", "s:1")...)
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, `["a"]`, body)
	resp, _ = send(t, s, "GET", "/connectors", "", "Authorization", "bAsIc YWxpY2U6czox")
	require.Equal(t, 200, resp.StatusCode)
	require.Empty(t, f.did)
}

func TestRequestsBetweenWorkersNeedASignatureAndNoLogin(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a/b": {}}}
	s := entered(t, Config{Login: &Login{Users: users{}}}, f)
	for _, c := range []struct{ method, path string }{
		{"POST", "/connectors/a%2Fb/tasks"}, {"POST", "/connectors/a%2Fb/tasks/"}, {"PUT", "/connectors/a%2Fb/fence"},
	} {
		resp, body := send(t, s, c.method, c.path, "[]")
		require.Equal(t, 400, resp.StatusCode, c.path)
		require.Contains(t, body, "Internal request missing required signature")
	}
	for _, c := range []struct{ method, path string }{
		{"GET", "/connectors/a/tasks"}, {"PUT", "/connectors/a/tasks"}, {"POST", "/connectors/a/fence"}, {"POST", "/connectors//tasks"},
		{"POST", "/connectors/a/tasks/0/restart"}, {"PUT", "/connectors/fence"}, {"POST", "/x/connectors/a/tasks"}, {"POST", "/connectors/a%2Ftasks"},
		{"PUT", "/connectors/a/config/../fence"}, {"POST", "/connectors/a/tasks/.."},
	} {
		resp, _ := send(t, s, c.method, c.path, "[]")
		require.Equal(t, 401, resp.StatusCode, c.method+" "+c.path)
	}
	require.NoError(t, NewPeers(certstore.Config{}).FenceZombies(t.Context(), s.URL, "a/b", func(body []byte) (*herder.Signature, error) {
		signature, err := herder.Sign(make([]byte, 32), "HmacSHA256", body)
		return &signature, err
	}))
	require.Equal(t, []string{"fence a/b"}, f.did)
}

func TestAReadOnlyUserChangesNothing(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
	s := entered(t, Config{Login: &Login{Users: users{"full": "1", "reader": "2"}, ReadOnly: []string{"reader"}}}, f)
	const config = `{"connector.class":"x.S"}`
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/connectors", `{"name":"n","config":{}}`}, {"PUT", "/connectors/a/config", config}, {"PATCH", "/connectors/a/config", config},
		{"DELETE", "/connectors/a", ""}, {"PUT", "/connectors/a/pause", ""}, {"PUT", "/connectors/a/stop", ""}, {"POST", "/connectors/a/restart", ""},
		{"POST", "/connectors/a/tasks/0/restart", ""}, {"PATCH", "/connectors/a/offsets", `{"offsets":[{}]}`}, {"DELETE", "/connectors/a/offsets", ""},
		{"PUT", "/connectors/a/topics/reset", ""}, {"PUT", "/connector-plugins/S/config/validate", config}, {"PUT", "/admin/loggers/root", `{"level":"TRACE"}`},
	} {
		resp, body := send(t, s, c.method, c.path, c.body, as("reader", "2")...)
		assert.Equal(t, 403, resp.StatusCode, c.method+" "+c.path)
		assert.Equal(t, `{"error_code":403,"message":"User reader may read and not change anything"}`, body)
		assert.Empty(t, f.did)
		resp, body = send(t, s, c.method, c.path, c.body, as("full", "1")...)
		assert.Less(t, resp.StatusCode, 300, c.method+" "+c.path+" "+body)
		f.did = nil
	}
	for _, path := range []string{"/", "/connectors", "/connectors/a/config", "/connectors/a/status", "/connectors/a/offsets", "/connector-plugins", "/admin/loggers"} {
		resp, _ := send(t, s, "GET", path, "", as("reader", "2")...)
		assert.Equal(t, 200, resp.StatusCode, path)
	}
	resp, _ := send(t, s, "DELETE", "/connectors/a", "", as("reader", "1")...)
	assert.Equal(t, 401, resp.StatusCode, "a wrong password comes first")
}

func TestALoginIsPassedOnAndLoggedNowhere(t *testing.T) {
	var log bytes.Buffer
	c := Config{Login: &Login{Users: users{"alice": "hunter22"}}, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	leader := entered(t, c, &fakeHerder{configs: map[string]connect.Config{"a": {}}})
	follower := entered(t, c, &fakeHerder{fail: &herder.NotLeaderError{URL: leader.URL}})
	resp, body := send(t, follower, "DELETE", "/connectors/a", "", as("alice", "hunter22")...)
	require.Equal(t, 204, resp.StatusCode, body)
	_, _ = send(t, follower, "PUT", "/connectors/a/config", `{"password":"hunter22"}`, as("alice", "hunter22")...)
	_, _ = send(t, follower, "PUT", "/connectors/a/config", `{"password":"hunter22`, as("alice", "hunter22")...)
	require.Contains(t, log.String(), "msg=request")
	require.NotContains(t, log.String(), "hunter22")
	require.NotContains(t, log.String(), as("alice", "hunter22")[1])
}

func TestBrowsersAreToldWhatJavaTellsThem(t *testing.T) {
	origins, err := NewOrigins([]string{"http://app.example", `https://[a-z]+\.other\.example`}, []string{"GET", "PUT"})
	require.NoError(t, err)
	s := entered(t, Config{Origins: origins}, &fakeHerder{})
	for origin, admitted := range map[string]bool{
		"http://app.example": true, "HTTP://App.Example": true, "https://x.other.example": true,
		"http://appZexample": false, "http://app.example.evil": false, "https://x.other.example.evil": false, "https://x1.other.example": false,
		"http://app.example http://evil.example": false, "null": false,
	} {
		resp, _ := send(t, s, "GET", "/connectors", "", "Origin", origin)
		require.Equal(t, 200, resp.StatusCode, "the browser withholds the answer, not the server")
		require.Equal(t, "Origin", resp.Header.Get("Vary"))
		want := ""
		if admitted {
			want = origin
		}
		require.Equal(t, want, resp.Header.Get("Access-Control-Allow-Origin"), origin)
		require.Empty(t, resp.Header.Get("Access-Control-Allow-Methods"))
	}
	resp, _ := send(t, s, "OPTIONS", "/connectors", "", "Origin", "http://app.example", "Access-Control-Request-Method", "DELETE")
	require.Equal(t, "http://app.example", resp.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET,PUT", resp.Header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Content-Type", resp.Header.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "60", resp.Header.Get("Access-Control-Max-Age"))
	resp, _ = send(t, s, "OPTIONS", "/connectors", "", "Origin", "http://evil.example", "Access-Control-Request-Method", "DELETE")
	require.Empty(t, resp.Header.Get("Access-Control-Allow-Methods"))

	all, err := NewOrigins([]string{"*"}, []string{""})
	require.NoError(t, err)
	resp, _ = send(t, entered(t, Config{Origins: all}, &fakeHerder{}), "OPTIONS", "/", "", "Origin", "http://x", "Access-Control-Request-Method", "PUT")
	require.Equal(t, "http://x", resp.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET,POST,HEAD", resp.Header.Get("Access-Control-Allow-Methods"))

	for _, nobody := range [][]string{nil, {""}} {
		none, err := NewOrigins(nobody, nil)
		require.NoError(t, err)
		require.Nil(t, none)
	}
	_, err = NewOrigins([]string{"http://(x"}, nil)
	require.ErrorContains(t, err, "access.control.allow.origin")
}

func TestConfiguredHeadersAreOnEveryAnswer(t *testing.T) {
	s := entered(t, Config{Login: &Login{Users: users{"a": "b"}}, Headers: func(h http.Header) { h.Set("X-Frame-Options", "DENY"); h.Set("Content-Type", "x/y") }}, &fakeHerder{})
	for _, headers := range [][]string{nil, as("a", "b")} {
		for _, path := range []string{"/", "/nothing", "/admin/loggers"} {
			resp, _ := send(t, s, "GET", path, "", headers...)
			require.Equal(t, "DENY", resp.Header.Get("X-Frame-Options"))
			require.NotEqual(t, "x/y", resp.Header.Get("Content-Type"))
		}
	}
}
