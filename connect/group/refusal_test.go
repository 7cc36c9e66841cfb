package group

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// fatal is the error that a member's Run has ended with, which is to name the key.
func fatal(t *testing.T, m *crewman, key string) *FatalError {
	t.Helper()
	err := m.ended()
	refusal := new(FatalError)
	require.ErrorAs(t, err, &refusal)
	assert.Contains(t, refusal.Text, key)
	assert.Zero(t, m.count(joined))
	assert.Empty(t, m.logged.String(), "who runs the member says it")
	return refusal
}

func TestAGroupOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	consumer := k.member(&script{}, func(s *Settings) { s.ProtocolType = "consumer" })
	consumer.await(joined, 1)
	assert.ErrorIs(t, fatal(t, k.member(&script{}), "group.id"), sarama.ErrInconsistentGroupProtocol)
	consumer.beats(3)
	assert.Equal(t, 1, consumer.count(joined), "it is not disturbed")
}

func TestASessionTimeoutThatTheBrokerDoesNotAllowIsRefused(t *testing.T) {
	t.Parallel()
	m := startKafka(t, 1).member(&script{}, func(s *Settings) { s.Session = 50 * time.Millisecond })
	err := fatal(t, m, "session.timeout.ms")
	assert.ErrorIs(t, err, sarama.ErrInvalidSessionTimeout)
	assert.Contains(t, err.Text, "group.min.session.timeout.ms")
}

func TestAFullGroupIsRefused(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1, kfake.BrokerConfigs(map[string]string{"group.max.size": "1"}))
	k.member(&script{}).await(joined, 1)
	assert.ErrorIs(t, fatal(t, k.member(&script{}), "group.id"), sarama.ErrGroupMaxSizeReached)
}

func TestRefusalsThatNoRetryMendsEndAMemberThatHasNeverJoined(t *testing.T) {
	for _, c := range []struct {
		key    kmsg.Key
		refuse *kerr.Error
		want   error
	}{
		{kmsg.FindCoordinator, kerr.GroupAuthorizationFailed, sarama.ErrGroupAuthorizationFailed},
		{kmsg.JoinGroup, kerr.GroupAuthorizationFailed, sarama.ErrGroupAuthorizationFailed},
		{kmsg.SyncGroup, kerr.GroupAuthorizationFailed, sarama.ErrGroupAuthorizationFailed},
		{kmsg.JoinGroup, kerr.InvalidGroupID, sarama.ErrInvalidGroupId},
	} {
		t.Run(c.key.Name()+" "+c.refuse.Message, func(t *testing.T) {
			t.Parallel()
			k := startKafka(t, 1)
			k.refuse(c.key, c.refuse, -1)
			err := fatal(t, k.member(&script{}), "group.id")
			assert.ErrorIs(t, err, c.want)
			assert.Contains(t, err.Text, crew)
		})
	}
}

func TestAWrongPasswordEndsAMemberThatHasNeverJoined(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "right"))
	k.ControlKey(int16(kmsg.SASLAuthenticate), refuseLogin) // as a real Kafka does; left to itself this one closes the connection
	login := func(password string) kafkaclient.Properties {
		return with(k.clients(), kafkaclient.Properties{
			"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
			"sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required username="ada" password="` + password + `";`,
		})
	}
	err := fatal(t, start(t, login("n0tright"), &script{}), "sasl.jaas.config")
	assert.NotContains(t, err.Text, "n0tright")

	start(t, login("right"), &script{}).await(joined, 1)
}

func refuseLogin(r kmsg.Request) (kmsg.Response, error, bool) {
	answer := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
	return answer, nil, true
}

func TestAMemberThatHasJoinedOnceOutlastsWhatWouldHaveKeptItOut(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	before := m.await(joined, 1).round.MemberID
	refusals := k.refuse(kmsg.JoinGroup, kerr.GroupAuthorizationFailed, 5)
	m.Rejoin("news")

	assert.Equal(t, before, m.await(joined, 2).round.MemberID)
	assert.Equal(t, 5, refusals.Hits())
	assert.Equal(t, 1, strings.Count(m.logged.String(), "\n"), m.logged)
	assert.Contains(t, m.logged.String(), "group.id: not authorized to join group crew")

	k.refuse(kmsg.JoinGroup, kerr.GroupAuthorizationFailed, 2)
	m.Rejoin("news")
	m.await(joined, 3)
	assert.Equal(t, 2, strings.Count(m.logged.String(), "\n"), "new trouble is told: %v", m.logged)
}

func TestAPreparationThatIsFatalEndsTheMember(t *testing.T) {
	t.Parallel()
	cause := errors.New("too old")
	m := startKafka(t, 1).member(&script{prepare: func(context.Context, int) error {
		return &FatalError{Text: "config.storage.topic: it is too old", Cause: cause}
	}})
	assert.ErrorIs(t, fatal(t, m, "config.storage.topic"), cause)
}

func TestAPreparationThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	m := startKafka(t, 1).member(&script{prepare: func(_ context.Context, count int) error {
		if count < 4 {
			return errors.New("the config topic cannot be read")
		}
		return nil
	}})
	m.await(joined, 1)
	assert.Equal(t, 4, m.count(prepared))
	assert.Equal(t, 1, strings.Count(m.logged.String(), "the config topic cannot be read"))
}
