package api

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
)

func serve(t *testing.T, f *fakeHerder) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(Handler(f, NewPeers(certstore.Config{}), nil, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	return s
}

// ask sends a request with a JSON body, or none for "".
func ask(t *testing.T, s *httptest.Server, method, path, body string) (*http.Response, string) {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.URL+path, in)
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(data)
}

func TestRequestsAreAnsweredAsKafkaConnectDoes(t *testing.T) {
	const (
		infoA  = `{"name":"a","config":{"name":"a","x":"1"},"tasks":[{"connector":"a","task":0}],"type":"source"}`
		stateA = `{"name":"a","connector":{"state":"RUNNING","worker_id":"w:1","version":null},` +
			`"tasks":[{"id":0,"state":"FAILED","worker_id":"w:1","trace":"a < b","version":null}],"type":"source"}`
		noB = `{"error_code":404,"message":"Connector b not found"}`
	)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/", "", 200, `{"version":"v","commit":"c","kafka_cluster_id":"cluster"}`},
		{"GET", "/connectors", "", 200, `["a"]`},
		{"GET", "/connectors?expand=info", "", 200, `{"a":{"info":` + infoA + `}}`},
		{"GET", "/connectors?expand=status&expand=info", "", 200, `{"a":{"status":` + stateA + `,"info":` + infoA + `}}`},
		{"GET", "/connectors?expand=nonsense", "", 200, `{"a":{}}`},
		{"GET", "/connectors/a", "", 200, infoA},
		{"GET", "/connectors/a/", "", 200, infoA},
		{"GET", "/connectors/b", "", 404, noB},
		{"GET", "/connectors/a/config", "", 200, `{"name":"a","x":"1"}`},
		{"GET", "/connectors/a/status", "", 200, stateA},
		{"GET", "/connectors/a/tasks", "", 200, `[{"id":{"connector":"a","task":0},"config":{"name":"a","x":"1"}}]`},
		{"GET", "/connectors/a/tasks/3/status", "", 200, `{"id":3,"state":"RUNNING","worker_id":"w:1","version":null}`},
		{"GET", "/connectors/a/tasks/three/status", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"GET", "/nothing", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"DELETE", "/connectors", "", 405, `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{"PUT", "/connectors/a/pause", "", 202, ""},
		{"PUT", "/connectors/a/resume", "", 202, ""},
		{"PUT", "/connectors/a/stop", "", 204, ""},
		{"PUT", "/connectors/b/stop", "", 404, noB},
		{"POST", "/connectors/a/restart", "", 204, ""},
		{"POST", "/connectors/a/restart?includeTasks=TRUE", "", 202, stateA},
		{"POST", "/connectors/a/restart?includeTasks=yes", "", 204, ""},
		{"POST", "/connectors/a/tasks/0/restart", "", 204, ""},
		{"DELETE", "/connectors/a", "", 204, ""},
		{"GET", "/connector-plugins", "", 200, `[{"class":"x.S","type":"source","version":"1"}]`},
		{"GET", "/connector-plugins?connectorsOnly=false", "", 200,
			`[{"class":"x.S","type":"source","version":"1"},{"class":"x.C","type":"converter"}]`},
		{"GET", "/connector-plugins/Nope/config", "", 404, `{"error_code":404,"message":"Unknown plugin Nope."}`},
		{"PUT", "/connector-plugins/S/config/validate", `{"connector.class":"x.S"}`, 200,
			`{"name":"x.S","error_count":0,"groups":[],"configs":[]}`},
		{"PUT", "/connector-plugins/S/config/validate", `{"connector.class":"x.S","file":null}`, 200,
			`{"name":"x.S","error_count":1,"groups":[],"configs":[]}`},
		{"PUT", "/connector-plugins/T/config/validate", `{"connector.class":"x.S"}`, 400,
			`{"error_code":400,"message":"Included connector type x.S does not match request type T"}`},
		{"PATCH", "/connectors/a/config", `{"x":null}`, 200, `{"name":"a","config":null,"tasks":null,"type":""}`},
		{"GET", "/health", "", 200,
			`{"status":"healthy","message":"Worker has completed startup and is ready to handle requests."}`},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			f := &fakeHerder{configs: map[string]connect.Config{"a": {"name": "a", "x": "1"}}}
			resp, body := ask(t, serve(t, f), c.method, c.path, c.body)
			require.Equal(t, c.status, resp.StatusCode, body)
			require.Equal(t, c.want, body)
		})
	}
}

func TestASubmittedConnector(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"is created, its name trimmed and added to its config": {`{"name":" n ","config":{"a":"1"}}`, 201,
			`{"name":"n","config":{"a":"1","name":"n"},"tasks":[],"type":"source"}`},
		"may have numbers and booleans, which stay as they were written": {`{"name":"n","config":{"a":1.50,"b":true}}`, 201,
			`{"name":"n","config":{"a":"1.50","b":"true","name":"n"},"tasks":[],"type":"source"}`},
		"may say how it begins, in any case": {`{"name":"n","config":{},"initial_state":"paused"}`, 201,
			`{"name":"n","config":{"name":"n"},"tasks":[],"type":"source"}`},
		"must not be there already": {`{"name":"a","config":{}}`, 409, `{"error_code":409,"message":"Connector a already exists"}`},
		"must have one name": {`{"name":"n","config":{"name":"m"}}`, 400,
			`{"error_code":400,"message":"Connector name configuration (m) doesn't match connector name in the URL (n)"}`},
		"must not have null values": {`{"name":"n","config":{"a":null}}`, 400, ""},
		"must not have objects":     {`{"name":"n","config":{"a":{}}}`, 400, ""},
		"must have a config":        {`{"name":"n"}`, 400, ""},
		"must be JSON":              {`{"name":`, 400, ""},
		"must not have more":        {`{"name":"n","config":{},"extra":1}`, 400, ""},
		"must end where it ends":    {`{"name":"n","config":{}} garbage`, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
			resp, body := ask(t, serve(t, f), "POST", "/connectors", c.body)
			require.Equal(t, c.status, resp.StatusCode, body)
			if c.want != "" {
				require.Equal(t, c.want, body)
			}
		})
	}
}

func TestTheAnswerToANewConnectorSaysWhereItIsAndWhatIsOdd(t *testing.T) {
	s := serve(t, &fakeHerder{})
	resp, _ := ask(t, s, "POST", "/connectors", `{"name":"a/b c","config":{}}`)
	require.Equal(t, s.URL+"/connectors/a%2Fb%20c", resp.Header.Get("Location"))
	require.Equal(t, "typo: no such key", resp.Header.Get("Sluice-Warnings"))
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
}

func TestPutCreatesOrReplaces(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
	s := serve(t, f)
	resp, _ := ask(t, s, "PUT", "/connectors/a/config", `{"x":"1"}`)
	require.Equal(t, 200, resp.StatusCode)
	resp, body := ask(t, s, "PUT", "/connectors/n/config", `{"x":"1"}`)
	require.Equal(t, 201, resp.StatusCode)
	require.Equal(t, `{"name":"n","config":{"name":"n","x":"1"},"tasks":[],"type":"source"}`, body)
}

func TestANameWithASlashCanBeAddressed(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{`a/b%c\d`: {}}}
	resp, _ := ask(t, serve(t, f), "DELETE", "/connectors/a%2Fb%25c%5Cd", "")
	require.Equal(t, 204, resp.StatusCode)
	require.Equal(t, []string{`delete a/b%c\d`}, f.did)
}

func TestABodyWithoutItsTypeIsRefused(t *testing.T) {
	s := serve(t, &fakeHerder{})
	resp, err := http.Post(s.URL+"/connectors", "text/plain", strings.NewReader(`{}`))
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, 415, resp.StatusCode)
	require.Empty(t, resp.Header.Get("Content-Type"))
}

func TestAHugeBodyIsRefused(t *testing.T) {
	body := `{"name":"n","config":{"a":"` + strings.Repeat("x", bodyLimit) + `"}}`
	resp, _ := ask(t, serve(t, &fakeHerder{}), "POST", "/connectors", body)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}

func TestErrorsHaveTheirCodes(t *testing.T) {
	for code, err := range map[int]error{
		400: &herder.InvalidError{Message: "m"},
		404: &herder.NotFoundError{Message: "m"},
		409: &herder.RebalanceError{},
		500: errors.New("m"),
	} {
		resp, body := ask(t, serve(t, &fakeHerder{fail: err}), "GET", "/connectors", "")
		require.Equal(t, code, resp.StatusCode)
		require.Contains(t, body, err.Error())
	}
}

func TestHealthTellsAStartFromAFailure(t *testing.T) {
	for health, want := range map[herder.Health]answer{
		{State: herder.Starting, Stage: "The worker is currently reading."}: {status: 503,
			body: `{"status":"starting","message":"Worker is still starting up. The worker is currently reading."}`},
		{State: herder.Unhealthy, Stage: "The worker is currently reading."}: {status: 500, body: `{"status":"unhealthy","message":"Worker was unable to ` +
			`handle this request and may be unable to handle other requests. The worker is currently reading."}`},
	} {
		resp, body := ask(t, serve(t, &fakeHerder{condition: health}), "GET", "/health", "")
		require.Equal(t, want.status, resp.StatusCode)
		require.Equal(t, want.body, body)
	}
	resp, body := ask(t, serve(t, &fakeHerder{fail: &herder.StageError{Stage: "Worker is shutting down"}}), "GET", "/health", "")
	require.Equal(t, 500, resp.StatusCode)
	require.Equal(t, `{"error_code":500,"message":"Worker is shutting down"}`, body)
}

func TestAWorkerIsReadyOnlyWhenNothingHindersIt(t *testing.T) {
	resp, body := ask(t, serve(t, &fakeHerder{}), "GET", "/sluice/v1/ready", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, `{"ready":true,"hindrances":[]}`, body)
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	resp, body = ask(t, serve(t, &fakeHerder{hindrances: []herder.Hindrance{{Cause: herder.LostGroup, Message: "no member", Since: &since}}}),
		"GET", "/sluice/v1/ready", "")
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, `{"ready":false,"hindrances":[{"cause":"lost-group","message":"no member","since":"2026-01-02T03:04:05Z"}]}`, body)
}

func TestABusyPortIsNamedWithItsKey(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	first, err := Listen(Config{Listeners: []string{"http://127.0.0.1:0"}, Log: log})
	require.NoError(t, err)
	defer func() { _ = first.Shutdown(t.Context()) }()
	_, err = Listen(Config{Listeners: []string{strings.TrimSuffix(first.URL(), "/")}, Log: log})
	require.ErrorContains(t, err, "is in use: change listeners (now http://127.0.0.1:")
	_, err = Listen(Config{Listeners: []string{"ftp://x:1"}, Log: log})
	require.ErrorContains(t, err, "listeners")
}

func TestAServerAnswersUntilItIsShutDown(t *testing.T) {
	s, err := Listen(Config{Listeners: []string{"http://127.0.0.1:0"}, AdvertisedHost: "edge", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.Regexp(t, `^edge:\d+$`, s.WorkerID())
	done := make(chan error, 1)
	go func() { done <- s.Serve(&fakeHerder{}, nil) }()
	resp, err := http.Get("http://" + s.listeners[0].Addr().String() + "/")
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, <-done)
}

func FuzzConfigBodies(f *testing.F) {
	f.Add([]byte(`{"a":"1","b":2,"c":true,"d":null}`))
	f.Add([]byte(`{"a":[1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = submitted(data)
		_, _ = newConnector(data)
		_, _ = alteration(data)
	})
}

func TestWhatTheLeaderHasToDoIsPassedOnToIt(t *testing.T) {
	chief := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
	leader := serve(t, chief)
	follower := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: leader.URL + "/"}})

	resp, body := ask(t, follower, "POST", "/connectors", `{"name":"n","config":{"x":1}}`)
	require.Equal(t, 201, resp.StatusCode)
	require.Equal(t, `{"name":"n","config":{"name":"n","x":"1"},"tasks":[],"type":"source"}`, body)
	require.Equal(t, follower.URL+"/connectors/n", resp.Header.Get("Location"), "where the client has asked")
	require.NotEmpty(t, resp.Header.Get("Sluice-Warnings"))

	resp, body = ask(t, follower, "DELETE", "/connectors/a", "")
	require.Equal(t, 204, resp.StatusCode)
	require.Empty(t, body)
	resp, body = ask(t, follower, "POST", "/connectors/a/restart?includeTasks=true", "")
	require.Equal(t, 202, resp.StatusCode, body)
	resp, body = ask(t, follower, "DELETE", "/connectors/b", "")
	require.Equal(t, 404, resp.StatusCode)
	require.Equal(t, `{"error_code":404,"message":"Connector b not found"}`, body)
	require.Equal(t, []string{"create n ", "delete a"}, chief.did[:2])

	resp, body = ask(t, follower, "GET", "/sluice/v1/cluster", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, body, `"source":"leader"`)
}

func TestAPassedOnRequestGoesTwoHopsAtMost(t *testing.T) {
	var asked []string
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("forward")+" "+r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent"))
		w.WriteHeader(204)
	}))
	defer far.Close()
	near := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: far.URL}})
	for query, want := range map[string]int{"": 204, "?forward=": 204, "?forward=True": 204, "?forward=false": 409, "?forward=nonsense": 409} {
		req, err := http.NewRequest("DELETE", near.URL+"/connectors/a"+query, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Basic x")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, query)
	}
	require.ElementsMatch(t, []string{"true Basic x kafka-connect", "true Basic x kafka-connect", "false Basic x kafka-connect"}, asked)

	unknown := serve(t, &fakeHerder{fail: &herder.NotLeaderError{}})
	resp, body := ask(t, unknown, "DELETE", "/connectors/a", "")
	require.Equal(t, 409, resp.StatusCode)
	require.Contains(t, body, "no known leader URL")
	gone := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: "http://127.0.0.1:1/"}})
	resp, body = ask(t, gone, "DELETE", "/connectors/a", "")
	require.Equal(t, 500, resp.StatusCode)
	require.Contains(t, body, "IO Error trying to forward REST request: ")
}

func TestTasksComeSignedFromOtherWorkers(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a b/c": {}}}
	leader := serve(t, f)
	tasks := []connect.Config{{"x": "<1>"}, {"x": "2"}}
	for want, key := range map[string][]byte{
		"":    make([]byte, 32),
		"403": []byte("another key"),
		"400": nil,
	} {
		err := NewPeers(certstore.Config{}).SubmitTasks(t.Context(), leader.URL, "a b/c", tasks, func(body []byte) (*herder.Signature, error) {
			if key == nil {
				return nil, nil
			}
			s, err := herder.Sign(key, "HmacSHA256", body)
			return &s, err
		})
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "answered "+want)
		}
	}
	require.Equal(t, []string{"2 tasks for a b/c"}, f.did)
}

func TestZombiesAreFencedForOtherWorkers(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a b/c": {}}}
	leader := serve(t, f)
	sign := func(body []byte) (*herder.Signature, error) {
		s, err := herder.Sign(make([]byte, 32), "HmacSHA256", body)
		return &s, err
	}
	require.NoError(t, NewPeers(certstore.Config{}).FenceZombies(t.Context(), leader.URL, "a b/c", sign))
	require.Equal(t, []string{"fence a b/c"}, f.did)
	unsigned := func([]byte) (*herder.Signature, error) { return nil, nil }
	require.ErrorContains(t, NewPeers(certstore.Config{}).FenceZombies(t.Context(), leader.URL, "a b/c", unsigned), "answered 400")
	f.fail = &herder.SupersededError{Message: "other tasks"}
	require.ErrorContains(t, NewPeers(certstore.Config{}).FenceZombies(t.Context(), leader.URL, "a b/c", sign), "answered 409: other tasks")
}
