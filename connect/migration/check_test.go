package migration_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
	"github.com/sluice-connect/sluice/connect/workerconfig"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/connectors/mqtt"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// policies are the cleanup policies of the three topics.
type policies map[string]string

var compacted = policies{"connect-configs": "compact", "connect-offsets": "compact", "connect-status": "compact"}

// javaCluster is a Kafka with these topics, filled as Java's workers fill them.
func javaCluster(t *testing.T, topics policies) string {
	t.Helper()
	addr := testbed.Embedded(t)
	for topic, policy := range topics {
		testbed.CreateTopic(t, addr, topic, 1, map[string]string{"cleanup.policy": policy})
	}
	in, err := os.Open(filepath.Join("testdata", "topics.jsonl"))
	require.NoError(t, err)
	defer in.Close()
	var records []*sarama.ProducerMessage
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var r struct {
			Topic, Key string
			Value      *string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		if topics[r.Topic] == "" {
			continue
		}
		m := &sarama.ProducerMessage{Topic: r.Topic, Key: sarama.StringEncoder(r.Key)}
		if r.Value != nil {
			m.Value = sarama.StringEncoder(*r.Value)
		}
		records = append(records, m)
	}
	testbed.CreateTopic(t, addr, "lines", 2, nil)
	testbed.Produce(t, addr, records...)
	admin, err := sarama.NewClusterAdmin([]string{addr}, sarama.NewConfig())
	require.NoError(t, err)
	defer func() { _ = admin.Close() }() // nothing is buffered
	_, err = admin.AlterConsumerGroupOffsets("connect-lake", map[string]map[int32]sarama.OffsetAndMetadata{"lines": {0: {Offset: 7}, 1: {Offset: 9}}}, nil)
	require.NoError(t, err)
	return addr
}

// check is a look at the cluster at addr with the properties of testdata, changed by these settings.
func check(t *testing.T, addr string, settings ...string) *migration.Check {
	t.Helper()
	p, err := workerconfig.Load(filepath.Join("testdata", "worker.properties"), nil, append([]string{"bootstrap.servers=" + addr}, settings...))
	require.NoError(t, err)
	resolved, unresolved := workerconfig.Resolve(t.Context(), p, configproviders.All())
	w, err := resolved.Parse(workerconfig.Distributed)
	require.NoError(t, err)
	c := checkOf(t, w)
	c.Given, c.GivenErr = p, unresolved
	return c
}

func checkOf(t *testing.T, w *workerconfig.Worker) *migration.Check {
	t.Helper()
	p := w.Properties
	classes, err := catalog.New([]connect.SourceConnector{file.Source{}, mqtt.Source{}}, []connect.SinkConnector{file.Sink{}, mqtt.Sink{}})
	require.NoError(t, err)
	admin, err := kafkaclient.AdminSettings(kafkaclient.Properties(p.Clients()))
	require.NoError(t, err)
	return &migration.Check{
		Worker: w, Catalog: classes, Settings: admin,
		Validator: &validation.Validator{Catalog: classes, Worker: p, OverridePolicy: validation.OverridePolicy(w.OverridePolicy), GroupID: w.GroupID, Offline: true, Providers: w.Providers},
		Kafka: stores.Kafka{Brokers: admin.Brokers, Config: admin.For(admin.Dialer(nil)), Explain: func(err error) error {
			return kafkaclient.Explain(err, admin)
		}},
		KnownMAC:  func(algorithm string) bool { return algorithm == "HmacSHA256" },
		Committed: worker.NewGroups(&worker.Settings{Properties: p, Clients: p.Clients()}),
		Configs:   stores.ConfigTopic(w.Config.Name, 1, nil), Offsets: stores.OffsetTopic(w.Offset.Name, 1, 1, nil), Statuses: stores.StatusTopic(w.Status.Name, 1, 1, nil),
	}
}

// looked runs a check that must succeed.
func looked(t *testing.T, c *migration.Check) *migration.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	report, err := c.Run(ctx)
	require.NoError(t, err)
	return report
}

func page(report *migration.Report, addr string) string {
	var out strings.Builder
	report.Write(&out)
	return strings.ReplaceAll(out.String(), addr, "kafka:9092")
}

// golden compares a page with the file of its name; with SLUICE_UPDATE set the file is written.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("SLUICE_UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestAJavaClusterIsJudgedConnectorByConnectorAndKeyByKey(t *testing.T) {
	addr := javaCluster(t, compacted)
	before := everything(t, addr)
	report := looked(t, check(t, addr))
	golden(t, "report.txt", page(report, addr))
	assert.Equal(t, migration.SomeDo, report.Verdict)
	assert.Equal(t, before, everything(t, addr), "the cluster was touched")
}

func TestNoSecretIsInAReport(t *testing.T) {
	addr := javaCluster(t, compacted)
	report := looked(t, check(t, addr, "producer.sasl.jaas.config=secret-jaas", "producer.security.protocol=SASL_SSL"))
	text, err := json.Marshal(report)
	require.NoError(t, err)
	for _, all := range []string{page(report, addr), string(text)} {
		assert.NotContains(t, all, "secret-")
		assert.NotContains(t, all, "/etc/secrets")
		assert.Contains(t, all, "aws.secret.access.key", "keys are named")
	}
}

func TestTopicsThatAreMissingAreSaidAndNotMade(t *testing.T) {
	addr := javaCluster(t, policies{"connect-configs": "compact"})
	before := everything(t, addr)
	report := looked(t, check(t, addr))
	assert.Equal(t, migration.SomeDo, report.Verdict)
	assert.True(t, report.Topics[0].There)
	for _, topic := range report.Topics[1:] {
		assert.False(t, topic.There)
		assert.Contains(t, topic.Problem, "there is no such topic: check "+topic.Key)
	}
	assert.Equal(t, "there is no offset topic", report.Connectors[0].Offsets.Problem)

	report = looked(t, check(t, addr, "config.storage.topic=elsewhere"))
	assert.Equal(t, migration.Untold, report.Verdict)
	assert.Equal(t, before, everything(t, addr), "the cluster was touched")
}

func TestATopicThatLosesRecordsKeepsTheWorkerFromStarting(t *testing.T) {
	addr := javaCluster(t, policies{"connect-configs": "compact", "connect-offsets": "delete", "connect-status": "compact"})
	report := looked(t, check(t, addr))
	assert.Equal(t, migration.Blocked, report.Verdict)
	assert.Equal(t, "its cleanup.policy is delete, with which source connector offsets are lost in time: set it to compact, "+
		"or name another topic in offset.storage.topic", report.Topics[1].Problem)
	assert.Equal(t, 4, report.Topics[1].Records, "it is read all the same")
	assert.Contains(t, page(report, addr), "but the worker itself would not start")
}

func TestAConverterOfTheWorkerThatIsNotHereKeepsItsConnectorsFromRunning(t *testing.T) {
	addr := javaCluster(t, compacted)
	report := looked(t, check(t, addr, "value.converter=io.confluent.connect.avro.AvroConverter"))
	assert.Equal(t, migration.Blocked, report.Verdict)
	assert.Zero(t, report.Runnable)
	finding := report.Connectors[0].Keys[0]
	assert.Equal(t, "value.converter", finding.Key)
	assert.Contains(t, finding.Reason, "the worker's is io.confluent.connect.avro.AvroConverter, which is not here: give the connector one of ")
}

func TestASourceOfAnExactlyOnceWorkerIsFoundWell(t *testing.T) {
	addr := javaCluster(t, compacted)
	report := looked(t, check(t, addr, "exactly.once.source.support=enabled"))
	assert.False(t, slices.ContainsFunc(report.Connectors[0].Keys, func(f migration.Finding) bool { return f.Key == "exactly.once.support" }))
	assert.Contains(t, report.Worker, migration.Finding{Key: "exactly.once.source.support", Weight: migration.OK})
	assert.True(t, report.Connectors[0].Runs)
}

func TestAReferenceIsOneOnlyToAProviderOfTheWorker(t *testing.T) {
	addr := javaCluster(t, compacted)
	report := looked(t, check(t, addr, "config.providers=vault"))
	archive := report.Connectors[slices.IndexFunc(report.Connectors, func(c migration.Connector) bool { return c.Name == "archive" })]
	found := archive.Keys[slices.IndexFunc(archive.Keys, func(f migration.Finding) bool { return f.Key == "file" })]
	assert.Equal(t, migration.Unknown, found.Weight)
}

func TestEachKeyOfTheWorkerIsJudgedOnce(t *testing.T) {
	settings := []string{
		"metric.reporters=x", "metrics.num.samples=3", "metrics.jmx.exclude=x", "admin.listeners=http://:9", "admin.retries=3", "inter.worker.signature.algorithm=HmacMD2",
		"inter.worker.verification.algorithms=HmacMD2", "connector.client.config.override.policy=com.example.Policy", "listeners=https://:8443",
		"producer.acks=1", "producer.sasl.mechanism=AWS_MSK_IAM", "producer.security.protocol=SASL_SSL", "ssl.provider=x", "nobody.knows=this",
		"header.converter=com.example.HeaderConverter", "sasl.kerberos.kinit.cmd=/bin/x", "acks=all", "plugin.discovery=", "topic.creation.enable=false",
		"access.control.allow.origin=", "listeners.https.ssl.provider=x", "listeners.https.ssl.client.auth=none", "listeners.https.ssl.typo=x", "rest.extension.classes=com.example.Audit", "config.storage.min.insync.replicas=2", "value.converter.schema.registry.url=http://x", "producer.ssl.keystore.password=${file:/etc/x:y}",
	}
	addr := javaCluster(t, policies{"connect-configs": "compact"})
	report := looked(t, check(t, addr, settings...))
	found := map[string]migration.Weight{}
	for _, f := range report.Worker {
		assert.NotContains(t, found, f.Key, "judged twice")
		found[f.Key] = f.Weight
	}
	for key, want := range map[string]migration.Weight{
		"metric.reporters": migration.Missing, "metrics.num.samples": migration.OK, "metrics.jmx.exclude": migration.Ignored, "admin.listeners": migration.OK, "admin.retries": migration.Ignored,
		"inter.worker.signature.algorithm": migration.Blocks, "connector.client.config.override.policy": migration.Blocks, "listeners": migration.OK,
		"listeners.https.ssl.keystore.location": migration.Blocks, "listeners.https.ssl.provider": migration.Ignored,
		"listeners.https.ssl.client.auth": migration.OK, "listeners.https.ssl.typo": migration.Unknown, "rest.extension.classes": migration.Blocks,
		"producer.sasl.mechanism": migration.Blocks, "ssl.provider": migration.Ignored, "nobody.knows": migration.Unknown, "header.converter": migration.Blocks,
		"sasl.kerberos.kinit.cmd": migration.Ignored, "acks": migration.Ignored, "plugin.discovery": migration.OK, "topic.creation.enable": migration.OK,
		"access.control.allow.origin": migration.OK, "config.storage.min.insync.replicas": migration.Ignored,
		"value.converter.schema.registry.url": migration.Unknown, "value.converter.schemas.enable": migration.OK,
		"producer.ssl.keystore.password": migration.Blocks, "bootstrap.servers": migration.OK,
	} {
		assert.Equal(t, want, found[key], key)
	}
	app := report.Connectors[0]
	assert.False(t, app.Runs, "its producers cannot log in")
	assert.Contains(t, app.Keys, migration.Finding{Key: "producer.sasl.mechanism", Weight: migration.Blocks,
		Reason: "of the worker's properties: it must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI"})
}

func TestAKafkaOutOfReachIsOneLineThatNamesTheKey(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close()) // nobody listens there now
	_, err = check(t, addr).Run(t.Context())
	require.EqualError(t, err, fmt.Sprintf("Kafka at %s cannot be reached (connection refused): check bootstrap.servers", addr))
}

// A broker that gives an address which only others can reach is what a container's network looks like from outside.
func TestABrokerWhoseOwnAddressCannotBeReachedIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	away := l.Addr().String()
	require.NoError(t, l.Close()) // nobody listens there now
	bootstrap := sarama.NewMockBroker(t, 7)
	defer bootstrap.Close()
	bootstrap.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{
			{ApiKey: 3, MaxVersion: 11}, {ApiKey: 18, MaxVersion: 3},
		}), "MetadataRequest": sarama.NewMockMetadataResponse(t).SetBroker(away, 1).SetController(1),
	})
	_, err = check(t, bootstrap.Addr()).Run(t.Context())
	require.ErrorContains(t, err, "broker 1 is at "+away+" by its own account: it cannot be reached from here (")
	require.ErrorContains(t, err, "check its advertised.listeners")
}

// everything lists topics with the ends of their partitions and their settings, and consumer groups.
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
		for key, value := range detail.ConfigEntries {
			all = append(all, fmt.Sprintf("%s: %s=%s", topic, key, *value))
		}
	}
	for group := range groups {
		all = append(all, "group "+group)
	}
	slices.Sort(all)
	return all
}
