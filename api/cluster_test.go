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

var ownTopics = herder.InternalTopics{Worker: "http://a:8083/", Group: "g", Config: "configs", Offset: "offsets", Status: "statuses", Since: 3}

// signed signs with the key that the fake herder takes.
func signed(body []byte) (*herder.Signature, error) {
	s, err := herder.Sign(make([]byte, 32), "HmacSHA256", body)
	return &s, err
}

func unsigned([]byte) (*herder.Signature, error) { return nil, nil }

func TestAWorkerTellsItsTopics(t *testing.T) {
	s := serve(t, &fakeHerder{topics: &ownTopics, fail: errors.New("the worker is starting")})
	_, body := ask(t, s, "GET", "/sluice/v1/internal-topics", "")
	require.JSONEq(t, `{"worker":"http://a:8083/","group.id":"g","config.storage.topic":"configs","offset.storage.topic":"offsets",
		"status.storage.topic":"statuses","since_generation":3}`, body)
	told, err := NewPeers(certstore.Config{}).InternalTopics(t.Context(), s.URL+"/", unsigned)
	require.NoError(t, err)
	require.Equal(t, &ownTopics, told)
}

// Java's workers have no such path, nor has one that is alone anything to tell.
func TestAWorkerWithoutInternalTopicsIsNotAskedAgain(t *testing.T) {
	java := httptest.NewServer(http.NotFoundHandler())
	defer java.Close()
	for _, url := range []string{java.URL, serve(t, &fakeHerder{}).URL} {
		_, err := NewPeers(certstore.Config{}).InternalTopics(t.Context(), url, unsigned)
		require.ErrorIs(t, err, herder.ErrUntold)
	}
}

func TestOtherFailuresToTellTopicsAreWorthAnotherQuestion(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"it answered 503":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"it answered 302":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"reading the answer": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		s := httptest.NewServer(answer)
		_, err := NewPeers(certstore.Config{}).InternalTopics(t.Context(), s.URL, unsigned)
		s.Close()
		require.ErrorContains(t, err, name)
		require.NotErrorIs(t, err, herder.ErrUntold)
	}
}

// A worker has no name and password to log in with.
func TestWorkersAskOneAnotherForTopicsWithASignatureInsteadOfALogin(t *testing.T) {
	s := entered(t, Config{Login: &Login{Users: users{"alice": "s"}}}, &fakeHerder{topics: &ownTopics})
	told, err := NewPeers(certstore.Config{}).InternalTopics(t.Context(), s.URL, signed)
	require.NoError(t, err)
	require.Equal(t, &ownTopics, told)
	for name, sign := range map[string]func([]byte) (*herder.Signature, error){
		"none":          unsigned,
		"for a request": func([]byte) (*herder.Signature, error) { return signed(nil) },
	} {
		_, err := NewPeers(certstore.Config{}).InternalTopics(t.Context(), s.URL, sign)
		require.ErrorContains(t, err, "it answered 401", name)
	}
	resp, _ := send(t, s, "GET", "/sluice/v1/internal-topics", "", as("alice", "s")...)
	require.Equal(t, http.StatusOK, resp.StatusCode, "users may look")
	signature, err := signed([]byte(herder.InternalTopicsPath))
	require.NoError(t, err)
	for _, request := range [][2]string{{"POST", "/sluice/v1/internal-topics"}, {"GET", "/sluice/v1/internal-topics/x"}, {"GET", "/sluice/v1/cluster"}} {
		resp, _ := send(t, s, request[0], request[1], "", herder.SignatureHeader, signature.Encoded(), herder.SignatureAlgorithmHeader, signature.Algorithm)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode, "%v", request)
	}
}
