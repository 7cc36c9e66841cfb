package kafkaclient

import (
	"errors"

	"github.com/IBM/sarama"
)

// Class says what an error of a Kafka client asks for.
type Class uint8

const (
	// Retriable errors pass: Kafka is away, a leader moves, a request timed out. On a producer's Errors channel it means that this
	// producer has given the record up: make a new one and send everything unacknowledged again, in order.
	Retriable Class = iota
	// ProducerLost: producer and broker disagree about what was sent. Nothing more of this producer is to be trusted; make a new one and
	// send everything unacknowledged again, in order.
	ProducerLost
	// RecordRefused: Kafka, or the client before it, does not take this record, now or later. The producer is well.
	RecordRefused
	// Denied: a login, a right, a setting or another producer with the same transactional.id is in the way. Only people can change that.
	Denied
	// Closed: the client was closed by its owner.
	Closed
)

func (c Class) String() string {
	switch c {
	case Retriable:
		return "retriable"
	case ProducerLost:
		return "producer lost"
	case RecordRefused:
		return "record refused"
	case Denied:
		return "denied"
	default:
		return "closed"
	}
}

// classes are searched in order; the first hit counts. What stands nowhere is retriable.
var classes = []struct {
	class Class
	errs  []error
}{
	{Closed, []error{sarama.ErrShuttingDown, sarama.ErrClosedClient}},
	{Denied, []error{
		sarama.ErrProducerFenced, sarama.ErrTransactionalIDAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrGroupAuthorizationFailed, sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState,
		sarama.ErrUnsupportedVersion, sarama.ErrSecurityDisabled, sarama.ErrInvalidRequiredAcks, sarama.ErrUnsupportedCompressionType,
		sarama.ErrInvalidTransactionTimeout,
	}},
	{ProducerLost, []error{
		sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidProducerIDMapping,
		sarama.ErrInvalidTxnState, sarama.ErrTransactionNotReady, sarama.ErrTransitionNotAllowed, sarama.ErrAddPartitionsToTxn,
		sarama.ErrProducerRetryBufferOverflow,
	}},
	{RecordRefused, []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrInvalidTimestamp,
		sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed, sarama.ErrUnsupportedForMessageFormat, sarama.ErrPolicyViolation,
		sarama.ErrInvalidPartition,
	}},
}

// Classify sorts the errors of sarama's clients. Errors of a [Producer]'s channel go through [Producer.Cause] first.
func Classify(err error) Class {
	for _, c := range classes {
		for _, e := range c.errs {
			if errors.Is(err, e) {
				return c.class
			}
		}
	}
	var (
		setting  sarama.ConfigurationError // a record larger than max.request.size, too
		encoding sarama.PacketEncodingError
	)
	if errors.As(err, &setting) || errors.As(err, &encoding) {
		return RecordRefused
	}
	if kerberosTroubleOf(err).denies() {
		return Denied
	}
	return Retriable
}
