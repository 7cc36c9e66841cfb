package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// marked stands in every secret of a test, so that a part of one is seen as well as the whole.
const marked = "hunter22"

// vault is where the secrets of a test are, as a worker's config providers find them.
type vault struct {
	t      *testing.T
	folder string
}

// newVault fills a properties file, a directory and a variable of the environment.
func newVault(t *testing.T) *vault {
	v := &vault{t, t.TempDir()}
	t.Setenv("SLUICE_TEST_SECRET", marked+"-of-the-environment")
	require.NoError(t, os.WriteFile(filepath.Join(v.folder, "mounted"), []byte(marked+" \"mounted\"\n"), 0o600))
	v.fill("1")
	return v
}

// fill writes the properties file, with other secrets for each edition.
func (v *vault) fill(edition string) {
	v.t.Helper()
	var lines strings.Builder
	for key, value := range map[string]string{
		"path":   filepath.Join(v.folder, marked+"-"+edition, "no folder"),
		"server": "tcp://" + marked + "-" + edition + ".invalid:1883",
		"topics": marked + "-" + edition + "/a," + marked + "-" + edition + "/b",
		"word":   marked + edition,
		"signs":  marked + " \\u00fc <&> " + edition,
		"login":  `org.apache.kafka.common.security.plain.PlainLoginModule required username="` + marked + `-user" password="` + marked + edition + `";`,
	} {
		fmt.Fprintf(&lines, "%s=%s\n", key, value)
	}
	path := filepath.Join(v.folder, "secrets.properties")
	require.NoError(v.t, os.WriteFile(path+".new", []byte(lines.String()), 0o600))
	require.NoError(v.t, os.Rename(path+".new", path))
}

// ref is a reference to a key of the properties file.
func (v *vault) ref(key string) string {
	return "${file:" + filepath.Join(v.folder, "secrets.properties") + ":" + key + "}"
}

// mounted is a reference to the file of the directory.
func (v *vault) mounted() string { return "${directory:" + v.folder + ":mounted}" }

const variable = "${env:SLUICE_TEST_SECRET}"

// worker runs a worker with all three providers that logs all there is to log, and has secrets among its own properties, too.
func (v *vault) worker(kafka, prefix string) *Worker {
	v.t.Helper()
	return StartWorker(v.t, kafka, prefix, "sluice.log.level=trace",
		"config.providers=file,directory,env",
		"config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider", "config.providers.file.param.sluice.ttl.ms=200",
		"config.providers.directory.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider",
		"config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider",
		"ssl.keystore.password="+v.ref("word"), "producer.sasl.jaas.config="+v.ref("login"))
}

// indiscreet is a connector that has secrets where an error repeats them.
type indiscreet struct {
	config map[string]string
	state  string // of its task, in the end
	says   string // its task's trace, among other things
}

// indiscreet are connectors on a topic with records, by names. locked is a listener that wants a login.
func (v *vault) indiscreet(topic, locked string) map[string]indiscreet {
	source := map[string]string{
		"connector.class": "FileStreamSource", "topic": topic, "file": File(v.t, "lines", "a line\n"),
		"value.converter": "org.apache.kafka.connect.storage.StringConverter", "note.signs": v.ref("signs"), "note.mounted": v.mounted(),
	}
	sink := map[string]string{"connector.class": "FileStreamSink", "topics": topic}
	extract := func(config map[string]string, field string) map[string]string { // one that there is not
		return with(config, "transforms", "wrap,cut", "transforms.wrap.type", "org.apache.kafka.connect.transforms.HoistField$Value",
			"transforms.wrap.field", "line", "transforms.cut.type", "org.apache.kafka.connect.transforms.ExtractField$Value", "transforms.cut.field", field)
	}
	return map[string]indiscreet{
		"opens-no-file":    {with(sink, "file", v.ref("path")), "FAILED", "open [hidden]: no such file or directory"},
		"waits-for-a-file": {with(source, "file", v.ref("path")), "RUNNING", "retrying: file: stat [hidden]: no such file or directory"},
		"reaches-no-server": {map[string]string{
			"connector.class": "MqttSource", "mqtt.topics": v.ref("topics"), "kafka.topic": topic, "mqtt.server.uri": v.ref("server"),
			"mqtt.username": variable, "mqtt.password": v.mounted(), "mqtt.validate.connect": "false",
		}, "RUNNING", "retrying: connecting to MQTT broker [hidden]: dial tcp: lookup [hidden]"},
		"is-not-let-in": {with(source, "producer.override.bootstrap.servers", locked, "producer.override.security.protocol", "SASL_PLAINTEXT",
			"producer.override.sasl.mechanism", "PLAIN", "producer.override.sasl.jaas.config", v.ref("login"), "producer.override.client.id", v.ref("word")),
			"FAILED", "sasl.jaas.config"},
		"cannot-be-transformed": {extract(source, v.ref("word")), "FAILED", "Unknown field: [hidden]"},
		"has-dead-letters": {with(extract(sink, v.ref("signs")), "file", filepath.Join(v.t.TempDir(), "out"), "errors.tolerance", "all", "errors.log.enable", "true", "errors.log.include.messages", "true",
			"errors.deadletterqueue.topic.name", topic+"-dead", "errors.deadletterqueue.topic.replication.factor", "1",
			"errors.deadletterqueue.context.headers.enable", "true"), "RUNNING", ""},
	}
}

// with is a configuration with some keys set otherwise.
func with(config map[string]string, keyValues ...string) map[string]string {
	config = maps.Clone(config)
	for i := 0; i < len(keyValues); i += 2 {
		config[keyValues[i]] = keyValues[i+1]
	}
	return config
}

// wrong are configurations that are refused, for what a secret in them is.
func (v *vault) wrong() map[string]map[string]string {
	valid := map[string]string{"connector.class": "FileStreamSource", "topic": "t", "file": "/dev/null"}
	return map[string]map[string]string{
		"number":    with(valid, "tasks.max", v.ref("word")),
		"class":     with(valid, "connector.class", variable),
		"converter": with(valid, "value.converter", v.mounted()),
		"transform": with(valid, "transforms", "a", "transforms.a.type", v.ref("word")),
		"names":     with(valid, "transforms", v.ref("signs")),
		"nowhere":   with(valid, "file", "${file:/nowhere:"+marked[:4]+"}", "tasks.max", v.ref("word")),
		"choice":    with(valid, "errors.tolerance", v.ref("word")),
		"override":  with(valid, "producer.override.linger.ms", v.ref("word")),
		"server": {
			"connector.class": "MqttSource", "mqtt.topics": v.ref("word") + "/#/#", "kafka.topic": "t", "mqtt.server.uri": v.ref("word") + "://" + variable,
		},
	}
}

// What config providers look up is in no topic but the connectors' own, in no answer of REST, in no metric and in no line of the log, at whatever level
// and whatever fails.
func TestASecretOfAConfigProviderIsNowhereToBeRead(t *testing.T) {
	needsProcesses(t)
	broker := testbed.StartKafka(t, testbed.WithSASL("connect", "right"))
	kafka, prefix := broker.Addr(), "w-"
	v, topic := newVault(t), prefix+"data"
	testbed.CreateTopic(t, kafka, topic, 1, nil)
	testbed.Produce(t, kafka, testbed.Values(topic, 3)...)
	w := v.worker(kafka, prefix)
	said := []string{}
	hear := func(method, path string, body any) Answer {
		t.Helper()
		a, err := w.Ask(t.Context(), method, path, body)
		require.NoError(t, err)
		said = append(said, method+" "+path+": "+a.Body)
		return a
	}

	for what, config := range v.wrong() {
		t.Run("wrong "+what, func(t *testing.T) {
			class := strings.TrimPrefix(config["connector.class"], "$")
			if strings.HasPrefix(class, "{") {
				class = "FileStreamSource"
			}
			hear(http.MethodPut, "/connector-plugins/"+class+"/config/validate", config)
			a := hear(http.MethodPut, "/connectors/"+prefix+"wrong/config", config)
			assert.GreaterOrEqual(t, a.Code, 400, a.Body)
			a = hear(http.MethodPost, "/connectors", map[string]any{"name": prefix + "wrong", "config": config})
			assert.GreaterOrEqual(t, a.Code, 400, a.Body)
		})
	}
	connectors := v.indiscreet(topic, broker.SASLAddr())
	tell := func(edition string) {
		t.Helper()
		for name, c := range connectors {
			name = prefix + name
			if edition == "1" {
				hear(http.MethodPut, "/connector-plugins/"+c.config["connector.class"]+"/config/validate", c.config)
				require.NoError(t, w.Put(t.Context(), name, c.config))
			}
			awaitTask(t, w, name, c.state, c.says)
			hear(http.MethodPost, "/connectors/"+name+"/restart?includeTasks=true&onlyFailed=true", nil)
			for _, path := range []string{"", "/config", "/tasks", "/tasks-config", "/status", "/tasks/0/status", "/topics", "/offsets"} {
				hear(http.MethodGet, "/connectors/"+name+path, nil)
			}
			hear(http.MethodPut, "/connectors/"+name+"/fence", nil)
		}
		for _, path := range []string{"/connectors?expand=info&expand=status", "/metrics", "/sluice/v1/cluster", "/sluice/v1/ready", "/health", "/admin/loggers"} {
			hear(http.MethodGet, path, nil)
		}
	}
	tell("1")
	v.fill("2")
	testbed.Await(t, 30*time.Second, "all that uses a secret to begin again", func(context.Context) error {
		log := w.Log()
		for name := range connectors {
			if !strings.Contains(log, `msg="values of config providers have changed, restarting" connector=`+prefix+name) {
				return errors.New(name + " does not")
			}
		}
		return nil
	})
	tell("2")
	dead := testbed.Consume(t, kafka, topic+"-dead", 3, 30*time.Second)
	require.NotEmpty(t, dead)

	for _, text := range said {
		assert.NotContains(t, text, marked)
	}
	for _, store := range []string{"configs", "status", "offsets"} {
		for _, m := range testbed.ConsumeAll(t, kafka, prefix+store) {
			assert.NotContains(t, string(m.Key)+" "+string(m.Value), marked, store)
		}
	}
	for _, m := range dead {
		assert.NotContains(t, content(m), marked)
	}
	require.Zero(t, w.Terminate())
	for line := range strings.Lines(w.Log()) {
		assert.NotContains(t, line, marked)
	}
	assert.Contains(t, w.Log(), "level=TRACE")
}

// content is a record as text, with its headers.
func content(m *sarama.ConsumerMessage) string {
	text := fmt.Sprintf("%q %q", m.Key, m.Value)
	for _, h := range m.Headers {
		text += fmt.Sprintf(" %s=%q", h.Key, h.Value)
	}
	return text
}
