package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// fakeCluster is as much of a Connect cluster as the commands need, without any connector running.
type fakeCluster struct {
	*httptest.Server

	mu       sync.Mutex
	configs  map[string]map[string]string
	statuses map[string]string // bodies; "" gives RUNNING with one task
	offsets  map[string]string // bodies
	refuse   map[string]int    // how often "METHOD path" is answered 409 before it works
	warnings []string          // of PUT config
	answers  map[string]string // bodies of other paths
	headers  http.Header       // of the last request
	asked    []string          // "METHOD path" of all requests that change something
	requests int
}

func newFake(t *testing.T) *fakeCluster {
	t.Helper()
	f := &fakeCluster{
		configs: map[string]map[string]string{}, statuses: map[string]string{}, offsets: map[string]string{}, refuse: map[string]int{},
		answers: map[string]string{"GET /connector-plugins/Mqtt/config": `[{"name":"mqtt.password","type":"PASSWORD"},{"name":"mqtt.pin","type":"PASSWORD"},{"name":"mqtt.qos","type":"INT"}]`},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, name := range []string{"SLUICE_CONTEXT", "SLUICE_USER"} {
		t.Setenv(name, "")
	}
	t.Setenv("SLUICE_SERVER", f.URL)
	return f
}

func (f *fakeCluster) add(name string, config map[string]string) {
	config["name"] = name
	f.configs[name] = config
}

// done are the requests that changed something, since the last call.
func (f *fakeCluster) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func (f *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	f.headers = r.Header
	what := r.Method + " " + r.URL.RequestURI()
	if f.refuse[what] > 0 {
		f.refuse[what]--
		fail(w, 409, "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)")
		return
	}
	if body, ok := f.answers[what]; ok {
		if code, message, refused := strings.Cut(body, "!"); refused && len(code) == 3 {
			var n int
			_ = json.Unmarshal([]byte(code), &n)
			fail(w, n, message)
			return
		}
		_, _ = w.Write([]byte(body))
		return
	}
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/validate") {
		f.asked = append(f.asked, what)
	}
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if strings.HasSuffix(r.URL.Path, "/config/validate") {
		f.validate(w, r)
		return
	}
	if parts[0] != "connectors" {
		fail(w, 404, "HTTP 404 Not Found")
		return
	}
	if len(parts) == 1 {
		f.collection(w, r)
		return
	}
	name, _ := url.PathUnescape(parts[1])
	rest := strings.Join(parts[2:], "/")
	if what := r.Method + " " + rest; what == "PUT config" {
		var config map[string]string
		_ = json.NewDecoder(r.Body).Decode(&config)
		f.configs[name] = config
		w.Header()["Sluice-Warnings"] = f.warnings
		_, _ = w.Write([]byte(f.info(name)))
		return
	}
	if f.configs[name] == nil {
		fail(w, 404, "Connector "+name+" not found")
		return
	}
	switch r.Method + " " + rest {
	case "GET ":
		_, _ = w.Write([]byte(f.info(name)))
	case "DELETE ":
		delete(f.configs, name)
		w.WriteHeader(204)
	case "GET status":
		_, _ = w.Write([]byte(f.status(name)))
	case "GET offsets":
		_, _ = w.Write([]byte(f.offsets[name]))
	case "GET topics":
		_, _ = w.Write([]byte(`{"` + name + `":{"topics":["lines"]}}`))
	case "PATCH offsets", "DELETE offsets":
		_, _ = w.Write([]byte(`{"message":"done"}`))
	case "PUT pause", "PUT resume":
		w.WriteHeader(202)
	default:
		w.WriteHeader(204)
	}
}

func fail(w http.ResponseWriter, code int, message string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": message})
}

func (f *fakeCluster) info(name string) string {
	config, _ := json.Marshal(f.configs[name])
	kind := "source"
	if f.configs[name]["topics"] != "" {
		kind = "sink"
	}
	return `{"name":"` + name + `","config":` + string(config) + `,"tasks":[{"connector":"` + name + `","task":0}],"type":"` + kind + `"}`
}

func (f *fakeCluster) status(name string) string {
	if s := f.statuses[name]; s != "" {
		return s
	}
	return `{"name":"` + name + `","connector":{"state":"RUNNING","worker_id":"a:8083"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"a:8083"}],"type":"source"}`
}

func (f *fakeCluster) collection(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var body struct {
			Name   string
			Config map[string]string
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.configs[body.Name] = body.Config
		w.WriteHeader(201)
		_, _ = w.Write([]byte(f.info(body.Name)))
		return
	}
	var parts []string
	for name := range f.configs {
		switch r.URL.Query().Get("expand") {
		case "info":
			parts = append(parts, `"`+name+`":{"info":`+f.info(name)+`}`)
		case "status":
			parts = append(parts, `"`+name+`":{"status":`+f.status(name)+`}`)
		default:
			parts = append(parts, `"`+name+`"`)
		}
	}
	text := strings.Join(parts, ",")
	if r.URL.Query().Has("expand") {
		_, _ = w.Write([]byte("{" + text + "}"))
		return
	}
	_, _ = w.Write([]byte("[" + text + "]"))
}

// validate knows tasks.max, file and the keys of Mqtt; tasks.max has to be a number.
func (f *fakeCluster) validate(w http.ResponseWriter, r *http.Request) {
	var config map[string]string
	_ = json.NewDecoder(r.Body).Decode(&config)
	if config["connector.class"] == "Gone" {
		fail(w, 500, "java.util.concurrent.CompletionException: org.apache.kafka.connect.errors.ConnectException: Failed to find any class that implements Connector and which name matches Gone, "+
			"available connectors are: PluginDesc{klass=class x}")
		return
	}
	errors := "[]"
	count := 0
	if strings.Trim(config["tasks.max"], "0123456789") != "" {
		errors, count = `["Invalid value `+config["tasks.max"]+` for configuration tasks.max: Not a number of type INT"]`, 1
	}
	known := `{"definition":{"name":"tasks.max","type":"INT"},"value":{"name":"tasks.max","errors":` + errors + `}}`
	for _, name := range []string{"connector.class", "file", "topic", "topics", "transforms", "value.converter", "mqtt.qos", "mqtt.password", "mqtt.pin"} {
		known += `,{"definition":{"name":"` + name + `","type":"STRING"},"value":{"name":"` + name + `","errors":[]}}`
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": "X", "error_count": count, "groups": []string{}, "configs": json.RawMessage("[" + known + "]")})
}

// outcome is what a command has left.
type outcome struct {
	out, err string
	code     int
}

// program is the commands as the program has them.
func program() *cobra.Command {
	root := &cobra.Command{Use: "sluice", SilenceUsage: true, SilenceErrors: true}
	root.AddGroup(Groups()...)
	root.AddCommand(Commands()...)
	return root
}

// run runs a command line.
func run(t *testing.T, args ...string) outcome {
	t.Helper()
	return runWith(t.Context(), "", args...)
}

func runWith(ctx context.Context, stdin string, args ...string) outcome {
	root := program()
	var out, stderr bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&stderr)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	o := outcome{}
	if err := root.ExecuteContext(ctx); err != nil {
		o.code = exitUsage
		var coded interface{ ExitCode() int }
		if errors.As(err, &coded) {
			o.code = coded.ExitCode()
		}
		stderr.WriteString(err.Error())
	}
	o.out, o.err = out.String(), stderr.String()
	return o
}

// folder writes files and returns where.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}
