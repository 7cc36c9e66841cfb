package api

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
)

func TestOffsetsAndTopicsAreAnsweredAsKafkaConnectDoes(t *testing.T) {
	const missing = `{"error_code":400,"message":"Partitions / offsets need to be provided for an alter offsets request"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/connectors/a/offsets", "", 200,
			`{"offsets":[{"partition":{"server":"s<>","db":4611686018427387905},"offset":{"f":1.0E7}},{"partition":null,"offset":null}]}`},
		{"GET", "/connectors/b/offsets", "", 404, `{"error_code":404,"message":"Connector b not found"}`},
		{"PATCH", "/connectors/a/offsets", `{"offsets":[{"partition":{"p":1},"offset":{"n":9007199254740993}}]}`, 200, `{"message":"altered"}`},
		{"PATCH", "/connectors/a/offsets", `{}`, 400, missing},
		{"PATCH", "/connectors/a/offsets", `{"offsets":[]}`, 400, missing},
		{"PATCH", "/connectors/a/offsets", `{"offsets":null}`, 400, missing},
		{"PATCH", "/connectors/b/offsets", `{"offsets":[{}]}`, 404, `{"error_code":404,"message":"Connector b not found"}`},
		{"DELETE", "/connectors/a/offsets", "", 200, `{"message":"reset"}`},
		{"GET", "/connectors/nobody/topics", "", 200, `{"nobody":{"topics":["t"]}}`},
		{"PUT", "/connectors/nobody/topics/reset", "", 202, ""},
	} {
		t.Run(c.method+" "+c.path+" "+c.body, func(t *testing.T) {
			f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
			resp, body := ask(t, serve(t, f), c.method, c.path, c.body)
			require.Equal(t, c.status, resp.StatusCode, body)
			require.Equal(t, c.want, body)
		})
	}
}

func TestOffsetsThatAreNoneAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"an offset that is no object":   `{"offsets":[{"partition":{"p":1},"offset":5}]}`,
		"a partition that is no object": `{"offsets":[{"partition":"p","offset":null}]}`,
		"a member that is unknown":      `{"offsets":[{"partition":{},"offsets":{}}]}`,
		"a number beyond 64 bits":       `{"offsets":[{"partition":{"p":1},"offset":{"n":9223372036854775808}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			resp, answer := ask(t, serve(t, &fakeHerder{configs: map[string]connect.Config{"a": {}}}), "PATCH", "/connectors/a/offsets", body)
			require.Equal(t, 400, resp.StatusCode, answer)
		})
	}
}

func TestWhatIsAskedOfOffsetsReachesTheHerderWhole(t *testing.T) {
	f := &fakeHerder{configs: map[string]connect.Config{"a": {}}}
	leader := serve(t, f)
	follower := serve(t, &fakeHerder{fail: &herder.NotLeaderError{URL: leader.URL + "/"}})
	resp, body := ask(t, follower, "PATCH", "/connectors/a/offsets",
		`{"offsets":[{"partition":{"p":"x"},"offset":{"n":-9223372036854775808,"d":1.5,"b":true,"z":null}},{"partition":null,"offset":null}]}`)
	require.Equal(t, 200, resp.StatusCode, body)
	require.Equal(t, `{"message":"altered"}`, body)
	resp, body = ask(t, follower, "DELETE", "/connectors/a/offsets", "")
	require.Equal(t, 200, resp.StatusCode, body)
	require.Equal(t, []string{
		`alter [{"partition":{"p":"x"},"offset":{"b":true,"d":1.5,"z":null,"n":-9223372036854775808}},{"partition":null,"offset":null}] a`, "reset a",
	}, f.did)
}

func TestTopicsThatAreNotTrackedAreForbidden(t *testing.T) {
	s := serve(t, &fakeHerder{fail: &herder.DisabledError{Message: "Topic tracking is disabled."}})
	for _, r := range []string{"GET /connectors/a/topics", "PUT /connectors/a/topics/reset"} {
		method, path := r[:3], r[4:]
		resp, body := ask(t, s, method, path, "")
		require.Equal(t, 403, resp.StatusCode)
		require.Equal(t, `{"error_code":403,"message":"Topic tracking is disabled."}`, body)
	}
}
