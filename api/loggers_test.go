package api

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/logging"
)

func TestLoggersAreAnsweredAsKafkaConnectDoes(t *testing.T) {
	f := &fakeHerder{}
	s := entered(t, Config{Levels: logging.NewLevels(logging.Info)}, f)
	moment := regexp.MustCompile(`\d{13}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string // T stands for a time
	}{
		{"GET", "/admin/loggers/root", "", 200, `{"level":"INFO","last_modified":null}`},
		{"GET", "/admin/loggers/ROOT/", "", 200, `{"level":"INFO","last_modified":null}`},
		{"GET", "/admin/loggers/org.apache.kafka.connect.runtime.WorkerSourceTask", "", 200, `{"level":"INFO","last_modified":null}`},
		{"GET", "/admin/loggers/com.acme", "", 404, `{"error_code":404,"message":"Logger com.acme not found."}`},
		{"PUT", "/admin/loggers/com.acme", `{"level":"debug"}`, 200, `["com.acme"]`},
		{"PUT", "/admin/loggers/com.acme.Nope", `{"level":"DEBUG"}`, 200, `[]`},
		{"GET", "/admin/loggers/com.acme", "", 200, `{"level":"DEBUG","last_modified":T}`},
		{"GET", "/admin/loggers/com.acme.Nope", "", 200, `{"level":"DEBUG","last_modified":null}`},
		{"PUT", "/admin/loggers/com.ac", `{"level":"OFF","x":"y"}`, 200, `["com.ac","com.acme","com.acme.Nope"]`},
		{"PUT", "/admin/loggers/com.acme?scope=nonsense", `{"level":"FATAL"}`, 200, `["com.acme","com.acme.Nope"]`},
		{"PUT", "/admin/loggers/com.acme2?scope=", `{"level":"WARN"}`, 200, `["com.acme2"]`},
		{"PUT", "/admin/loggers/com.acme", `{"level":"bad"}`, 404, `{"error_code":404,"message":"invalid log level 'bad'."}`},
		{"PUT", "/admin/loggers/com.acme?scope=cluster", `{"level":"bad"}`, 404, `{"error_code":404,"message":"invalid log level 'bad'."}`},
		{"PUT", "/admin/loggers/com.acme", `{"level":1}`, 404, `{"error_code":404,"message":"invalid log level '1'."}`},
		{"PUT", "/admin/loggers/com.acme", `{"level":""}`, 404, `{"error_code":404,"message":"invalid log level ''."}`},
		{"PUT", "/admin/loggers/com.acme", `{"level":null}`, 400, `{"error_code":400,"message":"Desired 'level' parameter was not specified in request."}`},
		{"PUT", "/admin/loggers/com.acme", `{}`, 400, `{"error_code":400,"message":"Desired 'level' parameter was not specified in request."}`},
		{"PUT", "/admin/loggers/com.acme", ``, 400, `{"error_code":400,"message":"the body is not the JSON wanted here: there is none"}`},
		{"PUT", "/admin/loggers/a%2Fb?scope=Cluster", `{"level":"Warn"}`, 204, ``},
		{"DELETE", "/admin/loggers", "", 405, `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{"POST", "/admin/loggers/root", "", 405, `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{"GET", "/admin", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
	} {
		resp, body := send(t, s, c.method, c.path, c.body)
		require.Equal(t, c.status, resp.StatusCode, c.method+" "+c.path+" "+body)
		require.Equal(t, c.want, moment.ReplaceAllString(body, "T"), c.method+" "+c.path)
	}
	require.Equal(t, []string{"log a/b at Warn"}, f.did)
	resp, body := send(t, s, "GET", "/admin/loggers/com.acme", "")
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	require.Contains(t, body, "FATAL")
	_, body = send(t, s, "GET", "/admin/loggers", "")
	require.Regexp(t, `^\{"com\.ac":\{.*"root":\{"level":"INFO","last_modified":null\}\}$`, body)

	f.fail = &herder.StageError{Stage: "Worker is shutting down"}
	resp, _ = send(t, s, "PUT", "/admin/loggers/root?scope=cluster", `{"level":"INFO"}`)
	require.Equal(t, 500, resp.StatusCode)
}
