package kafkaclient

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const someBroker = "broker:9092"

func with(pairs ...string) Properties {
	p := Properties{"bootstrap.servers": someBroker}
	for i := 0; i < len(pairs); i += 2 {
		p[pairs[i]] = pairs[i+1]
	}
	return p
}

func TestProducerDefaultsKeepEveryRecordInOrder(t *testing.T) {
	s, err := ProducerSettings(with())
	require.NoError(t, err)
	assert.Empty(t, s.Warnings)
	assert.Equal(t, []string{someBroker}, s.Brokers)
	assert.Equal(t, sarama.WaitForAll, s.Sarama.Producer.RequiredAcks)
	assert.True(t, s.Sarama.Producer.Idempotent)
	assert.Equal(t, 1, s.Sarama.Net.MaxOpenRequests)
	assert.True(t, s.Sarama.Producer.Return.Successes && s.Sarama.Producer.Return.Errors)
	assert.Equal(t, 32<<20, s.BufferMemory)
	assert.Zero(t, s.Sarama.Producer.Flush)
}

func TestProducerKeysAreMapped(t *testing.T) {
	s, err := ProducerSettings(with("client.id", "c1", "acks", "1", "linger.ms", "20", "batch.size", "65536", "compression.type", "zstd",
		"compression.zstd.level", "7", "max.request.size", "2000000", "request.timeout.ms", "12000", "metadata.max.age.ms", "60000",
		"max.in.flight.requests.per.connection", "5", "bootstrap.servers", " PLAINTEXT://a:1 , b:2"))
	require.NoError(t, err)
	c := s.Sarama
	assert.Equal(t, "c1", c.ClientID)
	assert.Equal(t, sarama.WaitForLocal, c.Producer.RequiredAcks)
	assert.False(t, c.Producer.Idempotent, "acks=1 alone turns idempotence off, as in Java")
	assert.Equal(t, 20*time.Millisecond, c.Producer.Flush.Frequency)
	assert.Equal(t, 65536, c.Producer.Flush.Bytes)
	assert.Equal(t, sarama.CompressionZSTD, c.Producer.Compression)
	assert.Equal(t, 7, c.Producer.CompressionLevel)
	assert.Equal(t, 2000000, c.Producer.MaxMessageBytes)
	assert.Equal(t, 12*time.Second, c.Producer.Timeout)
	assert.Equal(t, time.Minute, c.Metadata.RefreshFrequency)
	assert.Equal(t, 5, c.Net.MaxOpenRequests)
	assert.Equal(t, []string{"a:1", "b:2"}, s.Brokers)
}

func TestBatchSizeWithoutLingerNeverHoldsARecordBack(t *testing.T) {
	s, err := ProducerSettings(with("batch.size", "1000000"))
	require.NoError(t, err)
	assert.Zero(t, s.Sarama.Producer.Flush.Bytes)
}

func TestTransactionalProducerIsIdempotent(t *testing.T) {
	s, err := ProducerSettings(with("transactional.id", "g-c-0", "transaction.timeout.ms", "30000"))
	require.NoError(t, err)
	assert.Equal(t, "g-c-0", s.Sarama.Producer.Transaction.ID)
	assert.Equal(t, 30*time.Second, s.Sarama.Producer.Transaction.Timeout)
	assert.True(t, s.Sarama.Producer.Idempotent)
}

func TestConsumerKeysAreMapped(t *testing.T) {
	s, err := ConsumerSettings(with("group.id", "connect-x", "group.instance.id", "i1", "auto.offset.reset", "earliest", "max.poll.records", "77",
		"isolation.level", "read_committed", "fetch.min.bytes", "10", "fetch.max.bytes", "20", "max.partition.fetch.bytes", "30",
		"fetch.max.wait.ms", "40", "session.timeout.ms", "9000", "heartbeat.interval.ms", "1000", "max.poll.interval.ms", "120000",
		"client.rack", "r1", "check.crcs", "true",
		"partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"))
	require.NoError(t, err)
	c := s.Sarama.Consumer
	assert.Equal(t, "connect-x", s.Group)
	assert.Equal(t, ResetEarliest, s.Reset)
	assert.Equal(t, sarama.OffsetOldest, c.Offsets.Initial)
	assert.Equal(t, 77, s.MaxPollRecords)
	assert.Equal(t, sarama.ReadCommitted, c.IsolationLevel)
	assert.EqualValues(t, 10, c.Fetch.Min)
	assert.EqualValues(t, 20, c.Fetch.MaxBytes)
	assert.EqualValues(t, 30, c.Fetch.Default)
	assert.Equal(t, 40*time.Millisecond, c.MaxWaitTime)
	assert.Equal(t, 2*time.Minute, c.Group.Rebalance.Timeout)
	assert.Equal(t, "r1", s.Sarama.RackID)
	assert.False(t, c.Offsets.AutoCommit.Enable)
	var names []string
	for _, strategy := range c.Group.Rebalance.GroupStrategies {
		names = append(names, strategy.Name())
	}
	assert.Equal(t, []string{"cooperative-sticky", "range"}, names)
	require.Len(t, s.Warnings, 1)
	assert.Equal(t, "check.crcs", s.Warnings[0].Key)
}

func TestAnOffsetResetOfNoneDoesNotReset(t *testing.T) {
	s, err := ConsumerSettings(with("auto.offset.reset", "none"))
	require.NoError(t, err)
	assert.Equal(t, ResetNone, s.Reset)
	assert.False(t, s.Sarama.Consumer.Group.ResetInvalidOffsets)
}

func TestUnusableValuesAreToldAllAtOnceWithKeyAndReason(t *testing.T) {
	_, err := ProducerSettings(with("linger.ms", "soon", "acks", "2", "max.request.size", "-1", "enable.idempotence", "maybe"))
	require.Error(t, err)
	assert.Contains(t, err.Error(), `Invalid value "soon" for producer key "linger.ms": it must be a whole number`)
	assert.Contains(t, err.Error(), `Invalid value "2" for producer key "acks": it must be one of all, -1, 1, 0`)
	assert.Contains(t, err.Error(), `"max.request.size": it must be at least 1`)
	assert.Contains(t, err.Error(), `"enable.idempotence": it must be true or false`)
	var key *KeyError
	assert.ErrorAs(t, err, &key)
}

func TestWhatSluiceCannotDoIsRefused(t *testing.T) {
	for key, value := range map[string]string{
		"ssl.engine.factory.class": "x.Factory", "partitioner.class": "x.Mine", "security.protocol": "SSL3",
		"bootstrap.servers": "nohost", "sasl.login.class": "x.Y",
	} {
		_, err := ProducerSettings(with(key, value))
		assert.ErrorContains(t, err, key)
	}
	_, err := ConsumerSettings(with("partition.assignment.strategy", "x.Mine"))
	assert.ErrorContains(t, err, "partition.assignment.strategy")
	_, err = ProducerSettings(with("enable.idempotence", "true", "acks", "1"))
	assert.ErrorContains(t, err, "acks")
	_, err = ProducerSettings(Properties{})
	assert.ErrorContains(t, err, "bootstrap.servers")
}

func TestKeysWithoutEffectWarnOnceAndKeysOfTheWorkerNot(t *testing.T) {
	s, err := ProducerSettings(with("delivery.timeout.ms", "1000", "linger.mss", "5", "metrics.context.connect.group.id", "g"))
	require.NoError(t, err)
	require.Len(t, s.Warnings, 2)
	assert.Equal(t, `producer key "delivery.timeout.ms": a record is tried until Kafka takes or refuses it`, s.Warnings[0].String())
	assert.Equal(t, `producer key "linger.mss": unknown, it has no effect`, s.Warnings[1].String())
}

func TestAllKeysOfTheTablesAreAcceptedWhenEmpty(t *testing.T) {
	for client, build := range map[Client]func(Properties) (*Settings, error){
		ProducerClient: ProducerSettings, ConsumerClient: ConsumerSettings, AdminClient: AdminSettings,
	} {
		p := Properties{}
		for key := range rulesOf(client) {
			p[key] = ""
		}
		p["bootstrap.servers"] = someBroker
		_, err := build(p)
		assert.NoError(t, err, client)
	}
}

func TestTLSKeysReachTheHandshake(t *testing.T) {
	const store = "../certstore/testdata/trust.jks"
	s, err := ProducerSettings(with("security.protocol", "SSL", "ssl.truststore.location", store, "ssl.truststore.password", "secret-store",
		"ssl.enabled.protocols", "TLSv1.3", "ssl.endpoint.identification.algorithm", ""))
	require.NoError(t, err)
	require.True(t, s.Sarama.Net.TLS.Enable)
	assert.NotNil(t, s.Sarama.Net.TLS.Config.RootCAs)
	assert.EqualValues(t, tls.VersionTLS13, s.Sarama.Net.TLS.Config.MinVersion)
	assert.NotNil(t, s.Sarama.Net.TLS.Config.VerifyConnection, "the chain is verified although the name is not")

	_, err = ProducerSettings(with("security.protocol", "SSL", "ssl.truststore.location", store, "ssl.truststore.password", "hunter2"))
	require.ErrorContains(t, err, "ssl.truststore.password")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestSASLKeysReachTheLogin(t *testing.T) {
	login := func(mechanism, jaas string, more ...string) (*sarama.Config, error) {
		s, err := AdminSettings(with(append([]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", mechanism, "sasl.jaas.config", jaas}, more...)...))
		if err != nil {
			return nil, err
		}
		return s.Sarama, nil
	}
	c, err := login("PLAIN", `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p;=\"q\" \\";`)
	require.NoError(t, err)
	assert.Equal(t, "u", c.Net.SASL.User)
	assert.Equal(t, `p;="q" \`, c.Net.SASL.Password)

	c, err = login("SCRAM-SHA-512", `org.apache.kafka.common.security.scram.ScramLoginModule required username=u password=p;`)
	require.NoError(t, err)
	assert.NotNil(t, c.Net.SASL.SCRAMClientGeneratorFunc)

	c, err = login("OAUTHBEARER", `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="me";`)
	require.NoError(t, err)
	token, err := c.Net.SASL.TokenProvider.Token()
	require.NoError(t, err)
	assert.Len(t, strings.Split(token.Token, "."), 3)
}

func TestUnusableLoginsNameTheKeyAndNoSecret(t *testing.T) {
	for jaas, says := range map[string]string{
		"": "it is missing",
		`x.PlainLoginModule required username="u" password="hunter2"`:                         "end with a semicolon",
		`x.PlainLoginModule username="u" password="hunter2";`:                                 "required, requisite",
		`x.PlainLoginModule required username="u" password="hunter2;`:                         "does not end",
		`x.PlainLoginModule required username="u" "hunter2";`:                                 "name=value",
		`x.PlainLoginModule required username="u" password="hunter2"; x.Second required a=b;`: "one login module",
		`x.ScramLoginModule required username="u" password="hunter2";`:                        "PlainLoginModule",
		`x.PlainLoginModule required username="u";`:                                           "username and password",
	} {
		_, err := ProducerSettings(with("security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.jaas.config", jaas))
		require.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, "sasl.jaas.config")
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestAMechanismThatIsNotHereIsTheOnlyComplaint(t *testing.T) {
	_, err := AdminSettings(Properties{"bootstrap.servers": "kafka:9092", "security.protocol": "SASL_SSL", "sasl.mechanism": "AWS_MSK_IAM"})
	require.EqualError(t, err, `Invalid value "AWS_MSK_IAM" for admin key "sasl.mechanism": it must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, `+
		"OAUTHBEARER, GSSAPI")
}
