package crew

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// door is how the workers of a cluster are reached: by https, with a certificate and a login.
type door struct {
	t       *testing.T
	own     *testbed.Identity // of all workers, and of the tests
	jaas    string
	users   string
	renewed *testbed.Identity
}

// Logins of the workers.
const (
	user, password     = "alice", "s3cret:of:alice"
	reader, readerPass = "reader", "s3cret-of-reader"
)

func newDoor(t *testing.T) *door {
	d := &door{t: t, own: testbed.NewIdentity(t), renewed: testbed.NewIdentity(t)}
	d.users = ledger.File(t, "users.properties", user+"="+password+"\n"+reader+"="+readerPass+"\n")
	d.jaas = ledger.File(t, "jaas.conf", `KafkaConnect {
  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file="`+d.users+`";
};
`)
	return d
}

// client is one that shows a certificate.
func (d *door) client(trusted ...*testbed.Identity) *http.Client {
	transport := &http.Transport{TLSClientConfig: d.own.Client(trusted...), DisableKeepAlives: true}
	return &http.Client{Transport: transport}
}

func (d *door) rest(port int) ledger.REST {
	return ledger.REST{URL: fmt.Sprintf("https://127.0.0.1:%d", port), User: user, Password: password, HTTP: d.client(d.own, d.renewed)}
}

// properties are a worker's file. Stores are those of Java's or of Sluice's kind.
func (d *door) properties(c *Crew, port int, own, trusted string, more ...string) string {
	lines := append(append([]string{}, c.lines...),
		fmt.Sprintf("listeners=https://127.0.0.1:%d", port),
		"rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
		"listeners.https.ssl.keystore.location="+own,
		"listeners.https.ssl.truststore.location="+trusted,
		"listeners.https.ssl.client.auth=required",
	)
	return ledger.File(d.t, "worker.properties", ledger.WorkerProperties(c.kafka, c.prefix, port, append(lines, more...)...))
}

// sluice adds a Sluice worker to a crew. It finds its logins where Kafka Connect's start scripts do.
func (d *door) sluice(c *Crew, own, trusted string, more ...string) *ledger.Worker {
	port := testbed.FreePort(d.t)
	path := d.properties(c, port, own, trusted, append([]string{"sluice.rest.readonly.users=" + reader}, more...)...)
	w := ledger.RunAt(d.t, testbed.Command{
		Name: "sluice worker", Path: testbed.SluiceBinary(d.t), Args: []string{"worker", path},
		Env: []string{"KAFKA_OPTS=-Xmx1g -Djava.security.auth.login.config=" + d.jaas},
	}, d.rest(port))
	c.Workers = append(c.Workers, w)
	return w
}

// java adds a worker of Java's.
func (d *door) java(c *Crew) *ledger.Worker {
	port := testbed.FreePort(d.t)
	path := d.properties(c, port, d.own.PKCS12, d.own.TrustedPKCS12,
		"listeners.https.ssl.keystore.type=PKCS12", "listeners.https.ssl.truststore.type=PKCS12",
		"listeners.https.ssl.keystore.password="+d.own.Password, "listeners.https.ssl.truststore.password="+d.own.Password)
	command := ledger.JavaWorkerCommand(d.t, path)
	command.Env = append(command.Env, "JDK_JAVA_OPTIONS=-Djava.security.auth.login.config="+d.jaas)
	w := ledger.RunAt(d.t, command, d.rest(port))
	c.Workers = append(c.Workers, w)
	return w
}

// createThroughEach has each worker asked for sources of its own: who is not the leader has to pass that on, and to hand over the tasks of what it runs.
func (d *door) createThroughEach(c *Crew) map[string]int {
	tasks := map[string]int{}
	for i, w := range c.Workers {
		for n := range 2 {
			name := fmt.Sprintf("%ssource-%d-%d", c.prefix, i, n)
			c.Create(w, name, map[string]string{
				"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "topic": name,
				"file": ledger.File(d.t, "lines", "a line\n"),
			})
			tasks[name] = 1
		}
	}
	c.AwaitFlowing(60*time.Second, tasks)
	for _, w := range c.Workers {
		for name := range tasks {
			c.Do(w, "POST", "/connectors/"+name+"/restart", nil, 204)
			c.Do(w, "POST", "/connectors/"+name+"/tasks/0/restart", nil, 204)
		}
	}
	c.AwaitFlowing(60*time.Second, tasks)
	connectors, shares, err := c.Loads(tasks)
	require.NoError(d.t, err)
	for _, loads := range []map[string]int{connectors, shares} {
		for worker, n := range loads {
			require.Positive(d.t, n, "%s has no work, so nothing was passed on for it", worker)
		}
	}
	return tasks
}

// locked checks what a worker answers to whom.
func (d *door) locked(w *ledger.Worker) {
	for who, c := range map[string]struct {
		user, password string
		code           int
	}{"a user": {user, password, 200}, "a reader": {reader, readerPass, 200}, "nobody": {"", "", 401}, "a wrong password": {user, readerPass, 401}} {
		a, err := w.As(c.user, c.password).Ask(d.t.Context(), "GET", "/connectors", nil)
		require.NoError(d.t, err, who)
		assert.Equal(d.t, c.code, a.Code, who)
		if c.code == 401 {
			assert.Equal(d.t, "User cannot access the resource.", a.Body)
		}
	}
	stranger := w.REST
	stranger.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: (&testbed.Identity{}).Client(d.own, d.renewed)}}
	_, err := stranger.Ask(d.t.Context(), "GET", "/connectors", nil)
	require.Error(d.t, err, "a certificate is required")
}

// commandLine looks at a worker with the program's own commands, by certificate and login.
func (d *door) commandLine(w *ledger.Worker, tasks map[string]int) {
	d.t.Helper()
	get := func(password string) (out string, code int) {
		cmd := exec.CommandContext(d.t.Context(), testbed.SluiceBinary(d.t), "get", "--server", w.URL, "--user", user,
			"--ca-file", d.own.Trusted, "--cert-file", d.own.PEM, "--key-file", d.own.PEM)
		cmd.Env = append(os.Environ(), "SLUICE_PASSWORD="+password)
		text, err := cmd.CombinedOutput()
		if exit := new(exec.ExitError); !errors.As(err, &exit) {
			require.NoError(d.t, err)
		}
		return string(text), cmd.ProcessState.ExitCode()
	}
	out, code := get(password)
	require.Zero(d.t, code, out)
	for name := range tasks {
		assert.Contains(d.t, out, name)
	}
	out, code = get("another")
	assert.Equal(d.t, 8, code, "the login was refused: %s", out)
	assert.NotContains(d.t, out, "another")
}

func TestWorkersPassRequestsOnByHTTPSWithTheClientsLogin(t *testing.T) {
	needsProcesses(t)
	d := newDoor(t)
	own := ledger.File(t, "own.pem", text(t, d.own.PEM))
	trusted := ledger.File(t, "trusted.pem", text(t, d.own.Trusted))
	c := NewCrew(t, testbed.SharedKafka(t), testbed.Prefix(t), atOnce, sessionLine(), "sluice.log.format=json", "sluice.log.level=trace")
	d.sluice(c, own, trusted)
	d.sluice(c, own, trusted)
	tasks := d.createThroughEach(c)
	for _, w := range c.Workers {
		d.locked(w)
		d.commandLine(w, tasks)
		for name := range tasks {
			a, err := w.As(reader, readerPass).Ask(t.Context(), "DELETE", "/connectors/"+name, nil)
			require.NoError(t, err)
			require.Equal(t, 403, a.Code)
		}
		a, err := w.Ask(t.Context(), "GET", "/sluice/v1/ready", nil)
		require.NoError(t, err)
		require.Equal(t, ledger.Answer{Code: 200, Body: `{"ready":true,"hindrances":[]}`}, a)
	}

	// A level for all workers goes over the config topic.
	c.Do(c.Workers[1], "PUT", "/admin/loggers/org.apache.kafka?scope=cluster", map[string]string{"level": "ERROR"}, 204)
	for _, w := range c.Workers {
		testbed.Await(t, 10*time.Second, "the level to be that of all workers", func(ctx context.Context) error {
			a, err := w.Ask(ctx, "GET", "/admin/loggers/org.apache.kafka.connect.runtime.rest.RestServer", nil)
			if err == nil && !strings.Contains(a.Body, `"ERROR"`) {
				err = fmt.Errorf("%d: %s", a.Code, a.Body)
			}
			return err
		})
		before := strings.Count(w.Log(), `"msg":"request"`)
		require.Positive(t, before, "at trace each request was logged")
		c.Do(w, "GET", "/connectors", nil, 200)
		require.Equal(t, before, strings.Count(w.Log(), `"msg":"request"`))
	}

	// Certificates and users are renewed while everything runs: first who is trusted, then who one is.
	require.NoError(t, os.WriteFile(trusted, []byte(text(t, d.own.Trusted)+text(t, d.renewed.Trusted)), 0o600))
	require.NoError(t, os.WriteFile(own, []byte("-----BEGIN CERTIFICATE-----\nbroken\n"), 0o600))
	for _, w := range c.Workers {
		require.Equal(t, d.own.TLS.Certificate[0], d.served(w), "a broken file takes nothing away")
		require.Contains(t, w.Log(), "certificates have changed and cannot be used")
	}
	require.NoError(t, os.WriteFile(own, []byte(text(t, d.renewed.PEM)), 0o600))
	require.NoError(t, os.WriteFile(d.users, []byte(user+"=another-s3cret\n"+reader+"="+readerPass+"\n"), 0o600))
	for _, w := range c.Workers {
		require.Equal(t, d.renewed.TLS.Certificate[0], d.served(w))
		a, err := w.Ask(t.Context(), "GET", "/", nil)
		require.NoError(t, err)
		require.Equal(t, 401, a.Code, "the former password")
		w.Password = "another-s3cret"
		for name := range tasks {
			c.Do(w, "POST", "/connectors/"+name+"/restart?includeTasks=true", nil, 202)
		}
	}
	c.AwaitFlowing(60*time.Second, tasks)
	for _, w := range c.Workers {
		assert.NotContains(t, w.Log(), "s3cret")
		assert.NotContains(t, w.Log(), "Basic ")
		assert.NotContains(t, w.Log(), "PRIVATE KEY")
	}
}

// served is the certificate that a worker shows.
func (d *door) served(w *ledger.Worker) []byte {
	d.t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(w.URL, "https://"), d.own.Client(d.own, d.renewed))
	require.NoError(d.t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Raw
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestSluiceAndJavaWorkersPassRequestsOnByHTTPSToEachOther(t *testing.T) {
	needsProcesses(t)
	for _, first := range []string{"Sluice", "Java"} {
		t.Run(first+" first", func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			c := NewCrew(t, testbed.SharedKafka(t), testbed.Prefix(t), atOnce, sessionLine(), declared)
			if first == "Sluice" {
				d.sluice(c, d.own.PEM, d.own.Trusted)
				d.java(c)
			} else {
				d.java(c)
				d.sluice(c, d.own.PEM, d.own.Trusted)
			}
			tasks := d.createThroughEach(c)
			for _, w := range c.Workers {
				d.locked(w)
			}
			for i, w := range c.Workers { // each tells the other
				other := c.Workers[1-i]
				level := []string{"WARN", "ERROR"}[i]
				c.Do(w, "PUT", "/admin/loggers/com.acme?scope=cluster", map[string]string{"level": level}, 204)
				testbed.Await(t, 10*time.Second, "the level to be the other's", func(ctx context.Context) error {
					a, err := other.Ask(ctx, "GET", "/admin/loggers/com.acme", nil)
					if err == nil && !strings.Contains(a.Body, `"level":"`+level+`"`) {
						err = fmt.Errorf("%d: %s", a.Code, a.Body)
					}
					return err
				})
			}
			for name := range tasks {
				for _, w := range c.Workers {
					c.Do(w, "PUT", "/connectors/"+name+"/stop", nil, 204)
				}
				c.Do(c.Workers[0], "DELETE", "/connectors/"+name, nil, 204)
			}
		})
	}
}
