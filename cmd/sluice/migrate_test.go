package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		"consumer.max.poll.records=100", "offset.flush.interval.ms=10000",
	}, "\n")), 0o600))
	return addr, properties
}

func checked(t *testing.T, o migrateOptions) (page string, code int) {
	t.Helper()
	if o.patience == 0 {
		o.patience = 20 * time.Second
	}
	var out strings.Builder
	err := o.run(t.Context(), &out, slog.New(slog.DiscardHandler))
	if failed := new(exitError); errors.As(err, &failed) {
		return out.String() + failed.Error(), failed.code
	}
	require.NoError(t, err)
	return out.String(), 0
}

func TestAJavaClusterIsJudgedKeyByKey(t *testing.T) {
	addr, properties := javaCluster(t)
	before := everything(t, addr)
	page, code := checked(t, migrateOptions{worker: properties})
	assert.Equal(t, exitNotAll, code)
	for _, line := range []string{
		"config.storage.topic  connect-configs  can be read\n",
		"  differs  plugin.path  Java plugins cannot run here",
		"archive    FileStreamSink                                           STARTED  0      none                     none      no\n",
		"lines      org.apache.kafka.connect.file.FileStreamSourceConnector  PAUSED   1      PAUSED; tasks: 1 PAUSED  1 stored  yes\n",
		"orders: would not run here\n  blocks  connector.class  Failed to find any class that implements Connector and which name matches io.debezium",
		"  blocks   transforms  ",
		"  blocks   file        it refers to a config provider",
		"  differs  flie        no such key of",
		"\n1 of 3 connectors would run here.\n",
	} {
		assert.Contains(t, page, line)
	}
	assert.NotContains(t, page, "hunter2")
	assert.NotContains(t, page, "/etc/secrets")
	assert.Equal(t, before, everything(t, addr), "the cluster was touched")
}

func TestAReportCanBeReadByAScript(t *testing.T) {
	_, properties := javaCluster(t)
	page, code := checked(t, migrateOptions{worker: properties, output: "json"})
	assert.Equal(t, exitNotAll, code)
	assert.Contains(t, page, `"name": "lines",`)
	assert.Contains(t, page, `"runs": true,`)
	assert.NotContains(t, page, "hunter2")
}

func TestATopicThatIsNotThereIsSaidAndNotMade(t *testing.T) {
	addr, properties := javaCluster(t)
	before := everything(t, addr)
	page, code := checked(t, migrateOptions{worker: properties, set: []string{"config.storage.topic=nowhere"}})
	assert.Equal(t, exitNotAll, code)
	assert.Contains(t, page, "config.storage.topic  nowhere          there is no such topic\n")
	assert.Equal(t, before, everything(t, addr))
}

func TestAKafkaOutOfReachIsOneLineThatNamesTheKey(t *testing.T) {
	_, properties := javaCluster(t)
	page, code := checked(t, migrateOptions{worker: properties, set: []string{"bootstrap.servers=127.0.0.1:1"}})
	assert.Equal(t, exitUntold, code)
	assert.Equal(t, "Kafka at 127.0.0.1:1 cannot be reached (connection refused): check bootstrap.servers", page)
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
