package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// The exit codes that scripts rely on.
const (
	exitUsage   = 1
	exitStartup = 2
	exitStart   = 3
)

// mistake runs sluice, which must end with the code and, as its last words, "sluice: ..." with all the parts in it. That is one line, or
// a list with a line for each of several mistakes.
func mistake(t *testing.T, code int, parts []string, args ...string) {
	t.Helper()
	p := testbed.Launch(t, testbed.Command{Path: testbed.SluiceBinary(t), Args: args})
	assert.Equal(t, code, p.Wait(15*time.Second), "exit code")
	log := p.Log()
	before, said, found := strings.Cut(log, "sluice: ")
	assert.True(t, found && (before == "" || strings.HasSuffix(before, "\n")), "no line begins with sluice: %s", log)
	assert.NotContains(t, said, "sluice: ", "it is said once")
	for _, part := range parts {
		assert.Contains(t, said, part)
	}
	if !strings.Contains(said, "error(s):") {
		assert.NotContains(t, strings.TrimSpace(said), "\n", "it is one line")
	}
	sober(t, log)
}

// sober fails when a log shows that the program broke.
func sober(t *testing.T, log string) {
	t.Helper()
	for _, word := range []string{"panic", "goroutine ", "runtime error", "%!"} {
		assert.NotContains(t, log, word)
	}
}

// standaloneProperties is a file for a standalone worker on a Kafka that need not be there.
func standaloneProperties(t *testing.T, rest int) string {
	t.Helper()
	return File(t, "standalone.properties", strings.Join([]string{
		"bootstrap.servers=" + nobody(t),
		"offset.storage.file.filename=" + filepath.Join(t.TempDir(), "offsets"),
		"key.converter=org.apache.kafka.connect.storage.StringConverter",
		"value.converter=org.apache.kafka.connect.storage.StringConverter",
		fmt.Sprintf("listeners=http://127.0.0.1:%d", rest),
	}, "\n"))
}

// nobody is a host:port where nothing listens.
func nobody(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t)) }

// busyPort is a port on which the test listens.
func busyPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", nobody(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func TestAWrongCommandLineIsOneLineAndExitCode1(t *testing.T) {
	needsProcesses(t)
	absent := filepath.Join(t.TempDir(), "absent.properties")
	for name, c := range map[string]struct {
		args  []string
		parts []string
	}{
		"unknown command":     {[]string{"flow"}, []string{`"flow"`}},
		"unknown flag":        {[]string{"dev", "--turbo"}, []string{"--turbo"}},
		"worker without file": {[]string{"worker", absent}, []string{absent, "no such file"}},
		"unknown log level":   {[]string{"dev", "--log-level", "loud"}, []string{"--log-level", "loud"}},
		"port too large":      {[]string{"dev", "--kafka-port", "99999"}, []string{"--kafka-port 99999", "65535"}},
		"port below all":      {[]string{"dev", "--mqtt-port", "-1"}, []string{"--mqtt-port -1", "65535"}},
		"no rate":             {[]string{"dev", "--demo", "--rate", "0"}, []string{"--rate 0", "at least 1"}},
		"standalone alone":    {[]string{"standalone"}, []string{"worker's file", "sluice standalone worker.properties"}},
		"text for connector": {[]string{"standalone", standaloneProperties(t, testbed.FreePort(t)), File(t, "a.json", `["a"]`)},
			[]string{"a.json:1", "want a connector"}},
		"connector without file": {[]string{"standalone", standaloneProperties(t, testbed.FreePort(t)), absent},
			[]string{absent, "no such file"}},
		"broken JSON": {[]string{"standalone", standaloneProperties(t, testbed.FreePort(t)), File(t, "a.json", `{"name": "a",`)},
			[]string{"a.json", "JSON"}},
		"connector without name": {[]string{"standalone", standaloneProperties(t, testbed.FreePort(t)), File(t, "a.json", `{"tasks.max": 1}`)},
			[]string{"a.json", "name is missing"}},
	} {
		t.Run(name, func(t *testing.T) { mistake(t, exitUsage, c.parts, c.args...) })
	}
}

func TestAWrongWorkerFileIsOneLine(t *testing.T) {
	needsProcesses(t)
	good := WorkerProperties(nobody(t), "x-", testbed.FreePort(t))
	for name, c := range map[string]struct {
		code int
		text string
		key  string
	}{
		"missing group.id":   {exitUsage, strings.Replace(good, "group.id=", "group=", 1), "group.id"},
		"empty group.id":     {exitUsage, good + "group.id=\n", "group.id"},
		"interval no number": {exitUsage, good + "offset.flush.interval.ms=often\n", "offset.flush.interval.ms"},
		"negative interval":  {exitUsage, good + "offset.flush.interval.ms=-5\n", "offset.flush.interval.ms"},
		"negative grace":     {exitUsage, good + "task.shutdown.graceful.timeout.ms=-5\n", "task.shutdown.graceful.timeout.ms"},
		"unknown advertised": {exitUsage, good + "rest.advertised.listener=gopher\n", "rest.advertised.listener"},
		"port out of range":  {exitUsage, good + "rest.advertised.port=70000\n", "rest.advertised.port"},
		// What shows only when the parts are built ends as a failed start, as in Kafka Connect.
		"unknown converter":    {exitStartup, good + "value.converter=com.example.Absent\n", "value.converter"},
		"converter of headers": {exitStartup, good + "key.converter=org.apache.kafka.connect.storage.SimpleHeaderConverter\n", "key.converter"},
		"converter's bad option": {exitStartup, good + "value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=maybe\n",
			"value.converter.schemas.enable"},
		"unknown policy":    {exitStartup, good + "connector.client.config.override.policy=Nobody\n", "connector.client.config.override.policy"},
		"unknown extension": {exitStartup, good + "rest.extension.classes=com.example.Login\n", "rest.extension.classes"},
		"unknown listener":  {exitStartup, good + "listeners=ftp://127.0.0.1:1\n", "listeners"},
		"no port":           {exitStartup, good + "bootstrap.servers=kafka\n", "bootstrap.servers"},
		"unknown protocol":  {exitStartup, good + "security.protocol=TLS\n", "security.protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			parts := []string{c.key}
			if c.code == exitUsage {
				parts = append(parts, "worker.properties: ")
			}
			mistake(t, c.code, parts, "worker", File(t, "worker.properties", c.text))
		})
	}
}

func TestAKeyOfTheWorkerWithoutEffectIsSaidOnceAndByName(t *testing.T) {
	needsProcesses(t)
	keys := []string{"plugin.discovery=bogus", "wrong.key=1", "metric.reporters=com.example.Reporter", "producer.wrong.key=1"}
	port := testbed.FreePort(t)
	p := LaunchWorker(t, WorkerProperties(nobody(t), "x-", port, keys...))
	awaitLine(t, p, 15*time.Second, "waiting for Kafka")
	var warned []string
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "a key of the worker") {
			warned = append(warned, line)
		}
	}
	assert.Len(t, warned, len(keys), "of the good keys none is warned of: %s", warned)
	for _, key := range keys {
		name, _, _ := strings.Cut(key, "=")
		assert.Equal(t, 1, strings.Count(strings.Join(warned, ""), "key="+name+" "), name)
	}
	sober(t, p.Log())
}

func TestABusyPortIsOneLineAndExitCode2(t *testing.T) {
	needsProcesses(t)
	port := busyPort(t)
	free := func() string { return fmt.Sprint(testbed.FreePort(t)) }
	worker := File(t, "worker.properties", WorkerProperties(nobody(t), "x-", 0, "listeners=http://127.0.0.1:"+port))
	t.Run("REST of a worker", func(t *testing.T) {
		mistake(t, exitStartup, []string{port, "in use", "listeners"}, "worker", worker)
	})
	t.Run("Kafka of dev", func(t *testing.T) {
		mistake(t, exitStartup, []string{port, "in use", "--kafka-port"},
			"dev", "--kafka-port", port, "--mqtt-port", free(), "--rest-port", free())
	})
	t.Run("MQTT of dev", func(t *testing.T) {
		mistake(t, exitStartup, []string{port, "in use", "--mqtt-port"},
			"dev", "--kafka-port", free(), "--mqtt-port", port, "--rest-port", free())
	})
	t.Run("REST of dev", func(t *testing.T) {
		mistake(t, exitStartup, []string{port, "in use", "--rest-port"},
			"dev", "--kafka-port", free(), "--mqtt-port", free(), "--rest-port", port)
	})
}

func TestADataDirectoryInUseIsOneLineAndExitCode2(t *testing.T) {
	needsProcesses(t)
	dir := t.TempDir()
	dev := LaunchDev(t, "--data-dir", dir)
	dev.WaitReady()
	port := func() string { return fmt.Sprint(testbed.FreePort(t)) }
	mistake(t, exitStartup, []string{dir, "in use", fmt.Sprint(dev.PID()), "--data-dir"},
		"dev", "--data-dir", dir, "--kafka-port", port(), "--mqtt-port", port(), "--rest-port", port())
}

func TestADirectoryThatCannotBeWrittenIsOneLineAndExitCode2(t *testing.T) {
	needsProcesses(t)
	file := File(t, "file", "") // nobody makes a directory below a file, root neither
	t.Run("data of dev", func(t *testing.T) {
		port := func() string { return fmt.Sprint(testbed.FreePort(t)) }
		mistake(t, exitStartup, []string{file, "--data-dir"},
			"dev", "--data-dir", filepath.Join(file, "data"), "--kafka-port", port(), "--mqtt-port", port(), "--rest-port", port())
	})
	t.Run("offsets of standalone", func(t *testing.T) {
		mistake(t, exitStartup, []string{file, "cannot be written", "offset.storage.file.filename"},
			"standalone", standaloneProperties(t, testbed.FreePort(t)), "--set", "offset.storage.file.filename="+filepath.Join(file, "offsets"))
	})
}

func TestAConnectorThatCannotBeStartedIsOneLineAndExitCode3(t *testing.T) {
	needsProcesses(t)
	for name, c := range map[string]struct {
		json  string
		parts []string
	}{
		"unknown class": {`{"name":"a","config":{"connector.class":"com.example.Absent"}}`, []string{"connector a", "com.example.Absent", "FileStreamSource"}},
		"no class":      {`{"name":"a","config":{"file":"x"}}`, []string{"connector a", "connector.class"}},
		"missing key":   {`{"name":"a","config":{"connector.class":"FileStreamSource"}}`, []string{"connector a", `"topic"`}},
	} {
		t.Run(name, func(t *testing.T) {
			mistake(t, exitStart, c.parts, "standalone", standaloneProperties(t, testbed.FreePort(t)), File(t, "a.json", c.json))
		})
	}
}

func TestAWorkerWithoutKafkaSaysSoAndGoesOnTrying(t *testing.T) {
	needsProcesses(t)
	addr := nobody(t)
	port := testbed.FreePort(t)
	p := LaunchWorker(t, WorkerProperties(addr, "x-", port))
	line := awaitLine(t, p, 5*time.Second, "waiting for Kafka", addr, "bootstrap.servers")
	t.Log(line)
	rest := REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	a, err := rest.Ask(t.Context(), http.MethodGet, "/health", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, a.Code)
	assert.Contains(t, a.Body, "starting")
	require.True(t, p.Running())
	start := time.Now()
	assert.Zero(t, p.Terminate(), "exit code after SIGTERM")
	assert.Less(t, time.Since(start), 5*time.Second)
	sober(t, p.Log())
}

func TestAStandaloneWorkerWithoutKafkaSaysSoOnce(t *testing.T) {
	needsProcesses(t)
	port := testbed.FreePort(t)
	properties := standaloneProperties(t, port)
	connector := fmt.Sprintf(`{"name":"lines","config":{"connector.class":"FileStreamSource","file":%q,"topic":"lines"}}`, File(t, "lines.txt", "one\n"))
	p := testbed.Launch(t, testbed.Command{
		Path: testbed.SluiceBinary(t), Args: []string{"standalone", properties, File(t, "lines.json", connector)},
	})
	t.Log(awaitLine(t, p, 15*time.Second, "WARN", "retrying", "connector=lines", "127.0.0.1:", "check bootstrap.servers"))
	w := &Worker{p, REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}, t}
	awaitTask(t, w, "lines", "RUNNING", "retrying: ", "check bootstrap.servers")
	assert.Equal(t, 1, strings.Count(p.Log(), "level=WARN"), "one line: %s", p.Log())
	sober(t, p.Log())
}

func TestAManifestWithMistakesIsAnsweredWithAllOfThem(t *testing.T) {
	needsProcesses(t)
	w := StartWorker(t, testbed.SharedKafka(t), testbed.Prefix(t))
	for name, c := range map[string]struct {
		body  any
		parts []string
	}{
		"unknown class": {manifest("connector.class", "com.example.Absent"), []string{"com.example.Absent"}},
		"wrong number and missing key": {manifest("connector.class", "FileStreamSource", "tasks.max", "some"),
			[]string{"tasks.max", "some", `"topic"`, "3 error(s)"}},
		"wrong QoS": {manifest("connector.class", "io.confluent.connect.mqtt.MqttSourceConnector", "mqtt.server.uri", "tcp://"+nobody(t),
			"mqtt.topics", "a/#", "kafka.topic", "a", "mqtt.qos", "3"), []string{"mqtt.qos", "3"}},
		"wrong filter": {manifest("connector.class", "io.confluent.connect.mqtt.MqttSourceConnector", "mqtt.server.uri", "tcp://"+nobody(t),
			"mqtt.topics", "a/#/b", "kafka.topic", "a"), []string{"mqtt.topics: ", "a/#/b", "last level"}},
		"wrong MQTT server": {manifest("connector.class", "io.confluent.connect.mqtt.MqttSourceConnector", "mqtt.server.uri", "mqttx://h",
			"mqtt.topics", "a/#", "kafka.topic", "a"), []string{"mqtt.server.uri: ", "mqttx://h", "tcp"}},
		"no Kafka topic": {manifest("connector.class", "io.confluent.connect.mqtt.MqttSourceConnector", "mqtt.server.uri", "tcp://"+nobody(t),
			"mqtt.topics", "a/#"), []string{"kafka.topic: ", "is missing"}},
		"wrong Kafka server": {manifest("connector.class", "io.sluice.connect.kafka.KafkaSourceConnector", "topics", "a",
			"source.bootstrap.servers", "nowhere"), []string{"source.bootstrap.servers: ", "nowhere", "host:port"}},
		"no object": {[]string{"a"}, []string{"JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := w.Ask(t.Context(), http.MethodPost, "/connectors", c.body)
			require.NoError(t, err)
			assert.Equal(t, http.StatusBadRequest, a.Code, a.Body)
			for _, part := range c.parts {
				assert.Contains(t, strings.ReplaceAll(a.Body, `\"`, `"`), part)
			}
		})
	}
	names, err := w.Connectors(t.Context())
	require.NoError(t, err)
	assert.Empty(t, names)
	sober(t, w.Log())
}

// manifest is the body of a POST for a connector "wrong" with these keys and values.
func manifest(pairs ...string) any {
	config := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		config[pairs[i]] = pairs[i+1]
	}
	return map[string]any{"name": "wrong", "config": config}
}

func TestAFileThatCannotBeReadIsOnTheStatus(t *testing.T) {
	needsProcesses(t)
	prefix := testbed.Prefix(t)
	w := StartWorker(t, testbed.SharedKafka(t), prefix)
	dir := t.TempDir() // a directory cannot be read as a file by root either
	for name, c := range map[string]struct {
		path, state string
		parts       []string
	}{
		"directory": {dir, "FAILED", []string{"file: " + dir, "regular file"}},
		"absent":    {filepath.Join(dir, "absent.txt"), "RUNNING", []string{"retrying: file: ", "absent.txt", "no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			connector := prefix + name
			require.NoError(t, w.Put(t.Context(), connector, map[string]string{
				"connector.class": "FileStreamSource", "file": c.path, "topic": prefix + "lines",
			}))
			t.Log(awaitTask(t, w, connector, c.state, c.parts...))
		})
	}
	sober(t, w.Log())
}

func TestAWrongMQTTPasswordIsSaidByKeyAndNeverByValue(t *testing.T) {
	needsProcesses(t)
	prefix := testbed.Prefix(t)
	w := StartWorker(t, testbed.SharedKafka(t), prefix)
	broker := testbed.StartMosquitto(t, testbed.WithLogin("edge", "right"))
	config := map[string]string{
		"connector.class": "io.confluent.connect.mqtt.MqttSourceConnector", "mqtt.server.uri": broker.URL(),
		"mqtt.topics": "a/#", "kafka.topic": prefix + "a", "mqtt.username": "edge", "mqtt.password": "wr0ng-secret",
	}
	t.Run("when it is submitted", func(t *testing.T) {
		a, err := w.Ask(t.Context(), http.MethodPut, "/connectors/"+prefix+"submitted/config", config)
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadRequest, a.Code, a.Body)
		assert.Contains(t, a.Body, "mqtt.password")
		assert.NotContains(t, a.Body, "wr0ng-secret")
	})
	t.Run("when the task starts", func(t *testing.T) {
		later := maps.Clone(config)
		later["mqtt.validate.connect"] = "false"
		require.NoError(t, w.Put(t.Context(), prefix+"later", later))
		trace := awaitTask(t, w, prefix+"later", "FAILED", "mqtt.password", broker.Addr())
		t.Log(trace)
		assert.NotContains(t, trace, "wr0ng-secret")
		assert.NotContains(t, trace, "\n", "one line")
	})
	assert.NotContains(t, w.Log(), "wr0ng-secret")
	sober(t, w.Log())
}

func TestAWrongKafkaPasswordIsSaidByKeyAndNeverByValue(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t, testbed.WithSASL("connect", "right"))
	const wrong = `org.apache.kafka.common.security.plain.PlainLoginModule required username="connect" password="wr0ng-secret";`
	t.Run("of the worker", func(t *testing.T) {
		p := LaunchWorker(t, WorkerProperties(kafka.SASLAddr(), "x-", testbed.FreePort(t),
			"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "sasl.jaas.config="+wrong))
		assert.Equal(t, exitStartup, p.Wait(15*time.Second), "exit code")
		t.Log(awaitLine(t, p, time.Second, "sluice: ", "sasl.jaas.config", kafka.SASLAddr()))
		assert.NotContains(t, p.Log(), "wr0ng-secret")
		sober(t, p.Log())
	})
	t.Run("of a connector", func(t *testing.T) {
		w := StartWorker(t, kafka.Addr(), "y-")
		require.NoError(t, w.Put(t.Context(), "lines", map[string]string{
			"connector.class": "FileStreamSource", "file": File(t, "lines.txt", "one\n"), "topic": "lines",
			"producer.override.bootstrap.servers": kafka.SASLAddr(),
			"producer.override.security.protocol": "SASL_PLAINTEXT",
			"producer.override.sasl.mechanism":    "PLAIN",
			"producer.override.sasl.jaas.config":  wrong,
		}))
		trace := awaitTask(t, w, "lines", "FAILED", "sasl.jaas.config", kafka.SASLAddr())
		t.Log(trace)
		assert.NotContains(t, trace, "wr0ng-secret")
		assert.NotContains(t, w.Log(), "wr0ng-secret")
		sober(t, w.Log())
	})
}

// awaitTask waits until the only task of a connector is in the state, with a trace that holds all the parts, and returns the trace.
func awaitTask(t *testing.T, w *Worker, connector, state string, parts ...string) (trace string) {
	t.Helper()
	testbed.Await(t, 15*time.Second, fmt.Sprintf("task %s with %q", state, parts), func(ctx context.Context) error {
		s, err := w.Status(ctx, connector)
		if err != nil {
			return err
		}
		if len(s.Tasks) != 1 {
			return errors.New("no task: " + s.Connector.State + " " + s.Connector.Trace)
		}
		trace = s.Tasks[0].Trace
		if s.Tasks[0].State != state || !containsAll(trace, parts) {
			return fmt.Errorf("it is %s: %s", s.Tasks[0].State, trace)
		}
		return nil
	})
	return trace
}
