package herder_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/api"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
)

// promptly is how soon REST answers whatever plugins do: the promise is a tenth of it, on a machine that does nothing else.
const promptly = time.Second

func TestRESTAnswersWhileConnectorsHangForEver(t *testing.T) {
	h := herder.MindOf(t, nil)
	s := httptest.NewServer(api.Handler(h, api.NewPeers(certstore.Config{}), nil, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	herder.CreateScripted(t, h, "flow", "flow")
	herder.AwaitTaskStatus(t, h, "flow", func(s herder.TaskState) bool { return s.State == "RUNNING" })
	for _, script := range []string{"hang-split", "hang-open", "hang-poll"} {
		herder.CreateScripted(t, h, script, script)
	}
	var longest time.Duration
	ask := func(method, path, body string, codes ...int) {
		t.Helper()
		began := time.Now()
		request, err := http.NewRequest(method, s.URL+path, bytes.NewBufferString(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		longest = max(longest, time.Since(began))
		require.Contains(t, codes, response.StatusCode, "%s %s: %s", method, path, text)
	}
	for range 10 {
		for _, path := range []string{"/", "/health", "/connectors", "/connectors?expand=status&expand=info", "/connector-plugins"} {
			ask("GET", path, "", 200)
		}
		for _, name := range []string{"flow", "hang-split", "hang-open", "hang-poll"} {
			for _, what := range []string{"", "/config", "/tasks", "/topics", "/offsets"} {
				ask("GET", "/connectors/"+name+what, "", 200)
			}
			ask("GET", "/connectors/"+name+"/status", "", 200, 404)
			ask("PUT", "/connectors/"+name+"/pause", "", 202)
			ask("PUT", "/connectors/"+name+"/resume", "", 202)
			ask("PATCH", "/connectors/"+name+"/config", `{"tasks.max":"1"}`, 200)
			ask("POST", "/connectors/"+name+"/restart?includeTasks=true", "", 202, 404)
			ask("POST", "/connectors/"+name+"/restart", "", 204, 500)
		}
		ask("PUT", "/connectors/more/config", `{"connector.class":"test.ScriptedConnector","topic":"more"}`, 200, 201)
		ask("DELETE", "/connectors/more", "", 204)
	}
	for _, name := range []string{"hang-split", "hang-open", "hang-poll"} {
		ask("PUT", "/connectors/"+name+"/stop", "", 204)
		ask("DELETE", "/connectors/"+name, "", 204)
	}
	t.Logf("the slowest answer took %v", longest)
	assert.Less(t, longest, promptly)
}
