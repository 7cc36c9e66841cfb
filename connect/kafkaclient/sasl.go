package kafkaclient

import (
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"github.com/sluice-connect/sluice/connect/jaas"
)

// sasl reads Java's SaslConfigs.
func (r *reader) sasl(c *sarama.Config) {
	before := len(r.errs)
	mechanism := r.choice("sasl.mechanism", "GSSAPI", sarama.SASLTypePlaintext, sarama.SASLTypeSCRAMSHA256, sarama.SASLTypeSCRAMSHA512,
		sarama.SASLTypeOAuth, sarama.SASLTypeGSSAPI)
	if len(r.errs) > before {
		return // what another mechanism would want is of no use
	}
	if !r.given("sasl.jaas.config") {
		r.fail("sasl.jaas.config", fmt.Errorf("it is missing: sasl.mechanism %s logs in with it", mechanism))
		return
	}
	l, err := jaas.Parse(r.props["sasl.jaas.config"])
	if err != nil {
		r.fail("sasl.jaas.config", err)
		return
	}
	if mechanism != sarama.SASLTypeOAuth && r.given("sasl.login.callback.handler.class") {
		r.fail("sasl.login.callback.handler.class", errors.New(noJavaClass))
	}
	c.Net.SASL.Enable = true
	c.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
	switch mechanism {
	case sarama.SASLTypePlaintext:
		r.module(l, "PlainLoginModule")
		r.user(c, l)
	case sarama.SASLTypeSCRAMSHA256, sarama.SASLTypeSCRAMSHA512:
		r.module(l, "ScramLoginModule")
		r.user(c, l)
		if strings.EqualFold(l.Options["tokenauth"], "true") {
			r.fail("sasl.jaas.config", errors.New("logging in by a delegation token (tokenauth) is not supported"))
		}
		c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			if mechanism == sarama.SASLTypeSCRAMSHA256 {
				return &scramLogin{hash: scram.SHA256}
			}
			return &scramLogin{hash: scram.SHA512}
		}
	case sarama.SASLTypeGSSAPI:
		r.module(l, "Krb5LoginModule")
		r.kerberos(&c.Net.SASL.GSSAPI, l)
	case sarama.SASLTypeOAuth:
		r.module(l, "OAuthBearerLoginModule")
		c.Net.SASL.TokenProvider = r.oauth(l, c)
	}
}

// module checks that the login module is the mechanism's. The name alone counts: programs shade Kafka's packages.
func (r *reader) module(l jaas.Login, want string) {
	if l.Module() != want {
		r.fail("sasl.jaas.config", fmt.Errorf("its login module is %s, but sasl.mechanism wants %s", l.Module(), want))
	}
}

func (r *reader) user(c *sarama.Config, l jaas.Login) {
	c.Net.SASL.User, c.Net.SASL.Password = l.Options["username"], l.Options["password"]
	if c.Net.SASL.User == "" || c.Net.SASL.Password == "" {
		r.fail("sasl.jaas.config", errors.New("it must give username and password"))
	}
}

// scramLogin is one SCRAM exchange.
type scramLogin struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

// Begin implements [sarama.SCRAMClient].
func (s *scramLogin) Begin(user, password, authzID string) error {
	client, err := s.hash.NewClient(user, password, authzID)
	if err != nil {
		return fmt.Errorf("preparing the SCRAM login: %w", err)
	}
	s.conversation = client.NewConversation()
	return nil
}

// Step implements [sarama.SCRAMClient].
func (s *scramLogin) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }

// Done implements [sarama.SCRAMClient].
func (s *scramLogin) Done() bool { return s.conversation.Done() }
