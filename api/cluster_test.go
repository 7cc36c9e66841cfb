package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
)

func TestBehindAJavaLeaderTheStatusesTellHowTheClusterDividesItsWork(t *testing.T) {
	var asked []string
	java := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error_code":404,"message":"HTTP 404 Not Found"}`))
	}))
	defer java.Close()
	follower := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: java.URL + "/"}})
	resp, body := ask(t, follower, "GET", "/sluice/v1/cluster", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	require.Equal(t, "statuses", source(t, body))
	require.Equal(t, []string{"GET /sluice/v1/cluster?forward=true"}, asked)
}

func TestBehindALeaderOutOfReachTheStatusesTell(t *testing.T) {
	follower := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: "http://127.0.0.1:1/"}})
	resp, body := ask(t, follower, "GET", "/sluice/v1/cluster", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	require.Equal(t, "statuses", source(t, body))
}

func TestTheClusterIsNotAskedForInACircle(t *testing.T) {
	follower := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: "http://127.0.0.1:1/"}})
	resp, _ := ask(t, follower, "GET", "/sluice/v1/cluster?forward=false", "")
	require.Equal(t, http.StatusConflict, resp.StatusCode)
}

func TestAFailureOfTheHerderIsNoReasonToAskTheStatuses(t *testing.T) {
	resp, body := ask(t, serve(t, &fakeHerder{fail: errors.New("the worker is lost")}), "GET", "/sluice/v1/cluster", "")
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	require.Contains(t, body, "the worker is lost")
}

func source(t *testing.T, body string) string {
	t.Helper()
	var info herder.ClusterInfo
	require.NoError(t, json.Unmarshal([]byte(body), &info))
	return info.Source
}

func TestASignatureThatTheLeaderDoesNotTakeIsAClassOfItsOwn(t *testing.T) {
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer leader.Close()
	err := NewPeers(certstore.Config{}).SubmitTasks(t.Context(), leader.URL, "a", nil, func([]byte) (*herder.Signature, error) { return nil, nil })
	require.ErrorAs(t, err, new(*herder.ForgedError))
	require.ErrorContains(t, err, "it answered 403")
	leader.Config.Handler = http.NotFoundHandler()
	err = NewPeers(certstore.Config{}).SubmitTasks(t.Context(), leader.URL, "a", nil, func([]byte) (*herder.Signature, error) { return nil, nil })
	require.False(t, errors.As(err, new(*herder.ForgedError)))
	require.Error(t, err)
}
