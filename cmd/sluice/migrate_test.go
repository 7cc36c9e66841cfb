package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// javaCluster is a Kafka with the topics of a Java cluster as its workers write them, and the properties file of one of these.
func javaCluster(t *testing.T) (addr, properties string) {
	t.Helper()
	addr = testbed.Embedded(t)
	for _, topic := range []string{"connect-configs", "connect-offsets", "connect-status"} {
		testbed.CreateTopic(t, addr, topic, 1, map[string]string{"cleanup.policy": "compact"})
	}
	put := func(topic, key, value string) *sarama.ProducerMessage {
		return &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}
	}
	testbed.Produce(t, addr,
		put("connect-configs", "connector-orders", `{"properties":{"connector.class":"io.debezium.connector.mysql.MySqlConnector","database.password":"hunter2","name":"orders"}}`),
		put("connect-configs", "connector-lines", `{"properties":{"connector.class":"org.apache.kafka.connect.file.FileStreamSourceConnector",`+
			`"tasks.max":"1","file":"/var/log/app","topic":"lines","name":"lines"}}`),
		put("connect-configs", "task-lines-0", `{"properties":{"file":"/var/log/app","topic":"lines","task.class":"org.apache.kafka.connect.file.FileStreamSourceTask"}}`),
		put("connect-configs", "commit-lines", `{"tasks":1}`),
		put("connect-configs", "target-state-lines", `{"state":"PAUSED","state.v2":"PAUSED"}`),
		put("connect-configs", "connector-archive", `{"properties":{"connector.class":"FileStreamSink","topics":"lines","file":"${file:/etc/secrets:path}",`+
			`"transforms":"route","transforms.route.type":"org.apache.kafka.connect.transforms.RegexRouter","name":"archive","flie":"x"}}`),
		put("connect-offsets", `["lines",{"filename":"/var/log/app"}]`, `{"position":42}`),
		put("connect-status", "status-connector-lines", `{"state":"PAUSED","trace":null,"worker_id":"java:8083","generation":3,"version":"4.1.2"}`),
		put("connect-status", "status-task-lines-0", `{"state":"PAUSED","trace":null,"worker_id":"java:8083","generation":3,"version":"4.1.2"}`),
	)
	properties = filepath.Join(t.TempDir(), "worker.properties")
	require.NoError(t, os.WriteFile(properties, []byte(strings.Join([]string{
		"bootstrap.servers=" + addr, "group.id=connect", "config.storage.topic=connect-configs", "offset.storage.topic=connect-offsets",
		"status.storage.topic=connect-status", "key.converter=org.apache.kafka.connect.json.JsonConverter",
		"value.converter=org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable=false", "plugin.path=/usr/share/java",
		"consumer.max.poll.records=100", "config.providers=file", "consumer.interceptor.classes=x", "offset.flush.interval.ms=10000",
	}, "\n")), 0o600))
	return addr, properties
}

// checked is what the command prints and its exit code.
func checked(t *testing.T, args ...string) (page string, code int) {
	t.Helper()
	var out strings.Builder
	cmd := migrateCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetArgs(append([]string{"check"}, args...))
	err := cmd.ExecuteContext(t.Context())
	if failed := new(exitError); errors.As(err, &failed) {
		return out.String() + failed.Error(), failed.code
	}
	require.NoError(t, err)
	return out.String(), 0
}

func TestAJavaClusterIsJudgedAndNotTouched(t *testing.T) {
	addr, properties := javaCluster(t)
	before := everything(t, addr)
	page, code := checked(t, "--worker", properties)
	assert.Equal(t, exitSome, code)
	for _, line := range []string{
		"config.storage.topic  connect-configs  1           compact  6        good\n",
		"  differs   plugin.path                   Java plugins cannot run here",
		"lines      source   PAUSED   1      PAUSED, tasks 1 PAUSED  1 stored                       yes\n",
		"archive: FileStreamSink is org.apache.kafka.connect.file.FileStreamSinkConnector, would not run here\n",
		"  blocks    connector.class  there is no such class here",
	} {
		assert.Contains(t, page, line)
	}
	assert.True(t, strings.HasSuffix(page, "\n1 of 3 connectors would run here\n"), "the verdict is the last line")
	assert.NotContains(t, page, "hunter2")
	assert.Equal(t, before, everything(t, addr), "the cluster was touched")
}

func TestAClusterThatWouldRunWholeIsNoError(t *testing.T) {
	addr, properties := javaCluster(t)
	for _, name := range []string{"orders", "archive"} {
		testbed.Produce(t, addr, &sarama.ProducerMessage{Topic: "connect-configs", Key: sarama.StringEncoder("connector-" + name)})
	}
	page, code := checked(t, "--worker", properties)
	assert.Zero(t, code)
	assert.Contains(t, page, "\n1 of 1 connector would run here\n")
}

func TestAReportCanBeReadByAScript(t *testing.T) {
	_, properties := javaCluster(t)
	page, code := checked(t, "--worker", properties, "-o", "json")
	assert.Equal(t, exitSome, code)
	var report migration.Report
	require.NoError(t, json.Unmarshal([]byte(page), &report))
	assert.Equal(t, migration.SomeDo, report.Verdict)
	assert.Equal(t, 1, report.Runnable)
	assert.NotContains(t, page, "hunter2")
}

func TestWhatCannotBeToldHasAnExitCodeOfItsOwn(t *testing.T) {
	addr, properties := javaCluster(t)
	before := everything(t, addr)
	page, code := checked(t, "--worker", properties, "--set", "config.storage.topic=nowhere")
	assert.Equal(t, exitUntold, code)
	assert.Contains(t, page, "config.storage.topic  nowhere          -           -        -        there is no such topic: check config.storage.topic")
	assert.Contains(t, page, "\n0 of 0 connectors would run here: the config topic holds nothing to judge, check config.storage.topic and bootstrap.servers\n")
	assert.Equal(t, before, everything(t, addr))
	for problem, args := range map[string][]string{
		"Kafka at 127.0.0.1:1 cannot be reached (connection refused): check bootstrap.servers": {"--worker", properties, "--set", "bootstrap.servers=127.0.0.1:1"},
		`Invalid value "AWS_MSK_IAM" for admin key "sasl.mechanism": it must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI`: {
			"--worker", properties, "--set", "security.protocol=SASL_PLAINTEXT", "--set", "sasl.mechanism=AWS_MSK_IAM",
			"--set", `sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`},
		"--worker is missing: name the properties file of one of the cluster's workers": {},
		`--output: "yaml" is not json`:     {"--worker", properties, "-o", "yaml"},
		"unknown flag: --nonsense":         {"--nonsense"},
		`unknown command "x" for`:          {"--worker", properties, "x"},
		"no such file or directory":        {"--worker", "nowhere.properties"},
		"after 1ns (--timeout): Kafka at ": {"--worker", properties, "--timeout", "1ns"},
		"sasl.jaas.config: config provider file, path /etc/secrets, key jaas: config.providers.file.class is missing from the worker's properties": {"--worker", properties, "--set", "security.protocol=SASL_PLAINTEXT",
			"--set", "sasl.mechanism=PLAIN", "--set", "sasl.jaas.config=${file:/etc/secrets:jaas}", "--set", "config.providers=file"},
	} {
		page, code := checked(t, args...)
		assert.Equal(t, exitUntold, code, problem)
		assert.Contains(t, page, problem)
		assert.NotContains(t, page, "\n", "one line")
	}
}

// everything lists topics with the ends of their partitions, and consumer groups.
func everything(t *testing.T, addr string) []string {
	t.Helper()
	client, err := sarama.NewClient([]string{addr}, sarama.NewConfig())
	require.NoError(t, err)
	admin, err := sarama.NewClusterAdminFromClient(client)
	require.NoError(t, err)
	defer func() { _ = admin.Close() }() // it closes the client
	topics, err := admin.ListTopics()
	require.NoError(t, err)
	groups, err := admin.ListConsumerGroups()
	require.NoError(t, err)
	var all []string
	for topic, detail := range topics {
		for p := range detail.NumPartitions {
			end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
			require.NoError(t, err)
			all = append(all, fmt.Sprintf("%s-%d @ %d", topic, p, end))
		}
	}
	for group := range groups {
		all = append(all, "group "+group)
	}
	slices.Sort(all)
	return all
}
