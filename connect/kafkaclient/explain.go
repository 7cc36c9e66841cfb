package kafkaclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/IBM/sarama"
)

// Explanation is an error as a user should read it: one line that names the cause, the key and the fix. Its cause stays for errors.Is.
type Explanation struct {
	text  string
	cause error
}

func (e *Explanation) Error() string { return e.text }

func (e *Explanation) Unwrap() error { return e.cause }

// Explain puts an error of a client made from these settings into one line for users. It says what to check, and no secret.
// Nil stays nil; an error that is an Explanation already stays as it is.
func Explain(err error, s *Settings) error {
	var already *Explanation
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &Explanation{text: explain(err, s), cause: err}
}

func explain(err error, s *Settings) string {
	at := "Kafka at " + strings.Join(s.Brokers, ",")
	sasl := &s.Sarama.Net.SASL
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return fmt.Sprintf("%s refused the login of %s (SASL/%s): check sasl.jaas.config", at, user(s), sasl.Mechanism)
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return fmt.Sprintf("%s does not offer SASL/%s: check sasl.mechanism", at, sasl.Mechanism)
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed):
		return fmt.Sprintf("%s denies %s access to the topic: check the ACLs of the topic (%v)", at, user(s), err)
	case errors.Is(err, sarama.ErrGroupAuthorizationFailed):
		return fmt.Sprintf("%s denies %s access to the consumer group %q: check the ACLs of the group", at, user(s), s.Group)
	case errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		return fmt.Sprintf("%s denies %s an operation on the cluster: check its ACLs, for an idempotent producer on old brokers IdempotentWrite", at, user(s))
	case errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed):
		return fmt.Sprintf("%s denies %s the transactional.id %q: check its ACLs", at, user(s), s.Sarama.Producer.Transaction.ID)
	case errors.Is(err, sarama.ErrProducerFenced):
		return fmt.Sprintf("another producer with the transactional.id %q has taken over", s.Sarama.Producer.Transaction.ID)
	case errors.Is(err, sarama.ErrMessageSizeTooLarge), errors.Is(err, sarama.ErrMessageSetSizeTooLarge):
		return "Kafka does not take a record or batch that large: check max.message.bytes of the topic, and max.request.size of the producer"
	case errors.Is(err, sarama.ErrInvalidRecord):
		return "Kafka does not take a record of the batch: a compacted topic wants keys, and the topic's time limits hold for timestamps"
	}
	if text := explainKerberos(err, s); text != "" {
		return text
	}
	if text := explainConnection(err, at, s); text != "" {
		return text
	}
	if errors.Is(err, sarama.ErrOutOfBrokers) {
		return fmt.Sprintf("%s cannot be reached: check bootstrap.servers, and the brokers", at)
	}
	return fmt.Sprintf("%s: %s", at, oneLine(err))
}

func explainConnection(err error, at string, s *Settings) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		dns       *net.DNSError
		timeout   net.Error
	)
	secured := s.Sarama.Net.TLS.Enable
	switch {
	case errors.As(err, &authority):
		return fmt.Sprintf("%s has a certificate of an unknown authority: check ssl.truststore.location", at)
	case errors.As(err, &name):
		return fmt.Sprintf("%s has a certificate for another name (%v): check bootstrap.servers, or empty ssl.endpoint.identification.algorithm", at, name)
	case errors.As(err, &invalid):
		return fmt.Sprintf("%s has a certificate that is not valid (%v)", at, invalid)
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak TLS: check security.protocol and the port in bootstrap.servers", at)
	case errors.As(err, &alert):
		return fmt.Sprintf("%s ended the TLS handshake (%v): check ssl.keystore.location, and that the broker trusts this certificate", at, alert)
	case errors.As(err, &dns):
		return fmt.Sprintf("%s cannot be reached (no such host %s): check bootstrap.servers", at, dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s cannot be reached (connection refused): check bootstrap.servers", at)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("%s cannot be reached (no route to host): check bootstrap.servers", at)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s does not answer (timeout): check bootstrap.servers and the network", at)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		if secured {
			return fmt.Sprintf("%s closed the connection: check security.protocol, and whether the broker wants a client certificate (ssl.keystore.location)", at)
		}
		return fmt.Sprintf("%s closed the connection: check that the brokers of bootstrap.servers run, and security.protocol, whether the port wants TLS or a login", at)
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return fmt.Sprintf("%s has no such topic or partition (%s): create it, or turn auto.create.topics.enable on", at, oneLine(err))
	}
	return ""
}

// user is who the client logs in as.
func user(s *Settings) string {
	switch sasl := &s.Sarama.Net.SASL; {
	case sasl.Enable && sasl.User != "":
		return fmt.Sprintf("user %q", sasl.User)
	case sasl.Enable && sasl.GSSAPI.Username != "":
		return fmt.Sprintf("principal %q", principal(&sasl.GSSAPI))
	default:
		return "this client"
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
