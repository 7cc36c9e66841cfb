package worker

import (
	"context"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/embedded"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// at has a stage's worker work with another Kafka.
func at(addr string) setting { return func(s *Settings) { s.Properties["bootstrap.servers"] = addr } }

// property sets one of the worker's own properties.
func property(key, value string) setting { return func(s *Settings) { s.Properties[key] = value } }

// visiting is a source of one record for each of its topics, all in one batch.
func visiting(topics ...string) (script, func() int) {
	var n numbers
	done := false
	return script{
		open: func(_ context.Context, rt connect.SourceContext) error {
			n.part = rt.Partition("source", "visiting")
			return nil
		},
		poll: func(ctx context.Context, b *connect.Batch) error {
			if done {
				<-ctx.Done()
				return nil
			}
			done = true
			for i, topic := range topics {
				r := b.Next(topic, n.part, connect.At("n", int64(i+1)))
				r.SetKey(topic) // a compacted topic wants keys
				r.SetString(topic)
			}
			return nil
		},
		ack: n.ack,
	}, func() int { return int(n.acked()) }
}

// described are topics of a Kafka as its controller knows them, those that there are.
func described(t *testing.T, addr string, topics ...string) map[string]sarama.TopicDetail {
	t.Helper()
	config := sarama.NewConfig()
	admin, err := sarama.NewClusterAdmin([]string{addr}, config)
	require.NoError(t, err)
	defer func() { _ = admin.Close() }() // nothing is buffered
	all, err := admin.ListTopics()
	require.NoError(t, err)
	found := map[string]sarama.TopicDetail{}
	for _, topic := range topics {
		if detail, ok := all[topic]; ok {
			found[topic] = detail
		}
	}
	return found
}

func TestTopicsOfASourceAreMadeAsTheFirstGroupThatHasThemSays(t *testing.T) {
	t.Parallel()
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		name := func(topic string) string { return prefix + topic }
		testbed.CreateTopic(t, addr, name("there"), 2, nil)
		s := newStage(t, nil, at(addr))
		topics := []string{name("logs.a"), name("logs.debug"), name("state"), name("rest"), name("there"), name("logs.a")}
		what, acked := visiting(topics...)
		s.start("c", what, connect.Config{
			"topic.creation.groups":                     "logs, all",
			"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "1",
			"topic.creation.logs.include": prefix + "logs\\..*", "topic.creation.logs.exclude": ".*debug",
			"topic.creation.logs.partitions": "4", "topic.creation.logs.retention.ms": "3600000", "topic.creation.logs.cleanup.policy": "delete",
			"topic.creation.all.include": prefix + "(logs|state).*", "topic.creation.all.replication.factor": "-1", "topic.creation.all.partitions": "2",
			"topic.creation.all.cleanup.policy": "compact",
		})
		s.eventually("all acknowledged", func() bool { return acked() == len(topics) })
		found := described(t, addr, topics...)
		for topic, partitions := range map[string]int32{"logs.a": 4, "logs.debug": 2, "state": 2, "rest": 1, "there": 2} {
			assert.Equal(t, partitions, found[name(topic)].NumPartitions, topic)
			assert.EqualValues(t, 1, found[name(topic)].ReplicationFactor, topic)
		}
		assert.Equal(t, "3600000", *found[name("logs.a")].ConfigEntries["retention.ms"])
		assert.Equal(t, "compact", *found[name("state")].ConfigEntries["cleanup.policy"])
		assert.Equal(t, "compact", *found[name("logs.debug")].ConfigEntries["cleanup.policy"])
		assert.Nil(t, found[name("rest")].ConfigEntries["cleanup.policy"])
	})
}

func TestTheBrokersDefaultsAreTakenWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		s := newStage(t, nil, at(addr))
		what, acked := visiting(prefix + "t")
		s.start("c", what, connect.Config{"topic.creation.default.replication.factor": "-1", "topic.creation.default.partitions": "-1"})
		s.eventually("acknowledged", func() bool { return acked() == 1 })
		assert.Len(t, described(t, addr, prefix+"t"), 1)
	})
}

func TestATopicThatCannotBeMadeFailsTheTaskAfterTheRecordsBeforeIt(t *testing.T) {
	t.Parallel()
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		s := newStage(t, nil, at(addr))
		what, acked := visiting(prefix+"good", prefix+"good", prefix+"bad", prefix+"good")
		id := s.start("c", what, connect.Config{
			"topic.creation.groups":                     "bad",
			"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "1",
			"topic.creation.bad.include": ".*bad", "topic.creation.bad.replication.factor": "100",
		})
		s.shows(id, Failed, "topic "+prefix+"bad could not be created: topic.creation.bad.replication.factor is 100: there are not as many brokers")
		assert.Equal(t, 2, acked())
		assert.Empty(t, described(t, addr, prefix+"bad"))
	})
}

func TestTopicsAreLeftToTheBrokerUnlessBothWorkerAndConnectorSayOtherwise(t *testing.T) {
	t.Parallel()
	groups := connect.Config{"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "7"}
	for name, one := range map[string]struct {
		worker setting
		config connect.Config
	}{
		"the worker refuses":         {property("topic.creation.enable", "false"), groups},
		"the connector says nothing": {property("topic.creation.enable", "true"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Partitions: 3}) // of sluice dev: it makes topics by itself
			require.NoError(t, err)
			t.Cleanup(func() { _ = kafka.Close() }) // nothing is kept
			s := newStage(t, nil, at(kafka.Addr()), one.worker)
			what, acked := visiting("t")
			s.start("c", what, one.config)
			s.eventually("acknowledged", func() bool { return acked() == 1 })
			assert.EqualValues(t, 3, described(t, kafka.Addr(), "t")["t"].NumPartitions, "as the broker makes it")
		})
	}
}

func TestATaskWaitsForKafkaToMakeItsTopicAndSaysSo(t *testing.T) {
	t.Parallel()
	addr := testbed.Embedded(t)
	proxy := testbed.StartProxy(t, addr)
	proxy.Refuse()
	s := newStage(t, nil, at(addr), property("admin.bootstrap.servers", proxy.Addr()))
	what, acked := visiting("t")
	id := s.start("c", what, connect.Config{"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3"})
	s.shows(id, Running, "retrying: looking for topic t: Kafka at "+proxy.Addr()+" cannot be reached")
	assert.Zero(t, acked())
	proxy.Accept()
	s.eventually("acknowledged", func() bool { return acked() == 1 })
	s.shows(id, Running, "")
	assert.EqualValues(t, 3, described(t, addr, "t")["t"].NumPartitions)
}

func TestATaskThatWaitsForItsTopicCanBeStopped(t *testing.T) {
	t.Parallel()
	addr := testbed.Embedded(t)
	proxy := testbed.StartProxy(t, addr)
	proxy.Refuse()
	s := newStage(t, nil, at(addr), property("admin.bootstrap.servers", proxy.Addr()))
	what, acked := visiting("t")
	id := s.start("c", what, connect.Config{"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3"})
	s.shows(id, Running, "retrying: looking for topic t")
	s.stop(id)
	s.released()
	assert.Zero(t, acked())
	all := s.statuses.history(id)
	assert.Equal(t, Unassigned, all[len(all)-1].state)
}

func TestClientsOfTopicCreationTakeTheirKeysFromAllLayers(t *testing.T) {
	t.Parallel()
	s := &Settings{
		Properties: map[string]string{"bootstrap.servers": "worker:1", "admin.request.timeout.ms": "11000", "producer.client.id": "no"},
		Clients:    map[string]string{"bootstrap.servers": "worker:1", "request.timeout.ms": "10000", "retry.backoff.ms": "123"},
	}
	for want, override := range map[string]connect.Config{
		"the worker's admin keys": {}, "the connector's": {"admin.override.request.timeout.ms": "12000", "admin.override.client.id": "mine"},
	} {
		got, err := s.adminSettings("connector-adminclient-c-0", override)
		require.NoError(t, err)
		assert.Equal(t, []string{"worker:1"}, got.Brokers)
		assert.EqualValues(t, 123, got.Sarama.Admin.Retry.Backoff.Milliseconds(), "the worker's own keys are the lowest layer")
		if len(override) == 0 {
			assert.EqualValues(t, 11, got.Sarama.Net.ReadTimeout.Seconds(), want)
			assert.Equal(t, "connector-adminclient-c-0", got.Sarama.ClientID)
		} else {
			assert.EqualValues(t, 12, got.Sarama.Net.ReadTimeout.Seconds(), want)
			assert.Equal(t, "mine", got.Sarama.ClientID)
		}
	}
}

func TestOverridesThatThePolicyForbidsKeepATaskFromStartingWhoeverStoredThem(t *testing.T) {
	t.Parallel()
	policy := func(p validation.OverridePolicy) setting { return func(s *Settings) { s.OverridePolicy = p } }
	linger := connect.Config{"producer.override.linger.ms": "5"}
	s := newStage(t, []string{"t"}, policy("Principal"))
	id := s.start("c", script{}, linger)
	s.shows(id, Failed, "producer.override.linger.ms: The 'Principal' policy does not allow 'linger.ms' to be overridden in the connector configuration. "+
		"(connector.client.config.override.policy)")
	id = s.start("d", script{}, connect.Config{"consumer.override.max.poll.records": "5", "producer.override.security.protocol": "PLAINTEXT"})
	s.shows(id, Running, "")
	s = newStage(t, []string{"t"}, policy("org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy"))
	id = s.start("c", script{}, connect.Config{"admin.override.retry.backoff.ms": "5", "topic.creation.default.partitions": "1",
		"topic.creation.default.replication.factor": "1"})
	s.shows(id, Failed, "admin.override.retry.backoff.ms: The 'None' policy does not allow")
	_, err := NewGroups(s.worker.settings).Committed(t.Context(), "c", connect.Config{"consumer.override.group.id": "g"})
	assert.ErrorContains(t, err, "consumer.override.group.id: The 'None' policy does not allow")
	s = newStage(t, []string{"t"}, policy("All"))
	s.shows(s.start("c", script{}, linger), Running, "")
}

func TestAKnownTopicCostsNothing(t *testing.T) {
	c := &topicCreation{known: map[string]struct{}{"t": {}}, last: "t"}
	var free slabs
	s := free.get(1000)
	for i := range s.slots {
		s.slots[i].msg.Topic = "t"
	}
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		if err := c.prepare(t.Context(), s); err != nil {
			panic(err)
		}
	}))
	assert.Len(t, s.slots, 1000)
}
