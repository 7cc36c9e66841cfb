package kafkaclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/eapache/go-resiliency/breaker"
)

// Producer is a sarama producer that waits while Kafka or a leader is away, where sarama's own would fail records out of their order.
//
// To end one wait until all records sent are answered, call AsyncClose, read its channels until both are closed, and call Abort. When that
// takes too long, call Abort earlier: all that is under way then comes back through Errors at once. AsyncClose with records under way keeps
// no order: sarama fails a batch that just then waits for its next try with [sarama.ErrShuttingDown], and sends what follows it.
type Producer struct {
	sarama.AsyncProducer
	client   *waitingClient
	dialer   *Dialer
	lost     chan struct{}
	failures *failures

	abort, release, exhausted sync.Once
}

// ProducerOptions are what a producer works with beside its settings.
type ProducerOptions struct {
	// Hold is asked before each of the producer's writes; nil holds nothing back.
	Hold Hold
	// Waiting is told why records wait and when the next try is; a nil cause takes it back, and so does any acknowledgement. It is called
	// from several goroutines and must not block. Nil is allowed.
	Waiting func(cause error, next time.Time)
	// Fatal judges a failed record, with its [Producer.Cause], before it comes through Errors: where it reports true the producer is cut off from
	// Kafka, as by Abort, before anything that follows the record can be written, so that nothing overtakes it. It is called on a goroutine of the
	// producer's and must not block. Nil never does.
	Fatal func(m *sarama.ProducerMessage, cause error) bool
}

// idRetries take about 3 seconds with the default backoff.
const idRetries = 5

// transactionRetries bound the tries to end a transaction. They take longer than transaction.timeout.ms usually is, after which there is nothing
// to end.
const transactionRetries = 200

// quickTries are those that the coordinator of transactions gets before any other: it refuses a transaction while it completes the one before, which
// takes it some milliseconds.
const (
	quickTries = 10
	quickPause = 10 * time.Millisecond
)

// NewProducer connects a producer: Kafka must answer, else the error comes back, to be put into words by [Explain]. It does not try long:
// who wants the producer tries again and says so. The end of ctx ends the try.
func NewProducer(ctx context.Context, s *Settings, o ProducerOptions) (*Producer, error) {
	if o.Waiting == nil {
		o.Waiting = func(error, time.Time) {}
	}
	p := &Producer{dialer: s.Dialer(o.Hold), lost: make(chan struct{})}
	p.client = &waitingClient{backoff: s.backoff, stopped: make(chan struct{}), waiting: o.Waiting, refusals: map[string]error{}}
	config := s.For(p.dialer)
	config.Metadata.Retry.Max = 0 // the waiting client tries again, for sarama does it by recursion and cannot be stopped
	config.Producer.Retry.BackoffFunc = p.pause
	config.Producer.Retry.Backoff = 0
	// Without transactions it only counts the tries to get an id, which a broker that has just started refuses for a moment.
	config.Producer.Transaction.Retry.Max = idRetries
	quick := 0
	if config.Producer.Transaction.ID != "" {
		quick = quickTries
		config.Producer.Transaction.Retry.Max += quick
	}
	config.Producer.Transaction.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		p.pauseTransaction(retries, quick)
		return 0
	}

	stop := context.AfterFunc(ctx, p.cut)
	inner, err := sarama.NewClient(s.Brokers, config)
	if err != nil {
		stop()
		p.cut()
		return nil, fmt.Errorf("making a Kafka client: %w", err)
	}
	p.client.Client = inner
	err = p.connect(config, s.Brokers)
	if stop() && err == nil {
		p.guard(o.Fatal)
		return p, nil
	}
	if p.AsyncProducer != nil {
		p.AsyncClose()
	}
	p.Abort()
	return nil, fmt.Errorf("connecting a Kafka producer: %w", errors.Join(err, context.Cause(ctx)))
}

// guard lets fatal judge failed records. Nothing has been sent yet.
func (p *Producer) guard(fatal func(m *sarama.ProducerMessage, cause error) bool) {
	if fatal == nil {
		return
	}
	p.failures = newFailures()
	p.dialer.turns.Store(&p.failures.turns)
	go p.failures.watch(p.AsyncProducer.Errors(), func(e *sarama.ProducerError) {
		if fatal(e.Msg, p.Cause(e)) {
			p.cut()
		}
	})
}

// Errors are the records that failed. It is closed after AsyncClose, when no more come.
func (p *Producer) Errors() <-chan *sarama.ProducerError {
	if p.failures == nil {
		return p.AsyncProducer.Errors()
	}
	return p.failures.passed
}

// connect opens the producer, which asks a broker for its id.
func (p *Producer) connect(config *sarama.Config, addrs []string) error {
	seed, err := reach(config, addrs)
	if err != nil {
		return err
	}
	p.client.seed = seed
	p.AsyncProducer, err = sarama.NewAsyncProducerFromClient(p.client)
	p.client.seed = nil
	if config.Producer.Transaction.ID != "" {
		config.Producer.Transaction.Retry.Max = transactionRetries
	}
	_ = seed.Close() // of no more use, whether it closes well or not
	return err
}

// reach connects to the first bootstrap server that answers. sarama's producer would ask only one of them for its id.
func reach(config *sarama.Config, addrs []string) (*sarama.Broker, error) {
	var errs []error
	for _, i := range rand.Perm(len(addrs)) {
		b := sarama.NewBroker(addrs[i])
		if err := b.Open(config); err != nil {
			return nil, err
		}
		ok, err := b.Connected()
		if ok {
			return b, nil
		}
		errs = append(errs, err)
		if Classify(err) == Denied {
			break
		}
	}
	return nil, sarama.Wrap(sarama.ErrOutOfBrokers, errs...)
}

// Abort cuts the producer off from Kafka and frees its connections. It may be called more than once, but only Abort after the end of
// AsyncClose leaves nothing behind.
func (p *Producer) Abort() {
	p.cut()
	p.release.Do(func() { _ = p.client.Client.Close() }) // its only error is that it was closed before
}

// cut ends all waiting and all connections.
func (p *Producer) cut() {
	p.abort.Do(func() {
		close(p.client.stopped)
		p.dialer.Close()
	})
}

// Lost is closed when Kafka answered one batch with passing errors so often that sarama would give it up. The batch waits then, and with
// it what follows on its partition, so that no record overtakes another: Abort this producer, and send everything unacknowledged again
// with a new one. A transactional producer is never lost: its batch fails, and with it the transaction.
func (p *Producer) Lost() <-chan struct{} { return p.lost }

// pause is called by sarama before each new try of a batch. It waits itself, so that Abort can end the wait.
func (p *Producer) pause(retries, most int) time.Duration {
	if p.IsTransactional() && p.TxnStatus()&sarama.ProducerTxnFlagInError != 0 {
		return 0 // no try can succeed, but sarama makes them all before CommitTxn returns
	}
	if retries >= most && !p.IsTransactional() {
		p.exhausted.Do(func() { close(p.lost) })
		<-p.client.stopped
		return 0
	}
	d := p.client.backoff.after(retries)
	if retries > 1 { // the first try after a broken connection is nothing to tell
		p.client.waiting(ErrPutOff, time.Now().Add(d))
	}
	p.client.sleep(d)
	return 0
}

// pauseTransaction is called by sarama before each new try of a request to the coordinator. It waits itself, so that Abort can end the wait.
func (p *Producer) pauseTransaction(retries, quick int) {
	if retries < quick {
		p.client.sleep(quickPause)
		return
	}
	d := p.client.backoff.after(retries - quick)
	if quick > 0 {
		p.client.waiting(ErrCoordinator, time.Now().Add(d))
	}
	p.client.sleep(d)
}

// ErrCoordinator is the cause of a wait for the broker that coordinates a transaction. sarama does not say what it answers.
var ErrCoordinator = errors.New("the coordinator of the transaction does not answer, or puts it off again and again")

// ErrPutOff is the cause of a wait for a batch that Kafka answers again and again with errors that pass. sarama does not say which.
var ErrPutOff = errors.New("a batch is put off again and again: too few replicas are in sync, a partition moves, or connections break")

// Cause is why a record failed. sarama hides the refusal of a topic behind its circuit breaker after the third record.
func (p *Producer) Cause(e *sarama.ProducerError) error {
	if !errors.Is(e.Err, breaker.ErrBreakerOpen) {
		return e.Err
	}
	select {
	case <-p.client.stopped:
		return sarama.ErrClosedClient
	default:
	}
	if refusal := p.client.refusal(e.Msg.Topic); refusal != nil {
		return refusal
	}
	return e.Err
}
