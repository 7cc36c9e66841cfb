package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// javas are the 500 that a worker of Java gives too.
var javas = regexp.MustCompile(`^(Connector config contains no connector type|Failed to find any class that implements Connector|` +
	`Offset objects should |The value for the 'position' key |Failed to (modify offsets|alter consumer group offsets|reset consumer group offsets|retrieve) |Offsets may only |Partition )`)

// inventing is how long requests are invented, each time; SLUICE_SOAK makes it ten minutes.
func inventing() time.Duration {
	if os.Getenv("SLUICE_SOAK") != "" {
		return 10 * time.Minute
	}
	return 15 * time.Second
}

// slow is an answer's time that counts as a hang: no request of these waits for anything but Kafka.
const slow = 20 * time.Second

func TestNoRequestBreaksAWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	schemathesis := testbed.Schemathesis(t)
	w := ledger.StartWorker(t, testbed.SharedKafka(t), testbed.Prefix(t))
	require.NoError(t, w.Put(t.Context(), "lines", map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": "/tmp/lines", "topic": "lines",
	}))
	empty(t, w)
	before := goroutines(t, w)
	for name, settings := range map[string]string{"any names": "", "one name": "[parameters]\nname = \"lines\"\nplugin = \"FileStreamSource\"\ntask = 0\n"} {
		t.Run(name, func(t *testing.T) { invent(t, schemathesis, w.URL, settings) })
	}
	empty(t, w)
	testbed.Await(t, 30*time.Second, "goroutines to end", func(context.Context) error {
		http.DefaultClient.CloseIdleConnections()
		if now := goroutines(t, w); now > before+10 {
			return fmt.Errorf("there were %d, and are %d", before, now)
		}
		return nil
	})
}

// invent has requests invented, and judges the answers: those that the document does not promise, those of the wrong shape, those that are late, and
// those that blame the worker.
func invent(t *testing.T, schemathesis, worker, settings string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "schemathesis.toml"), []byte(settings), 0o600))
	command := exec.Command(schemathesis, "run", worker+"/sluice/v1/openapi.json", "--no-color",
		"--checks", "status_code_conformance,response_schema_conformance", "--max-response-time", strconv.Itoa(int(slow.Seconds())),
		"--max-time", strconv.Itoa(int(inventing().Seconds())), "--continue-on-failure", "--report-har-path", "answers.har")
	if os.Getenv("SLUICE_SOAK") == "" {
		command.Args = append(command.Args, "--seed", "1") // what it finds, it finds again
	}
	command.Dir = dir
	output, err := command.CombinedOutput()
	assert.NoError(t, err, "%s", output)
	text, err := os.ReadFile(filepath.Join(dir, "answers.har"))
	require.NoError(t, err)
	var archive struct {
		Log struct {
			Entries []struct {
				Request  struct{ Method, URL string }
				Response struct {
					Status  int
					Content struct{ Text string }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &archive))
	t.Logf("%d requests", len(archive.Log.Entries))
	assert.Greater(t, len(archive.Log.Entries), 100)
	for _, e := range archive.Log.Entries {
		if e.Response.Status < 500 {
			continue
		}
		var said struct{ Message string }
		_ = json.Unmarshal([]byte(e.Response.Content.Text), &said) // it is judged as what it is then
		assert.Regexp(t, javas, said.Message, "%s %s: %d %s", e.Request.Method, e.Request.URL, e.Response.Status, e.Response.Content.Text)
	}
}

// empty deletes all connectors.
func empty(t *testing.T, w *ledger.Worker) {
	t.Helper()
	testbed.Await(t, 30*time.Second, "all connectors to be gone", func(ctx context.Context) error {
		names, err := w.Connectors(ctx)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if _, err := w.Ask(ctx, "DELETE", "/connectors/"+url.PathEscape(name), nil); err != nil {
				return err
			}
		}
		return fmt.Errorf("there were %q", names)
	})
}

var goroutinesLine = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines is how many the worker has.
func goroutines(t *testing.T, w *ledger.Worker) int {
	t.Helper()
	a, err := w.Ask(t.Context(), "GET", "/metrics", nil)
	require.NoError(t, err)
	match := goroutinesLine.FindStringSubmatch(a.Body)
	require.NotNil(t, match, a.Body)
	n, err := strconv.Atoi(strings.TrimSpace(match[1]))
	require.NoError(t, err)
	return n
}
