package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func startKafka(t *testing.T, cfg KafkaConfig) *Kafka {
	t.Helper()
	k, err := StartKafka(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.Close()) })
	return k
}

func saramaConfig() *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V4_1_0_0
	cfg.Net.MaxOpenRequests = 1
	cfg.Producer.Idempotent = true
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Return.Successes = true
	cfg.Producer.Retry.Max = 20
	cfg.Producer.Retry.Backoff = 50 * time.Millisecond
	cfg.Metadata.Retry.Max = 3
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.IsolationLevel = sarama.ReadCommitted
	return cfg
}

func client(t *testing.T, addr string, cfg *sarama.Config) sarama.Client {
	t.Helper()
	c, err := sarama.NewClient([]string{addr}, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func produce(t *testing.T, addr string, n int, topics ...string) {
	t.Helper()
	p, err := sarama.NewAsyncProducerFromClient(client(t, addr, saramaConfig()))
	require.NoError(t, err)
	go func() {
		for i := range n {
			for _, topic := range topics {
				p.Input() <- &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(strconv.Itoa(i)),
					Value: sarama.StringEncoder(fmt.Sprintf("%s %d", topic, i))}
			}
		}
		p.AsyncClose()
	}()
	got := 0
	for got < n*len(topics) {
		select {
		case _, ok := <-p.Successes():
			require.True(t, ok, "%d delivered", got)
			got++
		case err := <-p.Errors():
			if err != nil {
				require.NoError(t, err)
			}
		case <-time.After(20 * time.Second):
			require.FailNow(t, "the producer stalls", "%d delivered", got)
		}
	}
}

// logEnds returns the sum of the end offsets of a topic's partitions.
func logEnds(t *testing.T, c sarama.Client, topic string) int64 {
	t.Helper()
	parts, err := c.Partitions(topic)
	require.NoError(t, err)
	var sum int64
	for _, p := range parts {
		end, err := c.GetOffset(topic, p, sarama.OffsetNewest)
		require.NoError(t, err)
		sum += end
	}
	return sum
}

// collector is a consumer group's handler that commits what it reads.
type collector struct {
	want   int
	cancel context.CancelFunc
	read   chan string
}

func (collector) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (collector) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (c collector) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			s.MarkMessage(m, "")
			c.read <- string(m.Value)
			if len(c.read) == c.want {
				c.cancel()
			}
		case <-s.Context().Done():
			return nil
		}
	}
}

func consume(t *testing.T, addr, group string, want int, topics ...string) []string {
	t.Helper()
	g, err := sarama.NewConsumerGroupFromClient(group, client(t, addr, saramaConfig()))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := collector{want: want, cancel: cancel, read: make(chan string, want+1000)}
	for ctx.Err() == nil {
		if err := g.Consume(ctx, topics, c); err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	require.NoError(t, g.Close())
	close(c.read)
	var values []string
	for v := range c.read {
		values = append(values, v)
	}
	return values
}

func TestAnIdempotentProducerMakesItsTopicsAndAGroupReadsThem(t *testing.T) {
	k := startKafka(t, KafkaConfig{Partitions: 2})
	topics := []string{"a", "b", "c"}
	produce(t, k.Addr(), 1000, topics...)
	c := client(t, k.Addr(), saramaConfig())
	for _, topic := range topics {
		parts, err := c.Partitions(topic)
		require.NoError(t, err)
		assert.Len(t, parts, 2)
		assert.EqualValues(t, 1000, logEnds(t, c, topic))
	}
	assert.Equal(t, 3000, len(consume(t, k.Addr(), "g", 3000, topics...)))
}

func TestAdminRequestsAnswerAsKafkaDoes(t *testing.T) {
	k := startKafka(t, KafkaConfig{})
	c := client(t, k.Addr(), saramaConfig())
	admin, err := sarama.NewClusterAdminFromClient(c)
	require.NoError(t, err)
	compact := "compact"
	require.NoError(t, admin.CreateTopic("configs", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"cleanup.policy": &compact}}, false))
	resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: "configs"}
	described, err := admin.DescribeConfigs([]*sarama.ConfigResource{resource}, sarama.DescribeConfigsOptions{})
	require.NoError(t, err)
	require.Len(t, described, 1)
	got := map[string]string{}
	for _, e := range described[0].Configs {
		got[e.Name] = e.Value
	}
	assert.Equal(t, "compact", got["cleanup.policy"])
	assert.Equal(t, "-1", got["retention.ms"], "a compacted topic must not lose records by age")
	assert.Equal(t, "-1", got["retention.bytes"])

	err = admin.CreateTopic("configs", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	require.ErrorIs(t, err, sarama.ErrTopicAlreadyExists)
	err = admin.CreateTopic("no/slash", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	require.ErrorIs(t, err, sarama.ErrInvalidTopic)
	err = admin.CreateTopic("r3", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}, false)
	require.ErrorIs(t, err, sarama.ErrInvalidReplicationFactor)
	_, err = c.Partitions("no/slash")
	require.ErrorIs(t, err, sarama.ErrInvalidTopic)

	brokers, _, err := admin.DescribeCluster()
	require.NoError(t, err)
	require.Len(t, brokers, 1)
	assert.Equal(t, k.Addr(), brokers[0].Addr())

	b, err := c.Controller()
	require.NoError(t, err)
	meta, err := b.GetMetadata(sarama.NewMetadataRequest(sarama.V4_1_0_0, nil))
	require.NoError(t, err)
	require.NotNil(t, meta.ClusterID)
	assert.Len(t, *meta.ClusterID, 22)
}

func TestATransactionIsReadWholeOrNotAtAll(t *testing.T) {
	k := startKafka(t, KafkaConfig{})
	cfg := saramaConfig()
	cfg.Producer.Transaction.ID = "tx"
	p, err := sarama.NewSyncProducer([]string{k.Addr()}, cfg)
	require.NoError(t, err)
	defer func() { _ = p.Close() }()
	for round, finish := range []func() error{p.AbortTxn, p.CommitTxn} {
		require.NoError(t, p.BeginTxn())
		for i := range 10 {
			_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: "tx", Value: sarama.StringEncoder(fmt.Sprint(round, i))})
			require.NoError(t, err)
		}
		require.NoError(t, finish())
	}
	values := consume(t, k.Addr(), "g", 10, "tx")
	assert.Len(t, values, 10)
	for _, v := range values {
		assert.Equal(t, byte('1'), v[0], "a record of the aborted transaction was read")
	}
}

func TestABusyPortIsOneClearError(t *testing.T) {
	k := startKafka(t, KafkaConfig{})
	_, port, err := net.SplitHostPort(k.Addr())
	require.NoError(t, err)
	_, err = StartKafka(t.Context(), KafkaConfig{Addr: k.Addr(), AddrHint: "--kafka-port"})
	var busy *AddrInUseError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, "port "+port+" on 127.0.0.1 is in use: choose another with --kafka-port", busy.Error())
	_, err = StartMQTT(t.Context(), MQTTConfig{Addr: k.Addr(), AddrHint: "--mqtt-port"})
	require.ErrorAs(t, err, &busy)
}

func TestTwoBrokersDoNotShareADataDirectory(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, KafkaConfig{DataDir: dir})
	_, err := StartKafka(t.Context(), KafkaConfig{DataDir: dir, DirHint: "--data-dir"})
	var busy *DirInUseError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, strconv.Itoa(os.Getpid()), busy.PID)
	assert.Contains(t, err.Error(), "choose another directory with --data-dir")
	require.NoError(t, k.Close())
	startKafka(t, KafkaConfig{DataDir: dir})
}

func TestWhatIsNotKafkaDoesNotHurtTheBroker(t *testing.T) {
	k := startKafka(t, KafkaConfig{})
	for _, junk := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x00\x00\x00", // API key 32767
		"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		conn, err := net.Dial("tcp", k.Addr())
		require.NoError(t, err)
		_, err = conn.Write([]byte(junk))
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err = conn.Read(make([]byte, 1))
		require.Error(t, err)
		assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection was left open")
		_ = conn.Close()
	}
	produce(t, k.Addr(), 1, "alive")
}

func TestAnOrderlyEndKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, KafkaConfig{DataDir: dir})
	produce(t, k.Addr(), 200, "kept")
	assert.Equal(t, 200, len(consume(t, k.Addr(), "g", 200, "kept")))
	require.NoError(t, k.Close())

	k = startKafka(t, KafkaConfig{DataDir: dir})
	produce(t, k.Addr(), 50, "kept")
	assert.EqualValues(t, 250, logEnds(t, client(t, k.Addr(), saramaConfig()), "kept"))
	assert.Equal(t, 50, len(consume(t, k.Addr(), "g", 50, "kept")), "the group begins where it stopped")
}

func TestAnInterruptedCompactionIsUndone(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, KafkaConfig{DataDir: dir, Partitions: 1})
	admin, err := sarama.NewClusterAdminFromClient(client(t, k.Addr(), saramaConfig()))
	require.NoError(t, err)
	compact := "compact"
	require.NoError(t, admin.CreateTopic("c", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"cleanup.policy": &compact}}, false))
	for range 5 {
		produce(t, k.Addr(), 20, "c")
	}
	logs, err := compactedLogs(dir)
	require.NoError(t, err)
	require.Len(t, logs, 1)
	before := logsSize(logs)

	require.NoError(t, k.compactNow(logs))
	assert.Less(t, logsSize(logs), before)
	assert.NoDirExists(t, k.backupDir())
	assert.EqualValues(t, 100, logEnd(logs[0]))

	require.NoError(t, saveLogs(logs, k.backupDir()))
	require.NoError(t, k.Close())
	for _, f := range []string{"*.dat", "*.idx"} { // as after a kill between deleting and writing
		found, err := filepath.Glob(filepath.Join(logs[0], f))
		require.NoError(t, err)
		for _, name := range found {
			require.NoError(t, os.Remove(name))
		}
	}
	k = startKafka(t, KafkaConfig{DataDir: dir})
	assert.EqualValues(t, 100, logEnds(t, client(t, k.Addr(), saramaConfig()), "c"))
	assert.NoDirExists(t, k.backupDir())
	values := consume(t, k.Addr(), "g", 20, "c")
	assert.GreaterOrEqual(t, len(values), 20)
}
