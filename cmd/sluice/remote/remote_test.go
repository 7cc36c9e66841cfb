package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// walk visits all commands that can be run.
func walk(cmd *cobra.Command, path []string, visit func(cmd *cobra.Command, path []string)) {
	for _, child := range cmd.Commands() {
		if child.Name() != "help" && child.Name() != "completion" {
			to := append(append([]string{}, path...), child.Name())
			visit(child, to)
			walk(child, to, visit)
		}
	}
}

func TestEveryCommandHelpsWithExamplesAndAsksNobody(t *testing.T) {
	f := newFake(t)
	walk(program(), nil, func(cmd *cobra.Command, path []string) {
		o := run(t, append(path, "--help")...)
		assert.Zero(t, o.code)
		assert.Contains(t, o.out, "Examples:\n", "%v", path)
		assert.Contains(t, cmd.Example, "sluice "+strings.Join(path, " "), "an example shows the command itself")
		if cmd.Runnable() && path[0] != "context" && (len(path) == 1 || path[0] == "dlq" || path[0] == "offsets" || path[0] == "loggers") {
			assert.Contains(t, o.out, "Exit codes: 0 all is well", "%v", path)
		}
	})
	assert.Zero(t, f.requests)
}

func TestExitCodesTellWhatIsWrong(t *testing.T) {
	f := newFake(t)
	f.add("there", map[string]string{"connector.class": "File"})
	f.answers["GET /connectors/denied"] = "403!no"
	f.answers["GET /connectors/login"] = "401!User cannot access the resource."
	f.answers["GET /connectors/broken"] = "500!Request timed out"
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "unknown flag", []string{"get", "--nonsense"}},
		{exitUsage, "none of json, yaml and wide", []string{"get", "-o", "xml"}},
		{exitUsage, "-f is missing", []string{"apply"}},
		{exitUsage, "no such file", []string{"apply", "-f", "/nowhere"}},
		{exitUsage, "name one or more connectors, or say --all", []string{"pause"}},
		{exitUsage, "--all: leave it or the names away", []string{"pause", "there", "--all"}},
		{exitUsage, "say --yes", []string{"delete", "--all"}},
		{exitFailed, "Request timed out", []string{"get", "connector", "broken"}},
		{exitFailed, "its version is too old for it", []string{"loggers", "get"}},
		{exitUnreachable, "--server or a context says which worker to ask", []string{"get", "--server", "http://127.0.0.1:1"}},
		{exitNotFound, "Connector gone not found", []string{"describe", "gone"}},
		{exitNotFound, "Connector gone not found", []string{"pause", "there", "gone"}},
		{exitNotFound, "there is no context x", []string{"get", "--context", "x"}},
		{exitDenied, "no", []string{"get", "connector", "denied"}},
		{exitDenied, "check --user, and SLUICE_PASSWORD or --password-file", []string{"get", "connector", "login"}},
		{exitUsage, "--bootstrap-servers is missing", []string{"dlq", "ls"}},
	} {
		o := run(t, c.args...)
		assert.Equal(t, c.code, o.code, "%v: %s", c.args, o.err)
		assert.Contains(t, o.err, c.says, "%v", c.args)
	}
	assert.Equal(t, []string{"PUT /connectors/there/pause", "PUT /connectors/gone/pause"}, f.done(), "what can be done is done")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, outcome{err: "interrupted", code: exitInterrupted}, runWith(ended, "", "get"))
}

func TestChangesGoToEachConnector(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"a", "b/c"} {
		f.add(name, map[string]string{"connector.class": "File"})
	}
	f.answers["POST /connectors/a/restart?includeTasks=true&onlyFailed=true"] = `{"name":"a","connector":{"state":"RUNNING","worker_id":"w"},
		"tasks":[{"id":0,"state":"RESTARTING","worker_id":"w"},{"id":1,"state":"RUNNING","worker_id":"w"}],"type":"sink"}`
	for _, c := range []struct {
		line, out string
		done      []string
	}{
		{"pause a b/c", "paused a\npaused b/c\n", []string{"PUT /connectors/a/pause", "PUT /connectors/b%2Fc/pause"}},
		{"resume --all", "resumed a\nresumed b/c\n", []string{"PUT /connectors/a/resume", "PUT /connectors/b%2Fc/resume"}},
		{"stop --all --yes", "stopped a\nstopped b/c\n", []string{"PUT /connectors/a/stop", "PUT /connectors/b%2Fc/stop"}},
		{"restart a", "restarted a (its tasks go on: --include-tasks restarts them, too)\n", []string{"POST /connectors/a/restart?includeTasks=false&onlyFailed=false"}},
		{"restart a --include-tasks --only-failed", "restarted a (not the instance, 1 of 2 tasks)\n", nil},
		{"restart a --task 3", "restarted a task 3\n", []string{"POST /connectors/a/tasks/3/restart"}},
		{"delete a", "deleted a\n", []string{"DELETE /connectors/a"}},
		{"delete --all -y", "deleted b/c\n", []string{"DELETE /connectors/b%2Fc"}},
	} {
		assert.Equal(t, outcome{out: c.out}, run(t, strings.Fields(c.line)...), c.line)
		assert.Equal(t, c.done, f.done(), c.line)
	}
}

func TestOffsetsAreShownChangedAndForgotten(t *testing.T) {
	f := newFake(t)
	f.add("lake", map[string]string{"connector.class": "File", "topics": "lines"})
	f.offsets["lake"] = `{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":0},"offset":{"kafka_offset":42}}]}`
	f.add("reader", map[string]string{"connector.class": "File"})
	f.offsets["reader"] = `{"offsets":[{"partition":{"filename":"/in"},"offset":{"position":7}}]}`
	assert.Equal(t, "TOPIC  PARTITION  OFFSET  LAG\nlines  0          42      ?\n"+
		"the lag is not known: --bootstrap-servers, or the context, has to say where Kafka is\n", run(t, "offsets", "get", "lake").out)
	assert.Equal(t, "PARTITION           OFFSET\n{\"filename\":\"/in\"}  {\"position\":7}\n", run(t, "offsets", "get", "reader").out)

	o := run(t, "offsets", "set", "lake", "lines:0=42", "lines:1=null", "--dry-run")
	assert.Zero(t, o.code, "that is how it is: %s", o.out)
	o = run(t, "offsets", "set", "lake", "lines:0=7", "--dry-run")
	assert.Equal(t, exitDiffers, o.code)
	assert.Contains(t, o.out, `{"kafka_offset":42} -> {"kafka_offset":7}`)
	assert.Empty(t, f.done())
	for _, args := range [][]string{
		{"lake", "a:b:0=1", "lines:1=null"}, {"reader", "--partition", `{"filename":"/in"}`, "--offset", "null"}, {"lake", "-f", "-"},
	} {
		o := runWith(t.Context(), f.offsets["lake"], append([]string{"offsets", "set"}, args...)...)
		assert.Zero(t, o.code, o.err)
		assert.Contains(t, o.out, "done\n")
		assert.Equal(t, []string{"PATCH /connectors/" + args[0] + "/offsets"}, f.done())
	}
	for _, args := range [][]string{
		{"lake"}, {"lake", "lines"}, {"lake", "lines=1"}, {"lake", "lines:x=1"}, {"lake", "lines:0=-1"}, {"lake", "lines:0=x"}, {"lake", "lines:0=1", "-f", "-"},
		{"reader", "--partition", "[]", "--offset", "null"}, {"reader", "--offset", "{}"}, {"lake", "-f", "/nowhere"},
	} {
		assert.Equal(t, exitUsage, run(t, append([]string{"offsets", "set"}, args...)...).code, "%v", args)
	}
	f.answers["DELETE /connectors/lake/offsets"] = "400!Connectors must be in the STOPPED state before their offsets can be modified."
	o = run(t, "offsets", "reset", "lake", "--yes")
	assert.Equal(t, exitFailed, o.code)
	assert.Contains(t, o.err, "sluice stop lake --wait, then this again, then sluice resume lake")
	assert.Equal(t, exitUsage, run(t, "offsets", "reset", "lake").code, "it asks")
}

func TestAPasswordComesFromTheEnvironmentOrAFileAndIsNeverShown(t *testing.T) {
	f := newFake(t)
	login := func(args ...string) string {
		o := run(t, append([]string{"get"}, args...)...)
		require.Zero(t, o.code, o.err)
		user, password, _ := (&http.Request{Header: f.headers}).BasicAuth()
		return user + "/" + password
	}
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("of the file\n"), 0o600))
	assert.Equal(t, "/", login())
	assert.Equal(t, "ops/of the file", login("--user", "ops", "--password-file", file))
	t.Setenv("SLUICE_PASSWORD", "of the environment")
	assert.Equal(t, "ops/of the environment", login("--user", "ops"))
	t.Setenv("SLUICE_USER", "dev")
	assert.Equal(t, "dev/of the environment", login())
	t.Setenv("SLUICE_USER", "")

	for _, args := range [][]string{{"--user", "ops:geheim"}, {"--server", "http://ops:geheim@127.0.0.1:1"}, {"--server", "ops:geheim@127.0.0.1:1"}} {
		o := run(t, append([]string{"get"}, args...)...)
		assert.Equal(t, exitUsage, o.code, "%v", args)
		assert.NotContains(t, o.err, "geheim")
	}
}

func TestAContextSaysWhichClusterIsMeant(t *testing.T) {
	f := newFake(t)
	t.Setenv("SLUICE_SERVER", "")
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("p"), 0o600))
	require.Zero(t, run(t, "context", "set", "here", "--server", f.URL, "--user", "ops", "--password-file", file).code)
	require.Zero(t, run(t, "context", "set", "away", "--server", "http://127.0.0.1:1", "--bootstrap-servers", "kafka:9092").code)
	assert.Equal(t, strings.ReplaceAll("   NAME  SERVER                  USER  KAFKA\n   away  http://127.0.0.1:1            kafka:9092\n*  here  URL  ops\n", "URL", f.URL),
		run(t, "context", "ls").out)
	assert.Zero(t, run(t, "get").code)
	assert.NotEmpty(t, f.headers.Get("Authorization"))
	assert.Equal(t, exitUnreachable, run(t, "get", "--context", "away").code)
	t.Setenv("SLUICE_CONTEXT", "away")
	assert.Equal(t, exitUnreachable, run(t, "get").code)
	t.Setenv("SLUICE_CONTEXT", "")

	assert.Zero(t, run(t, "get", "--server", f.URL).code)
	assert.Empty(t, f.headers.Get("Authorization"), "a context's login is for the context's server")
	require.Zero(t, run(t, "context", "use", "away").code)
	assert.Equal(t, exitUnreachable, run(t, "get").code)
	require.Zero(t, run(t, "context", "rm", "away").code)
	assert.Equal(t, exitNotFound, run(t, "context", "use", "away").code)
	assert.Equal(t, exitUsage, run(t, "context", "set", "x").code, "a context has a server")
	assert.Equal(t, exitUsage, run(t, "context", "set", "x", "--server", "nonsense").code)
}

func TestHTTPSWithAnAuthorityOfOnesOwn(t *testing.T) {
	newFake(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	o := run(t, "get", "--server", server.URL)
	assert.Equal(t, exitUnreachable, o.code)
	assert.Contains(t, o.err, "certificate")
	o = run(t, "get", "--server", server.URL, "--ca-file", ca)
	assert.Zero(t, o.code, o.err)
	o = run(t, "get", "--server", server.URL, "--ca-file", "/nowhere")
	assert.Equal(t, exitUsage, o.code)
	assert.Contains(t, o.err, "--ca-file: file /nowhere")
}

func TestACertificateOfOnesOwnIsShownToTheWorker(t *testing.T) {
	newFake(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ops"}, NotAfter: time.Now().Add(time.Hour)}
	own, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	shown := ""
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = r.TLS.PeerCertificates[0].Subject.CommonName
		_, _ = w.Write([]byte("{}"))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	dir := folder(t, map[string]string{
		"ca.pem":   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	})
	asked := []string{"get", "--server", server.URL, "--ca-file", filepath.Join(dir, "ca.pem")}
	assert.Equal(t, exitUnreachable, run(t, asked...).code, "without a certificate")
	o := run(t, append(asked, "--cert-file", filepath.Join(dir, "cert.pem"), "--key-file", filepath.Join(dir, "key.pem"))...)
	assert.Zero(t, o.code, o.err)
	assert.Equal(t, "ops", shown)
}

func TestConnectorsAreCompletedByAskingForASecondAtMost(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"a", "b"} {
		f.add(name, map[string]string{"connector.class": "File"})
	}
	assert.Equal(t, "b\n:4\n", run(t, "__complete", "pause", "a", "").out)
	assert.Equal(t, "a\nb\n:4\n", run(t, "__complete", "describe", "").out)
	assert.Equal(t, ":4\n", run(t, "__complete", "describe", "a", "").out)

	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer silent.Close()
	defer close(release)
	began := time.Now()
	assert.Equal(t, ":4\n", run(t, "__complete", "describe", "--server", silent.URL, "").out)
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestAWatchEndsWithoutAnError(t *testing.T) {
	newFake(t)
	for _, line := range []string{"status --watch", "cluster --watch", "top --every 100ms"} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		o := runWith(ctx, "", strings.Fields(line)...)
		cancel()
		assert.Zero(t, o.code, "%s: %s", line, o.err)
		assert.NotEmpty(t, o.out, line)
	}
}
