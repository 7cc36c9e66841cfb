package testbed

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// values are what the records say, in the order of their arrival.
func values(records []*sarama.ConsumerMessage) []string {
	var said []string
	for _, r := range records {
		said = append(said, string(r.Value))
	}
	return said
}

func TestWhatIsProducedToAnEmbeddedKafkaCanBeConsumed(t *testing.T) {
	addr := Embedded(t, "readings")
	CreateTopic(t, addr, "other", 3, map[string]string{"cleanup.policy": "compact"})

	Produce(t, addr, Values("readings", 5)...)

	assert.Equal(t, []string{"0", "1", "2", "3", "4"}, values(Consume(t, addr, "readings", 5, 10*time.Second)))
	assert.Empty(t, Consume(t, addr, "other", 1, 200*time.Millisecond))
}

func TestConsumeReturnsWhatThereIsWhenTheTimeIsOver(t *testing.T) {
	addr := Embedded(t, "readings")
	Produce(t, addr, Values("readings", 2)...)

	assert.Len(t, Consume(t, addr, "readings", 3, 500*time.Millisecond), 2)
}

func TestProduceToWritesToThePartitionOfTheMessage(t *testing.T) {
	addr := Embedded(t)
	CreateTopic(t, addr, "wide", 3, nil)
	ProduceTo(t, addr, &sarama.ProducerMessage{Topic: "wide", Partition: 2, Value: sarama.StringEncoder("x")})

	got := Consume(t, addr, "wide", 1, 10*time.Second)
	require.Len(t, got, 1)
	assert.Equal(t, int32(2), got[0].Partition)
}

func TestTheSharedKafkaIsOneForAllTestsOfTheProcess(t *testing.T) {
	addr := SharedKafka(t)
	topic := Prefix(t) + "topic"
	CreateTopic(t, addr, topic, 2, nil)
	Produce(t, addr, Values(topic, 10)...)

	assert.Len(t, Consume(t, addr, topic, 10, 20*time.Second), 10)
	assert.Equal(t, addr, SharedKafka(t))
}

func TestTheSharedKafkaOfTheRunWins(t *testing.T) {
	t.Setenv(KafkaEnv, "somewhere:9092")
	assert.Equal(t, "somewhere:9092", SharedKafka(t))
}

func TestPrefixesAreFitForTopicsAndDifferEachTime(t *testing.T) {
	t.Run("with spaces, ümlauts/and slashes and a long tail", func(t *testing.T) {
		prefix := Prefix(t)
		assert.Regexp(t, `^[A-Za-z0-9.-]{1,40}-[0-9a-f]{6}-$`, prefix)
		assert.NotEqual(t, prefix, Prefix(t))
	})
}

func TestKafkaKeepsItsRecordsWhenItIsKilledAndRestarted(t *testing.T) {
	k := StartKafka(t)
	CreateTopic(t, k.Addr(), "kept", 1, nil)
	Produce(t, k.Addr(), Values("kept", 100)...)

	k.Kill()
	_, err := net.Dial("tcp", k.Addr())
	require.Error(t, err)
	k.Restart()

	assert.Len(t, Consume(t, k.Addr(), "kept", 100, 30*time.Second), 100)
	assert.Greater(t, k.Usage().Resident, int64(50<<20), "a JVM is never small")

	k.Terminate()
	k.Restart()
	assert.Len(t, Consume(t, k.Addr(), "kept", 100, 30*time.Second), 100)
}

func TestAFrozenKafkaAnswersOnceItIsThawed(t *testing.T) {
	k := StartKafka(t, WithProperties("num.partitions=7"))
	k.Freeze()
	config := kafkaClientConfig()
	config.Net.ReadTimeout = 500 * time.Millisecond
	config.Metadata.Retry.Max = 0
	_, err := sarama.NewClient([]string{k.Addr()}, config)
	require.Error(t, err)

	k.Thaw()
	CreateTopic(t, k.Addr(), "after", -1, nil)
	config.Net.ReadTimeout = 10 * time.Second
	client, err := sarama.NewClient([]string{k.Addr()}, config)
	require.NoError(t, err)
	defer client.Close()
	partitions, err := client.Partitions("after")
	require.NoError(t, err)
	assert.Len(t, partitions, 7, "the added property counts")
}

func TestTheListenersForPasswordsAndBehindTheProxy(t *testing.T) {
	k := StartKafka(t, WithSASL("alice", "wonder-land"), WithProxy())
	CreateTopic(t, k.Addr(), "t", 1, nil)

	t.Run("the right password is let in, a wrong one is not", func(t *testing.T) {
		config := kafkaClientConfig()
		config.Net.SASL.Enable, config.Net.SASL.User, config.Net.SASL.Password = true, "alice", "wonder-land"
		config.Metadata.Retry.Max = 0
		client, err := sarama.NewClient([]string{k.SASLAddr()}, config)
		require.NoError(t, err)
		require.NoError(t, client.RefreshMetadata("t"))
		require.NoError(t, client.Close())

		config.Net.SASL.Password = "wrong"
		_, err = sarama.NewClient([]string{k.SASLAddr()}, config)
		assert.ErrorIs(t, err, sarama.ErrSASLAuthenticationFailed)
	})

	t.Run("a client that begins at the proxy stays behind it", func(t *testing.T) {
		config := kafkaClientConfig()
		config.Metadata.Retry.Max = 0
		client, err := sarama.NewClient([]string{k.Proxy().Addr()}, config)
		require.NoError(t, err)
		defer client.Close()
		leader, err := client.Leader("t", 0)
		require.NoError(t, err)
		assert.Equal(t, k.Proxy().Addr(), leader.Addr())

		k.Proxy().Refuse()
		k.Proxy().Cut()
		assert.Error(t, client.RefreshMetadata())
		k.Proxy().Accept()
		Await(t, 20*time.Second, "the client to come back", func(context.Context) error { return client.RefreshMetadata() })
	})
}

func TestAClusterOfThreeOutlivesTheLossOfOneNode(t *testing.T) {
	cluster := StartKafkaCluster(t, 3)
	require.Len(t, cluster.Addrs(), 3)
	CreateReplicatedTopic(t, cluster.Addrs()[0], "replicated", 3, 3, map[string]string{"min.insync.replicas": "2"})
	Produce(t, cluster.Addrs()[0], Values("replicated", 30)...)

	cluster.Nodes[0].Kill()
	survivor := cluster.Nodes[1].Addr()
	Await(t, 60*time.Second, "new leaders", func(context.Context) error {
		client, err := sarama.NewClient([]string{survivor}, kafkaClientConfig())
		if err != nil {
			return err
		}
		defer client.Close()
		for partition := range int32(3) {
			leader, err := client.Leader("replicated", partition)
			if err != nil {
				return err
			}
			if leader.ID() == 1 {
				return errors.New("the dead node still leads")
			}
		}
		return nil
	})
	Produce(t, survivor, Values("replicated", 30)...)
	assert.Len(t, Consume(t, survivor, "replicated", 60, 30*time.Second), 60)

	cluster.Nodes[0].Restart()
	assert.Len(t, Consume(t, cluster.Nodes[0].Addr(), "replicated", 60, 30*time.Second), 60)
}

func TestJavaCommandsFindTheClassesOfKafkaConnect(t *testing.T) {
	p := Launch(t, JavaCommand(t, "org.apache.kafka.connect.cli.ConnectDistributed"))
	assert.Equal(t, 1, p.Wait(60*time.Second))
	assert.Contains(t, p.Log(), "Usage: ConnectDistributed worker.properties")
}
