package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
)

// What a worker of Java 4.1.2 answers, as package parity's dialogues have it.
func TestTypesAndMethodsAreAgreedOnAsInJava(t *testing.T) {
	const (
		none   = "-" // no such header
		json   = "application/json"
		aThere = `{"name":"a"}`
	)
	for _, c := range []struct {
		method, path, accept, kind, body string
		code                             int
		answered, allow, text            string
	}{
		{"HEAD", "/connectors/a", "", "", "", 200, json, none, ""},
		{"HEAD", "/connectors/b", "", "", "", 404, json, none, ""},
		{"HEAD", "/connectors/a/pause", "", "", "", 405, none, none, ""},
		{"OPTIONS", "/connectors/a", "", "", "", 200, "text/plain", "HEAD,DELETE,GET,OPTIONS", "HEAD, DELETE, GET, OPTIONS"},
		{"OPTIONS", "/connectors/a/config", "", "", "", 200, "text/plain", "HEAD,GET,OPTIONS,PUT,PATCH", "HEAD, GET, OPTIONS, PUT, PATCH"},
		{"OPTIONS", "/connectors/a/pause/", "", "", "", 200, "text/plain", "OPTIONS,PUT", "OPTIONS, PUT"},
		{"OPTIONS", "/nothing", "", "", "", 404, none, none, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"POST", "/connectors/a", "", "", "", 405, none, none, `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{"GET", "/connectors/a/config", "text/html", "", "", 406, none, none, `{"error_code":406,"message":"HTTP 406 Not Acceptable"}`},
		{"GET", "/nothing", "text/html", "", "", 404, none, none, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"GET", "/connectors/a/config", "text/html, */*;q=0.1", "", "", 200, json, none, aThere},
		{"GET", "/connectors/a/config", "application/*", "", "", 200, json, none, aThere},
		{"GET", "/connectors/a;x=1/config", "", "", "", 200, json, none, aThere},
		{"PUT", "/connectors/a/pause", "", "text/plain", "", 415, none, none, `{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}`},
		{"PUT", "/connectors/a/pause", "", "nonsense", "", 400, json, none, `{"error_code":400,"message":"Content-Type: \"nonsense\" is no media type"}`},
		{"PUT", "/connectors/a/config", "", "", "{}", 415, json, none, `{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}`},
		{"PUT", "/connectors/a/config", "", "application/*", "{}", 415, json, none, `{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}`},
		{"PUT", "/connectors/a/config", "", "application/json; charset=utf-8", `{"name":null}`, 200, json, none,
			`{"name":"a","config":{"name":"a"},"tasks":[],"type":"source"}`},
		{"GET", "/connectors/a/tasks/99999999999/status", "", "", "", 404, json, none, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"GET", "/connectors/%FF", "", "", "", 400, json, none, `{"error_code":400,"message":"the path is not well escaped: it is not UTF-8"}`},
		{"GET", "/connector-plugins?connectorsOnly=", "", "", "", 200, json, none, `[{"class":"x.S","type":"source","version":"1"}]`},
	} {
		t.Run(c.method+" "+c.path+" "+c.accept+c.kind, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			for name, value := range map[string]string{"Accept": c.accept, "Content-Type": c.kind} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			f := &fakeHerder{configs: map[string]connect.Config{"a": {"name": "a"}}}
			Handler(f, NewPeers(certstore.Config{}), nil, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
			require.Equal(t, c.code, w.Code, w.Body.String())
			for name, want := range map[string]string{"Content-Type": c.answered, "Allow": c.allow} {
				if want == none {
					require.Empty(t, w.Header().Get(name), name)
				} else {
					require.Equal(t, want, w.Header().Get(name), name)
				}
			}
			if c.method != http.MethodHead { // the server leaves out that body
				require.Equal(t, c.text, w.Body.String())
			}
		})
	}
}

// tardy waits for what never comes.
type tardy struct{ *fakeHerder }

func (tardy) Config(ctx context.Context, _ string) (map[string]string, error) {
	<-ctx.Done()
	return nil, &herder.StageError{Stage: "Request timed out. The worker is currently away, which began at noon."}
}

func TestARequestThatWaitsInVainIsAnsweredAfterNinetySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := httptest.NewRecorder()
		Handler(tardy{&fakeHerder{}}, NewPeers(certstore.Config{}), nil, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/connectors/a/config", nil))
		require.Equal(t, 500, w.Code)
		require.Equal(t, `{"error_code":500,"message":"Request timed out. The worker is currently away, which began at noon."}`, w.Body.String())
		require.Equal(t, 90*time.Second, time.Since(began))
	})
}

func TestMembersAreKnownToTheLetter(t *testing.T) {
	s := serve(t, &fakeHerder{configs: map[string]connect.Config{"a": {}}})
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/connectors", `{"name":"x","Config":{}}`},
		{"POST", "/connectors", `{"name":"x","config":{},"initial_state":""}`},
		{"POST", "/connectors", `null`},
		{"PUT", "/connectors/a/config", `null`},
		{"PATCH", "/connectors/a/config", `null`},
		{"PATCH", "/connectors/a/offsets", `{"Offsets":[]}`},
		{"PATCH", "/connectors/a/offsets", `{"offsets":[null]}`},
		{"PATCH", "/connectors/a/offsets", `{"offsets":[{"partition":{},"Offset":{}}]}`},
	} {
		resp, body := ask(t, s, c.method, c.path, c.body)
		require.Equal(t, 400, resp.StatusCode, "%s %s: %s", c.method, c.body, body)
		require.Contains(t, body, "the body is not the JSON wanted here: ")
	}
}
