package stores

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

const patience = time.Minute

func kafkaAt(addr string) Kafka {
	config := sarama.NewConfig()
	config.Metadata.Full = false
	config.ClientID = "stores-test"
	return Kafka{Brokers: []string{addr}, Config: config}
}

func administer(t *testing.T, k Kafka) sarama.ClusterAdmin {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(k.Brokers, k.knowing(everyTopic).Config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, admin.Close()) })
	return admin
}

func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func startedConfigs(t *testing.T, k Kafka, topic Topic, listen func(ConfigEvent)) *ConfigStore {
	t.Helper()
	s := NewConfigStore(k, topic, listen)
	start(t, s)
	return s
}

// start starts a store and closes it at the end of the test.
func start(t *testing.T, s interface {
	Start(context.Context) error
	Close(context.Context) error
}) {
	t.Helper()
	require.NoError(t, s.Start(inTime(t)))
	t.Cleanup(func() { require.NoError(t, s.Close(inTime(t))) })
}

func TestEveryWorkerComputesTheSameStateAlsoAfterARestart(t *testing.T) {
	k, topic := kafkaAt(testbed.Embedded(t)), ConfigTopic("configs", 1, nil)
	events := make(chan ConfigEvent, 100)
	leader := startedConfigs(t, k, topic, nil)
	follower := startedConfigs(t, k, topic, func(e ConfigEvent) { events <- e })

	ctx := inTime(t)
	stopped := Stopped
	require.NoError(t, leader.PutConnector(ctx, "x", connect.Config{"name": "x", "tasks.max": "2"}, &stopped))
	require.NoError(t, leader.PutTaskConfigs(ctx, "x", []connect.Config{{"n": "0"}, {"n": "1"}}))
	assert.Len(t, leader.Snapshot().Tasks("x"), 2, "a writer sees what it wrote")
	require.NoError(t, leader.PutConnector(ctx, "y", connect.Config{"name": "y"}, nil))
	require.NoError(t, leader.RemoveConnector(ctx, "y"))
	require.NoError(t, follower.Refresh(ctx))

	restarted := startedConfigs(t, k, topic, nil)
	for _, s := range []*ConfigStore{follower, restarted} {
		state := s.Snapshot()
		assert.Equal(t, leader.Snapshot().Offset(), state.Offset())
		assert.Equal(t, []string{"x"}, state.Connectors())
		assert.Equal(t, []connect.Config{{"n": "0"}, {"n": "1"}}, state.TaskConfigs("x"))
		target, _ := state.Target("x")
		assert.Equal(t, Stopped, target)
	}
	assert.Equal(t, ConnectorChanged{"x"}, <-events)
	assert.Equal(t, TasksChanged{"x", []TaskID{{"x", 0}, {"x", 1}}}, <-events)
	assert.Equal(t, ConnectorChanged{"y"}, <-events)
	assert.Equal(t, ConnectorRemoved{"y"}, <-events)
}

func TestOnlyTheLastLeaderToClaimCanWrite(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testFencing(t, testbed.Embedded(t)) })
	t.Run("real", func(t *testing.T) { testFencing(t, testbed.SharedKafka(t)) })
}

func testFencing(t *testing.T, addr string) {
	k, prefix := kafkaAt(addr), testbed.Prefix(t)
	topic := ConfigTopic(prefix+"configs", 1, nil)
	leader := func() *ConfigStore {
		s := NewConfigStore(k, topic, nil)
		s.FenceLeaders(prefix + "leader")
		start(t, s)
		return s
	}
	first, second := leader(), leader()
	ctx := inTime(t)
	config := connect.Config{"name": "x"}
	require.ErrorIs(t, first.PutConnector(ctx, "x", config, nil), ErrUnclaimed)
	require.NoError(t, first.Claim(ctx))
	require.NoError(t, first.PutConnector(ctx, "x", config, nil))
	require.NoError(t, first.PutTaskConfigs(ctx, "x", []connect.Config{{"n": "0"}}))

	require.NoError(t, second.Claim(ctx))
	require.ErrorIs(t, first.PutConnector(ctx, "x", config, nil), ErrUnclaimed)
	require.ErrorIs(t, first.PutConnector(ctx, "x", config, nil), ErrUnclaimed)
	require.NoError(t, second.PutTaskCount(ctx, "x", 1))
	require.NoError(t, second.Claim(ctx), "who has a claim keeps it")
	require.NoError(t, second.PutTaskCount(ctx, "x", 1))
	require.NoError(t, first.Refresh(ctx))
	assert.Equal(t, second.Snapshot().Offset(), first.Snapshot().Offset())
	assert.False(t, first.Snapshot().PendingFencing("x"))

	require.NoError(t, first.Claim(ctx), "a leader that is one again")
	require.NoError(t, first.PutTaskCount(ctx, "x", 1))
	require.ErrorIs(t, second.PutTaskCount(ctx, "x", 1), ErrUnclaimed)
	require.NoError(t, second.Refresh(ctx))

	// The topic ends in the marker of a transaction, which is no record: a new worker must know that it has read all.
	again := startedConfigs(t, k, topic, nil)
	assert.Equal(t, second.Snapshot().Offset(), again.Snapshot().Offset())
}

func TestRecordsOfAbortedTransactionsAreNotReadWhereOnlyCommittedOnesAre(t *testing.T) {
	k, topic := kafkaAt(testbed.Embedded(t)), OffsetTopic("offsets", 1, 1, nil)
	k.Config.Consumer.IsolationLevel = sarama.ReadCommitted
	s := NewOffsetStore(k, topic)
	start(t, s)
	ctx := inTime(t)
	writer := transactionalProducer(t, k)
	for n, end := range []func() error{writer.async.CommitTxn, writer.async.AbortTxn} {
		require.NoError(t, writer.async.BeginTxn())
		records, err := s.Encode(nil, "c", partition("file", "a"), connect.At("position", int64(n)))
		require.NoError(t, err)
		_, err = writer.send(ctx, "offsets", records)
		require.NoError(t, err)
		require.NoError(t, end())
	}
	found, err := s.Get(ctx, "c", []*connect.Partition{partition("file", "a")})
	require.NoError(t, err)
	assert.False(t, found[0].IsZero())
	assert.Equal(t, int64(0), found[0].Int64())
}

func TestAStoreStartsAlthoughAKilledWorkerLeftATransactionOpen(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testOpenTransaction(t, testbed.Embedded(t)) })
	t.Run("real", func(t *testing.T) { testOpenTransaction(t, testbed.SharedKafka(t)) })
}

func testOpenTransaction(t *testing.T, addr string) {
	k, topic := kafkaAt(addr), OffsetTopic(testbed.Prefix(t)+"offsets", 1, 1, nil)
	k.Config.Consumer.IsolationLevel = sarama.ReadCommitted
	first := NewOffsetStore(k, topic)
	start(t, first)
	a := partition("file", "a")
	put(t, first, "c", a, connect.At("position", 1))
	writer := transactionalProducer(t, k)
	require.NoError(t, writer.async.BeginTxn())
	records, err := first.Encode(nil, "c", a, connect.At("position", 2))
	require.NoError(t, err)
	_, err = writer.send(inTime(t), topic.Name, records)
	require.NoError(t, err)

	second := NewOffsetStore(k, topic)
	start(t, second)
	assert.Equal(t, int64(1), second.(*offsets).view.get("c", a).Int64())
	require.NoError(t, writer.async.CommitTxn())
	found, err := second.Get(inTime(t), "c", []*connect.Partition{a})
	require.NoError(t, err)
	assert.Equal(t, int64(2), found[0].Int64())
}

func transactionalProducer(t *testing.T, k Kafka) *producer {
	t.Helper()
	s := NewConfigStore(k, ConfigTopic("unused", 1, nil), nil)
	s.FenceLeaders("a-task")
	p, err := startProducer(inTime(t), s.leader.kafka)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.close(inTime(t))) })
	return p
}

func TestOffsetsAreSpreadOverPartitionsAndComeBackInAnotherWorker(t *testing.T) {
	k, topic := kafkaAt(testbed.Embedded(t)), OffsetTopic("offsets", 25, 1, nil)
	s := NewOffsetStore(k, topic)
	start(t, s)
	for n := range 40 {
		put(t, s, "c", partition("file", fmt.Sprint(n)), connect.At("position", int64(n)))
	}
	put(t, s, "c", partition("file", "7"), connect.Offset{})
	other := NewOffsetStore(k, topic)
	start(t, other)
	stored, err := other.Stored(inTime(t), "c")
	require.NoError(t, err)
	assert.Len(t, stored, 39)
	found, err := other.Get(inTime(t), "c", []*connect.Partition{partition("file", "7"), partition("file", "39"), nil})
	require.NoError(t, err)
	assert.True(t, found[0].IsZero())
	assert.Equal(t, int64(39), found[1].Int64())
	assert.True(t, found[2].IsZero())
}

func TestATopicThatIsNotOnlyCompactedIsRefused(t *testing.T) {
	addr := testbed.Embedded(t)
	for name, policy := range map[string]string{"deletes": "delete", "both": "compact,delete"} {
		testbed.CreateTopic(t, addr, name, 1, map[string]string{"cleanup.policy": policy})
		err := NewStatusStore(kafkaAt(addr), StatusTopic(name, 5, 1, nil)).Start(inTime(t))
		var refused *connect.ConfigError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "status.storage.topic", refused.Key)
		assert.Contains(t, refused.Reason, "Topic '"+name+"' supplied via the 'status.storage.topic' property is required to have "+
			"'cleanup.policy=compact' to guarantee consistency and durability of connector and task statuses, but found the topic "+
			"currently has 'cleanup.policy="+policy+"'.")
	}
}

func TestAConfigTopicOfSeveralPartitionsIsRefused(t *testing.T) {
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "configs", 2, map[string]string{"cleanup.policy": "compact"})
	err := NewConfigStore(kafkaAt(addr), ConfigTopic("configs", 1, nil), nil).Start(inTime(t))
	var refused *connect.ConfigError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Reason, "is required to have a single partition in order to guarantee consistency of connector "+
		"configurations, but found 2 partitions.")
}

func TestACreatedTopicIsCompactedWhateverTheSettingsSay(t *testing.T) {
	addr := testbed.Embedded(t)
	k := kafkaAt(addr)
	topic := OffsetTopic("offsets", 3, 1, map[string]string{"cleanup.policy": "delete", "segment.bytes": "1048576"})
	require.NoError(t, topic.Ensure(inTime(t), k))
	admin := administer(t, k)
	results, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: "offsets"}},
		sarama.DescribeConfigsOptions{})
	require.NoError(t, err)
	require.Len(t, results, 1)
	found := map[string]string{}
	for _, e := range results[0].Configs {
		found[e.Name] = e.Value
	}
	assert.Equal(t, "compact", found["cleanup.policy"])
	assert.Equal(t, "1048576", found["segment.bytes"])
	require.NoError(t, topic.Ensure(inTime(t), k), "the topic is accepted once it is there")
}

func TestReadingGoesOnWhereItWasWhenTheBrokerComesBack(t *testing.T) {
	addr := testbed.Embedded(t)
	proxy := testbed.StartProxy(t, addr)
	behind := kafkaAt(addr)
	behind.Config.Net.Proxy.Enable, behind.Config.Net.Proxy.Dialer = true, redirect(proxy.Addr())

	var mu sync.Mutex
	var read []string
	log := NewLog(behind, StatusTopic("statuses", 3, 1, nil), func(e Entry) {
		mu.Lock()
		defer mu.Unlock()
		read = append(read, string(e.Value))
	})
	start(t, log)
	require.NoError(t, log.Send(inTime(t), record("a", []byte("1"))))
	require.NoError(t, log.ReadToEnd(inTime(t)))

	proxy.Refuse()
	proxy.Cut()
	testbed.Await(t, patience, "the log to notice", func(context.Context) error {
		if log.Outage().Cause == nil {
			return errors.New("it does not say that it waits")
		}
		return nil
	})
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := log.ReadToEnd(short)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "topic 'statuses' (status.storage.topic)")

	direct := NewLog(kafkaAt(addr), StatusTopic("statuses", 3, 1, nil), func(Entry) {})
	start(t, direct)
	require.NoError(t, direct.Send(inTime(t), record("b", []byte("2")), record("a", []byte("3"))))
	proxy.Accept()
	require.NoError(t, log.ReadToEnd(inTime(t)))
	testbed.Await(t, patience, "all partitions to be read again", func(context.Context) error { return log.Outage().Cause })
	mu.Lock()
	defer mu.Unlock()
	assert.ElementsMatch(t, []string{"1", "2", "3"}, read)
}

// redirect dials its own address whatever is asked for.
type redirect string

func (r redirect) Dial(network, _ string) (net.Conn, error) { return net.Dial(network, string(r)) }

func TestALogWhoseBeginningWasDeletedIsReadFromWhatIsLeft(t *testing.T) {
	addr := testbed.Embedded(t)
	k, topic := kafkaAt(addr), ConfigTopic("configs", 1, nil)
	first := startedConfigs(t, k, topic, nil)
	require.NoError(t, first.PutConnector(inTime(t), "x", connect.Config{"name": "x"}, nil))
	require.NoError(t, first.PutConnector(inTime(t), "y", connect.Config{"name": "y"}, nil))
	admin := administer(t, k)
	require.NoError(t, admin.DeleteRecords("configs", map[int32]int64{0: 1}))
	assert.Equal(t, []string{"y"}, startedConfigs(t, k, topic, nil).Snapshot().Connectors())
}

func TestStartWaitsForABrokerUntilItsContextEnds(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := nobody.Addr().String()
	require.NoError(t, nobody.Close())
	k := kafkaAt(addr)
	k.Config.Metadata.Retry.Max = 0
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = NewConfigStore(k, ConfigTopic("configs", 1, nil), nil).Start(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "topic 'configs' (config.storage.topic)")
}
