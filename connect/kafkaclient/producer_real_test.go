package kafkaclient

import (
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestRealKafkaKilledAndFrozenLosesNothing(t *testing.T) {
	kafka := testbed.StartKafka(t)
	testbed.CreateTopic(t, kafka.Addr(), "t", 3, nil)
	st := startStream(t, kafka.Addr(), "t", nil)
	st.progress(2000)
	kafka.Kill()
	pass(3 * time.Second)
	kafka.Restart()
	back := time.Now()
	st.progress(1)
	late := time.Since(back)
	t.Logf("a record was acknowledged %v after Kafka had come back", late)
	assert.Less(t, late, 5*time.Second)
	st.progress(2000)
	kafka.Freeze()
	pass(4 * time.Second)
	kafka.Thaw()
	st.progress(2000)
	st.finish()
	st.checkWhole(kafka.Addr())
}

func TestLeadersThatMoveLoseNothing(t *testing.T) {
	cluster := testbed.StartKafkaCluster(t, 3)
	addr := cluster.Nodes[0].Addr()
	testbed.CreateReplicatedTopic(t, addr, "t", 3, 3, map[string]string{"min.insync.replicas": "2"})
	st := startStream(t, addr, "t", nil)
	st.progress(2000)
	cluster.Nodes[1].Kill()
	st.progress(2000)
	cluster.Nodes[1].Restart()
	cluster.Nodes[2].Kill()
	st.progress(2000)
	st.finish()
	st.checkWhole(addr)
}

func TestRealKafkaRefusesAWrongPasswordAndExplainSaysSo(t *testing.T) {
	kafka := testbed.StartKafka(t, testbed.WithSASL("sensor", "right"))
	login := func(password string) *Settings {
		return producerSettings(t, kafka.SASLAddr(), Properties{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
			"sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required username="sensor" password="` + password + `";`})
	}
	s := login("wrong")
	_, err := NewProducer(t.Context(), s, ProducerOptions{})
	require.Error(t, err)
	assert.Equal(t, Denied, Classify(err))
	assert.Equal(t, `Kafka at `+kafka.SASLAddr()+` refused the login of user "sensor" (SASL/PLAIN): check sasl.jaas.config`, Explain(err, s).Error())

	p, err := NewProducer(t.Context(), login("right"), ProducerOptions{})
	require.NoError(t, err)
	p.AsyncClose()
	_, open := <-p.Errors()
	assert.False(t, open)
	p.Abort()

	plain := producerSettings(t, kafka.SASLAddr(), Properties{"request.timeout.ms": "3000"})
	_, err = NewProducer(t.Context(), plain, ProducerOptions{})
	require.Error(t, err)
	assert.Contains(t, Explain(err, plain).Error(), "security.protocol")
	assert.False(t, errors.Is(err, sarama.ErrSASLAuthenticationFailed))
}

func TestTransactionsCommitAndASecondProducerFencesTheFirst(t *testing.T) {
	addr := testbed.SharedKafka(t)
	topic := testbed.Prefix(t) + "t"
	testbed.CreateTopic(t, addr, topic, 1, nil)
	s := producerSettings(t, addr, Properties{"transactional.id": topic})
	first, err := NewProducer(t.Context(), s, ProducerOptions{})
	require.NoError(t, err)
	defer first.Abort()
	go discard(first)
	require.NoError(t, first.BeginTxn())
	first.Input() <- message(topic)
	require.NoError(t, first.CommitTxn())

	second, err := NewProducer(t.Context(), s, ProducerOptions{})
	require.NoError(t, err)
	defer second.Abort()
	require.NoError(t, first.BeginTxn())
	first.Input() <- message(topic)
	err = first.CommitTxn()
	require.Error(t, err)
	assert.Contains(t, []Class{Denied, ProducerLost}, Classify(err), "%v", err)
}
