package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func reading(addr string, more ...string) connect.Config {
	cfg := connect.Config{
		"source.bootstrap.servers": addr, "topics": "readings",
		"source.fetch.max.wait.ms": "20", // closing waits for the fetch under way
	}
	for i := 0; i+1 < len(more); i += 2 {
		cfg[more[i]] = more[i+1]
	}
	return cfg
}

func message(topic string, partition int32, key, value string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: topic, Partition: partition, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}
}

func values(records []connect.SourceRecord) (values []string) {
	for _, r := range records {
		values = append(values, string(r.Value.Bytes()))
	}
	return values
}

func TestARecordIsCopiedAsItIs(t *testing.T) {
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "readings", 3, nil)
	at := time.UnixMilli(1_700_000_000_123)
	testbed.ProduceTo(t, addr, &sarama.ProducerMessage{
		Topic: "readings", Partition: 2, Key: sarama.StringEncoder("k"), Value: sarama.ByteEncoder{0xff, 0}, Timestamp: at,
		Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}, {Key: []byte("h"), Value: []byte("2")}},
	}, &sarama.ProducerMessage{Topic: "readings", Partition: 2, Key: sarama.StringEncoder("gone")})

	src := connecttest.StartSource(t, Source{}, reading(addr, "topic.format", "copy.${topic}", "partitions.preserve", "true"))
	got := src.Take(2)
	r := got[0]
	assert.Equal(t, "copy.readings", r.Topic)
	assert.Equal(t, int32(2), r.Partition)
	assert.Equal(t, at.UnixMilli(), r.Timestamp)
	assert.Equal(t, []byte("k"), r.Key.Bytes())
	assert.Equal(t, []byte{0xff, 0}, r.Value.Bytes())
	assert.Equal(t, "{partition=2, topic=readings}", r.Source.String())
	assert.Equal(t, "{offset=0}", r.Offset.String())
	require.Len(t, r.Headers, 2)
	assert.Equal(t, "h=2", r.Headers[1].Key+"="+string(r.Headers[1].Value.Bytes()))
	assert.True(t, got[1].Value.IsNull(), "a tombstone stays one")
}

func TestARestartGoesOnBehindTheLastAcknowledgedRecord(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	testbed.Produce(t, addr, testbed.Values("readings", 5)...)
	src := connecttest.StartSource(t, Source{}, reading(addr, "source.cluster.alias", "edge"), connecttest.HoldAcks())
	src.Take(5)
	src.Ack(3)
	src.Kill()
	assert.Equal(t, []string{"3", "4"}, values(src.Take(2)))
	assert.Equal(t, int64(2), src.OffsetOf(
		connect.Attr{Name: "cluster", Value: connect.String("edge")},
		connect.Attr{Name: "topic", Value: connect.String("readings")},
		connect.Attr{Name: "partition", Value: connect.Int32(0)}).Int64())
}

func TestAllPartitionsAreReadInTheirOrder(t *testing.T) {
	const partitions, each = 4, 700
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "readings", partitions, nil)
	var messages []*sarama.ProducerMessage
	for n := range each {
		for p := range int32(partitions) {
			messages = append(messages, message("readings", p, "k", fmt.Sprint(n)))
		}
	}
	testbed.ProduceTo(t, addr, messages...)
	seen := map[string]int{}
	for _, r := range connecttest.StartSource(t, Source{}, reading(addr)).Take(partitions * each) {
		at := r.Source.String()
		require.Equal(t, fmt.Sprint(seen[at]), string(r.Value.Bytes()), at)
		seen[at]++
		assert.Equal(t, connect.NoPartition, r.Partition)
	}
	assert.Len(t, seen, partitions)
}

func TestLatestCopiesOnlyWhatComesLater(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	testbed.Produce(t, addr, message("readings", 0, "k", "old"))
	src := connecttest.StartSource(t, Source{}, reading(addr, "source.auto.offset.reset", "latest"))
	src.AwaitHealthy()
	testbed.Produce(t, addr, message("readings", 0, "k", "new"))
	assert.Equal(t, []string{"new"}, values(src.Take(1)))
}

func TestRecordsThatAreGoneFailTheTaskUnlessToldOtherwise(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	testbed.Produce(t, addr, testbed.Values("readings", 2)...)
	stored := func() connecttest.Option {
		return connecttest.StoredOf(connect.At("offset", 99),
			connect.Attr{Name: "topic", Value: connect.String("readings")}, connect.Attr{Name: "partition", Value: connect.Int32(0)})
	}
	cause := connecttest.StartSource(t, Source{}, reading(addr), stored()).AwaitFailed()
	require.ErrorContains(t, cause, "the records from offset 100 on are gone")
	require.ErrorContains(t, cause, "set offset.lost to earliest or latest")

	src := connecttest.StartSource(t, Source{}, reading(addr, "offset.lost", "earliest"), stored())
	assert.Equal(t, []string{"0", "1"}, values(src.Take(2)))
}

func TestAClusterOutOfReachIsSeenAsWaiting(t *testing.T) {
	proxy := testbed.StartProxy(t, testbed.Embedded(t, "readings"))
	proxy.Refuse()
	cfg := reading(proxy.Addr())
	cfg[assignedPartitions] = "readings-0"
	src := connecttest.StartSource(t, unsplit{Source{}}, cfg)
	assert.ErrorContains(t, src.AwaitWaiting(), "cannot be reached (connection refused)")
	proxy.Accept()
	src.AwaitHealthy()
}

// unsplit is a connector whose task has the configuration as it is.
type unsplit struct{ connect.SourceConnector }

func TestPartitionsAreDealtToTasks(t *testing.T) {
	addr := testbed.Embedded(t, "other", "__consumer_offsets")
	testbed.CreateTopic(t, addr, "a", 3, nil)
	testbed.CreateTopic(t, addr, "b", 2, nil)
	cfg := connect.Config{"source.bootstrap.servers": addr, "topics": "b", "topics.regex": "a|_.*|oth"}
	configs, err := Source{}.Split(t.Context(), cfg, 2)
	require.NoError(t, err)
	require.Len(t, configs, 2)
	assert.Equal(t, "a-0,a-2,b-1", configs[0][assignedPartitions])
	assert.Equal(t, "a-1,b-0", configs[1][assignedPartitions])
	assert.Equal(t, addr, configs[1]["source.bootstrap.servers"])

	configs, err = Source{}.Split(t.Context(), cfg, 10)
	require.NoError(t, err)
	assert.Len(t, configs, 5, "no task without a partition")
}

func TestTopicsThatAreNotThereAreWaitedFor(t *testing.T) {
	addr := testbed.Embedded(t, "other")
	_, err := Source{}.Split(t.Context(), reading(addr), 1)
	var again *connect.RetryError
	require.ErrorAs(t, err, &again)
	assert.ErrorContains(t, err, "none of the source's 1 topics is selected")
}

func TestTheConfigurationIsValidatedWithARealConnection(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	assert.Empty(t, Source{}.Validate(t.Context(), reading(addr)))

	problems := Source{}.Validate(t.Context(), connect.Config{"source.bootstrap.servers": addr})
	require.Len(t, problems, 1)
	assert.Equal(t, "topics", problems[0].Key)
	assert.False(t, problems[0].Warning)

	problems = Source{}.Validate(t.Context(), reading("127.0.0.1:1"))
	require.Len(t, problems, 1)
	assert.True(t, problems[0].Warning, "an unreachable server may come back")
	assert.Contains(t, problems[0].Message, "connection refused")

	problems = Source{}.Validate(t.Context(), reading(addr, "topics", "absent"))
	require.Len(t, problems, 1)
	assert.Equal(t, "topics", problems[0].Key)
	assert.True(t, problems[0].Warning, "the topic may still be made")
}

func TestAWrongClientKeyIsNamedAsTheConfigurationHasIt(t *testing.T) {
	found := Source{}.Validate(t.Context(), reading("nowhere", "source.fetch.min.bytes", "some"))
	var keys []string
	for _, p := range found {
		keys = append(keys, p.Key)
		assert.False(t, p.Warning, p.Message)
		assert.NotContains(t, p.Message, "\n", "one line")
	}
	assert.ElementsMatch(t, []string{"source.bootstrap.servers", "source.fetch.min.bytes"}, keys)

	found = Sink{}.Validate(t.Context(), connect.Config{"target.bootstrap.servers": "127.0.0.1:1", "target.linger.ms": "soon"})
	require.Len(t, found, 1)
	assert.Equal(t, "target.linger.ms", found[0].Key)
}

func TestNewPartitionsAskForANewSplit(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	asked := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- Source{}.Watch(t.Context(), reading(addr, "topics.regex", ".*", "refresh.topics.interval.seconds", "1"), func() { asked <- struct{}{} })
	}()
	wait := func(what string) {
		t.Helper()
		select {
		case <-asked:
		case err := <-done:
			t.Fatalf("the watch ended: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatalf("no new split was asked for after %s", what)
		}
	}
	wait("the first look")
	testbed.CreateTopic(t, addr, "new", 1, nil)
	wait("a new topic")
}

func TestTopicNamesFollowTheFormat(t *testing.T) {
	n := newNaming("edge.${topic}.copy")
	assert.Equal(t, "edge.a.copy", n.of("a"))
	assert.Equal(t, "edge.a.copy", n.of("a"))
	assert.NoError(t, checkFormat(connect.String("x_${topic}")))
	assert.Error(t, checkFormat(connect.String("${topic")))
	assert.Error(t, checkFormat(connect.String("")))
}

func TestACopyIsExactlyOnceOnlyOfCommittedRecords(t *testing.T) {
	cfg := connect.Config{"source.bootstrap.servers": "localhost:9092", "topics": "a"}
	assert.False(t, Source{}.ExactlyOnce(cfg))
	cfg["source.isolation.level"] = "read_committed"
	assert.True(t, Source{}.ExactlyOnce(cfg))
}
