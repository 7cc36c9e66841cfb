package crew

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// knock is a request, and what is known to differ.
type knock struct {
	admin        bool // asks the listener for administration
	login        string
	method, path string
	body         string
	headers      []string // name: value
	differs      string   // Sluice's status, where it is another on purpose
}

// knocks are what browsers, monitors and people who have no business there ask.
var knocks = []knock{
	{method: "GET", path: "/"}, {method: "GET", path: "/", login: "alice:wrong"}, {method: "GET", path: "/", login: "alice:s3cret:of:alice"},
	{method: "GET", path: "/connectors", headers: []string{"Authorization: Bearer x"}}, {method: "GET", path: "/health"},
	{method: "GET", path: "/connectors", headers: []string{"Authorization: basic YWxpY2U6czNjcmV0Om9mOmFsaWNl"}},
	{method: "GET", path: "/connectors", headers: []string{"Authorization: Basic !!!"}, differs: "401"},
	{method: "GET", path: "/nothing", differs: "401"}, {method: "DELETE", path: "/connectors", differs: "401"},
	{method: "GET", path: "/nothing", login: full}, {method: "DELETE", path: "/connectors", login: full},
	{method: "POST", path: "/connectors/x/tasks", body: "[]"}, {method: "PUT", path: "/connectors/x/fence"},
	{method: "GET", path: "/admin/loggers", login: full}, {method: "GET", path: "/health", login: full},
	{method: "GET", path: "/connectors", login: full, headers: []string{"Origin: http://app.example"}},
	{method: "GET", path: "/connectors", login: full, headers: []string{"Origin: https://x.other.example"}},
	{method: "GET", path: "/connectors", login: full, headers: []string{"Origin: http://evil.example"}},
	{method: "GET", path: "/connectors", headers: []string{"Origin: http://app.example"}},
	{method: "GET", path: "/nothing", login: full, headers: []string{"Origin: http://app.example"}},
	{method: "GET", path: "/connectors/none", login: full, headers: []string{"Origin: http://app.example"}},
	{admin: true, method: "GET", path: "/admin/loggers/root", headers: []string{"Origin: http://app.example"}},
	{admin: true, method: "GET", path: "/"}, {admin: true, method: "GET", path: "/connectors", login: full}, {admin: true, method: "GET", path: "/admin/nothing"},
	{admin: true, method: "GET", path: "/admin/loggers/com.acme"}, {admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":"debug"}`},
	{admin: true, method: "GET", path: "/admin/loggers/com.acme"}, {admin: true, method: "PUT", path: "/admin/loggers/com.acme.Nope", body: `{"level":"DEBUG"}`},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":"off","x":"y"}`}, {admin: true, method: "GET", path: "/admin/loggers/com.acme.Nope"},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme?scope=nonsense", body: `{"level":"FATAL"}`},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme?scope=CLUSTER", body: `{"level":"Warn"}`},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":"bad"}`}, {admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":1}`},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":null}`}, {admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{}`},
	{admin: true, method: "PUT", path: "/admin/loggers/com.acme", body: `{"level":""}`, differs: "404"},
	{admin: true, method: "DELETE", path: "/admin/loggers"}, {admin: true, method: "POST", path: "/admin/loggers/root"},
}

const full = user + ":" + password

// ofOneServer are headers that say who serves, or when.
var ofOneServer = []string{"Server", "Date", "Last", "Content-Length", "Transfer-Encoding"}

// moments are times in bodies and headers.
var moments = regexp.MustCompile(`\d{13}|\d\d:\d\d:\d\d GMT`)

// at sends a knock and writes the answer down, without what differs from server to server.
func (k knock) at(t *testing.T, url string) (status, rest string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), k.method, url+k.path, strings.NewReader(k.body))
	require.NoError(t, err)
	if k.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if name, secret, ok := strings.Cut(k.login, ":"); ok {
		req.SetBasicAuth(name, secret)
	}
	for _, h := range k.headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var lines []string
	for name, values := range resp.Header {
		if !slices.Contains(ofOneServer, name) {
			lines = append(lines, name+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(lines)
	text := regexp.MustCompile(`"version":.*`).ReplaceAllString(string(body), "")
	return fmt.Sprint(resp.StatusCode), moments.ReplaceAllString(strings.Join(lines, "\n")+"\n\n"+text, "T")
}

func TestWhoeverKnocksIsAnsweredAsByJava(t *testing.T) {
	needsProcesses(t)
	d := newDoor(t)
	urls := map[string][2]string{} // of REST and of administration
	for _, who := range []string{"Java", "Sluice"} {
		port, admin := testbed.FreePort(t), testbed.FreePort(t)
		rest := ledger.REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port), User: user, Password: password}
		path := ledger.File(t, "worker.properties", ledger.WorkerProperties(testbed.SharedKafka(t), testbed.Prefix(t)+who, port,
			fmt.Sprintf("admin.listeners=http://127.0.0.1:%d", admin),
			"rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
			"access.control.allow.origin=http://app.example,https://.*[.]other.example",
			"access.control.allow.methods=GET,PUT",
			`response.http.headers.config=add X-One: 1, "set Cache-Control: no-cache, no-store",add X-One: 2,setDate Expires: 31540000000,addDate Last: 0, Set X-Two:two`,
		))
		command := testbed.Command{Name: "sluice worker", Path: testbed.SluiceBinary(t), Args: []string{"worker", path}, Env: []string{"CONNECT_SLUICE_REST_JAAS_FILE=" + d.jaas}}
		if who == "Java" {
			command = ledger.JavaWorkerCommand(t, path)
			command.Env = []string{"JDK_JAVA_OPTIONS=-Djava.security.auth.login.config=" + d.jaas}
		}
		ledger.RunAt(t, command, rest)
		urls[who] = [2]string{rest.URL, fmt.Sprintf("http://127.0.0.1:%d", admin)}
	}
	for _, k := range knocks {
		where := 0
		if k.admin {
			where = 1
		}
		status, rest := k.at(t, urls["Java"][where])
		ours, ourRest := k.at(t, urls["Sluice"][where])
		what := fmt.Sprint(k.method, " ", k.path, " ", k.headers, " ", k.login, " ", k.body)
		if k.differs != "" {
			assert.Equal(t, k.differs, ours, what)
			assert.NotEqual(t, status, ours, "there is no difference any more: "+what)
			continue
		}
		assert.Equal(t, status, ours, what)
		assert.Equal(t, rest, ourRest, what)
	}
	for _, k := range []knock{{method: "OPTIONS", path: "/connectors", login: full}, {method: "OPTIONS", path: "/connectors"}} { // what is allowed there, others ask
		for _, asked := range []string{"PUT", "DELETE"} {
			k.headers = []string{"Origin: http://app.example", "Access-Control-Request-Method: " + asked, "Access-Control-Request-Headers: content-type"}
			java, sluice := preflight(t, urls["Java"][0], k), preflight(t, urls["Sluice"][0], k)
			assert.Equal(t, java, sluice)
		}
	}
}

// preflight is what a browser is told of what it may do; methods in any order.
func preflight(t *testing.T, url string, k knock) []string {
	t.Helper()
	_, rest := k.at(t, url)
	var told []string
	for line := range strings.SplitSeq(rest, "\n") {
		if methods, ok := strings.CutPrefix(line, "Access-Control-Allow-Methods: "); ok {
			all := strings.Split(methods, ",")
			slices.Sort(all)
			line = "Access-Control-Allow-Methods: " + strings.Join(all, ",")
		}
		if strings.HasPrefix(line, "Access-Control-") || strings.HasPrefix(line, "Vary: ") {
			told = append(told, line)
		}
	}
	return told
}
