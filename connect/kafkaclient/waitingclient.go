package kafkaclient

import (
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// waitingClient is a sarama client whose answers about partitions and leaders wait until there is one. sarama's producer asks such
// questions on each record's way, and fails the record when the answer is an error; records that follow would then overtake it.
// It returns an error only when Kafka refuses the topic or the login, or when it is stopped.
type waitingClient struct {
	sarama.Client
	backoff backoff
	stopped chan struct{}
	waiting func(cause error, next time.Time)

	// seed is the broker that gives the producer its id; it is set only while the producer is opened.
	seed *sarama.Broker

	mu       sync.Mutex
	waiters  int
	refusals map[string]error // why a topic was last refused
}

// LeastLoadedBroker implements [sarama.Client].
func (c *waitingClient) LeastLoadedBroker() *sarama.Broker {
	if c.seed != nil {
		_ = c.seed.Open(c.Config()) // again, if its connection broke; its only error is that it is open
		return c.seed
	}
	return c.Client.LeastLoadedBroker()
}

// RefreshMetadata waits for an answer of Kafka, not for leaders: those of other partitions are no reason to wait.
func (c *waitingClient) RefreshMetadata(topics ...string) error {
	return c.patiently(topics, func() error {
		err := c.Client.RefreshMetadata(topics...)
		if errors.Is(err, sarama.ErrLeaderNotAvailable) || errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			return nil
		}
		return err
	})
}

// Leader waits until the partition has one.
func (c *waitingClient) Leader(topic string, partition int32) (leader *sarama.Broker, err error) {
	err = c.patiently([]string{topic}, func() (err error) {
		leader, err = c.Client.Leader(topic, partition)
		if err == nil && leader == nil {
			return sarama.ErrLeaderNotAvailable
		}
		return err
	})
	return leader, err
}

// Partitions waits until the topic exists.
func (c *waitingClient) Partitions(topic string) ([]int32, error) {
	return c.partitions(topic, c.Client.Partitions)
}

// WritablePartitions waits until a partition of the topic has a leader.
func (c *waitingClient) WritablePartitions(topic string) ([]int32, error) {
	return c.partitions(topic, c.Client.WritablePartitions)
}

func (c *waitingClient) partitions(topic string, list func(string) ([]int32, error)) (all []int32, err error) {
	err = c.patiently([]string{topic}, func() (err error) {
		all, err = list(topic)
		if err == nil && len(all) == 0 {
			return sarama.ErrLeaderNotAvailable
		}
		// The cached answer of a refresh that found some partitions without a leader is good enough.
		if len(all) > 0 {
			return nil
		}
		return err
	})
	return all, err
}

// patiently tries until there is an answer, Kafka refuses, or the client is stopped.
func (c *waitingClient) patiently(topics []string, try func() error) error {
	for retries := 0; ; retries++ {
		err := try()
		if err == nil || Classify(err) != Retriable {
			c.answered(retries, topics, err)
			return err
		}
		if retries == 0 {
			c.wait(1)
		}
		pause := c.backoff.after(retries + 1)
		c.waiting(err, time.Now().Add(pause))
		if !c.sleep(pause) {
			c.wait(-1)
			return sarama.ErrClosedClient
		}
	}
}

func (c *waitingClient) wait(n int) (left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiters += n
	return c.waiters
}

// answered remembers why topics were refused, and takes the report of waiting back when nobody waits any more.
func (c *waitingClient) answered(retries int, topics []string, refusal error) {
	if refusal != nil {
		c.mu.Lock()
		for _, t := range topics {
			c.refusals[t] = refusal
		}
		c.mu.Unlock()
	}
	if retries > 0 && c.wait(-1) == 0 {
		c.waiting(nil, time.Time{})
	}
}

// sleep reports false when the client was stopped before d was over.
func (c *waitingClient) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stopped:
		return false
	}
}

func (c *waitingClient) refusal(topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusals[topic]
}
