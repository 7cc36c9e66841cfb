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
