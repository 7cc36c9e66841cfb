package client

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/herder"
)

// serve answers paths with bodies, and 404 for all others.
func serve(t *testing.T, answers map[string]string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			body = `{"error_code":404,"message":"HTTP 404 Not Found"}`
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL+"/", Options{})
	require.NoError(t, err)
	return c
}

func TestALeaderTellsItsCluster(t *testing.T) {
	c := serve(t, map[string]string{"/sluice/v1/cluster": `{"source":"leader","leader":"http://a/","generation":3,
		"members":[{"url":"http://a/","connectors":["x"],"tasks":["x-0"]}]}`})
	info, err := c.Cluster(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://a/", info.Leader)
	assert.Equal(t, []herder.ClusterMember{{URL: "http://a/", Connectors: []string{"x"}, Tasks: []string{"x-0"}}}, info.Members)
}

func TestOfAJavaClusterStatusesTell(t *testing.T) {
	c := serve(t, map[string]string{"/connectors?expand=status": `{
		"x":{"status":{"name":"x","connector":{"state":"RUNNING","worker_id":"b:8083"},
			"tasks":[{"id":0,"state":"RUNNING","worker_id":"a:8083"},{"id":1,"state":"UNASSIGNED","worker_id":"c:8083"}],"type":"source"}},
		"w":{"status":{"name":"w","connector":{"state":"PAUSED","worker_id":"a:8083"},"tasks":[],"type":"sink"}}}`})
	info, err := c.Cluster(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "statuses", info.Source)
	assert.Equal(t, []string{"x-1"}, info.Waiting)
	assert.Equal(t, []herder.ClusterMember{
		{URL: "a:8083", Connectors: []string{"w"}, Tasks: []string{"x-0"}}, {URL: "b:8083", Connectors: []string{"x"}, Tasks: []string{}},
	}, info.Members)
}

func TestErrorsNameTheCause(t *testing.T) {
	_, err := New("127.0.0.1:8083", Options{})
	assert.ErrorContains(t, err, "want http://host:port")

	c := serve(t, map[string]string{"/sluice/v1/cluster": "<html>"})
	_, err = c.Cluster(t.Context())
	assert.ErrorContains(t, err, "is "+c.base+" a Kafka Connect worker?")

	c = serve(t, nil)
	_, err = c.Cluster(t.Context())
	var no *RefusedError
	require.ErrorAs(t, err, &no)
	assert.Equal(t, "the worker answers 404: HTTP 404 Not Found", err.Error())

	server := httptest.NewServer(nil)
	server.Close()
	c, err = New(server.URL, Options{})
	require.NoError(t, err)
	_, err = c.Cluster(t.Context())
	var away *UnreachableError
	require.ErrorAs(t, err, &away)
	assert.ErrorContains(t, err, "no worker answers at "+server.URL+": dial tcp")
}

func TestWhatARebalanceRefusesIsAskedAgain(t *testing.T) {
	for _, c := range []struct {
		name, message string
		code, asked   int
		ask           func(c *Client) error
	}{
		{"a conflict", "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.", 409, 3,
			func(c *Client) error { return c.Delete(t.Context(), "x") }},
		{"Java's plain reads", "Request cannot be completed because a rebalance is expected", 500, 3,
			func(c *Client) error { _, err := c.Connector(t.Context(), "x"); return err }},
		{"a write that failed is not", "Request cannot be completed because a rebalance is expected", 500, 1,
			func(c *Client) error { return c.Delete(t.Context(), "x") }},
		{"what is there already is not", "Connector x already exists", 409, 1,
			func(c *Client) error { _, err := c.Create(t.Context(), "x", nil, ""); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked < 3 {
					w.WriteHeader(c.code)
					_, _ = w.Write([]byte(`{"error_code":409,"message":"` + c.message + `"}`))
					return
				}
				_, _ = w.Write([]byte("{}"))
			}))
			defer server.Close()
			client, err := New(server.URL, Options{})
			require.NoError(t, err)
			err = c.ask(client)
			assert.Equal(t, c.asked, asked)
			assert.Equal(t, c.asked < 3, err != nil)
		})
	}
}

func TestALoginGoesToItsWorkerOnly(t *testing.T) {
	var elsewhere bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		assert.Equal(t, "ops/geheim/sluice", user+"/"+password+"/"+r.UserAgent())
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c, err := New(server.URL, Options{User: "ops", Password: "geheim", Agent: "sluice"})
	require.NoError(t, err)
	_, err = c.Names(t.Context())
	var no *RefusedError
	require.ErrorAs(t, err, &no)
	assert.Equal(t, http.StatusTemporaryRedirect, no.Code)
	assert.False(t, elsewhere)
	_, err = New("http://ops:geheim@x", Options{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "geheim")
}
