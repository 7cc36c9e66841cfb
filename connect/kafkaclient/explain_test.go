package kafkaclient

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorsAreSortedByWhatTheyAskFor(t *testing.T) {
	for want, errs := range map[Class][]error{
		Retriable: {io.EOF, syscall.ECONNREFUSED, sarama.ErrNotEnoughReplicas, sarama.ErrNotLeaderForPartition, sarama.ErrUnknownTopicOrPartition,
			sarama.Wrap(sarama.ErrOutOfBrokers, io.EOF), errors.New("unheard of")},
		ProducerLost:  {sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID, sarama.ErrInvalidProducerEpoch},
		RecordRefused: {sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrTopicAuthorizationFailed, sarama.ConfigurationError("large")},
		Denied:        {sarama.ErrProducerFenced, sarama.ErrClusterAuthorizationFailed, sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("bad"))},
		Closed:        {sarama.ErrShuttingDown, sarama.ErrClosedClient},
	} {
		for _, err := range errs {
			assert.Equal(t, want, Classify(fmt.Errorf("sending: %w", err)), "%v", err)
		}
	}
}

func TestExplanationsNameCauseKeyAndFixButNoSecret(t *testing.T) {
	s, err := ProducerSettings(with("security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-256",
		"sasl.jaas.config", `x.ScramLoginModule required username="sensor" password="hunter2";`))
	require.NoError(t, err)
	for says, err := range map[string]error{
		`Kafka at broker:9092 refused the login of user "sensor" (SASL/SCRAM-SHA-256): check sasl.jaas.config`: sarama.ErrSASLAuthenticationFailed,
		"connection refused): check bootstrap.servers":                                                         &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"no such host broker): check bootstrap.servers":                                                        &net.DNSError{Name: "broker"},
		"check ssl.truststore.location":                                                                        x509.UnknownAuthorityError{},
		"check security.protocol":                                                                              sarama.Wrap(sarama.ErrOutOfBrokers, io.EOF),
		"broker:9092 cannot be reached: check bootstrap.servers":                                               sarama.ErrOutOfBrokers,
		"max.message.bytes":                                                                                    sarama.ErrMessageSizeTooLarge,
	} {
		explained := Explain(fmt.Errorf("connecting: %w", err), s)
		assert.Contains(t, explained.Error(), says)
		assert.NotContains(t, explained.Error(), "hunter2")
		assert.ErrorIs(t, explained, err)
		assert.Equal(t, explained, Explain(explained, s))
	}
	assert.NoError(t, Explain(nil, s))
}

func TestTokenIsFetchedByClientCredentialsAndKept(t *testing.T) {
	var asked atomic.Int32
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		id, secret, _ := r.BasicAuth()
		if id != "me" || secret != "s3cret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "tok", "expires_in": 3600})
	}))
	defer provider.Close()
	build := func(secret string) sarama.AccessTokenProvider {
		s, err := AdminSettings(with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER",
			"sasl.oauthbearer.token.endpoint.url", provider.URL,
			"sasl.login.callback.handler.class", "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
			"sasl.jaas.config", `x.OAuthBearerLoginModule required clientId="me" clientSecret="`+secret+`" scope="kafka" extension_pool="p1";`))
		require.NoError(t, err)
		return s.Sarama.Net.SASL.TokenProvider
	}
	tokens := build("s3cret")
	for range 3 {
		token, err := tokens.Token()
		require.NoError(t, err)
		assert.Equal(t, "tok", token.Token)
		assert.Equal(t, map[string]string{"pool": "p1"}, token.Extensions)
	}
	assert.EqualValues(t, 1, asked.Load())
	_, err := build("hunter2").Token()
	require.ErrorContains(t, err, "401")
	assert.NotContains(t, err.Error(), "hunter2")
}
