package stores

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// Kafka is the way to the cluster of a store's topic.
type Kafka struct {
	Brokers []string
	// Config has the addresses' security, the client id and the timeouts, and the isolation level of reading. What a store
	// needs for its safety (acknowledgement by all replicas, the partitioner) is set by the store. It is not changed.
	Config *sarama.Config
	Logger *slog.Logger // nil for silence
	// Writer and Admin, where they are not nil, are how the topic is written to and how it is created: with other rights perhaps, or another client
	// id, but at the same cluster.
	Writer, Admin *Kafka
	// Explain puts an error of this cluster's into words for users; nil leaves it as it is.
	Explain func(error) error
	// Outages is shared by stores whose outages are one; nil for a store by itself.
	Outages *Outages
}

func (k Kafka) outages() *Outages { return cmp.Or(k.Outages, new(Outages)) }

func (k Kafka) writer() Kafka { return k.or(k.Writer) }

func (k Kafka) admin() Kafka { return k.or(k.Admin) }

func (k Kafka) or(other *Kafka) Kafka {
	if other == nil {
		return k
	}
	return *other
}

// explained is an error as a user should read it.
func (k Kafka) explained(err error) error {
	if err == nil || k.Explain == nil {
		return err
	}
	return k.Explain(err)
}

func (k Kafka) logger() *slog.Logger { return orDiscard(k.Logger) }

func orDiscard(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// backOff is how long to wait before the try after the given number of failed ones: doubling, with a fifth of chance so that the
// workers of a cluster do not come back in step.
func backOff(attempt int) time.Duration {
	d := min(firstPause<<min(attempt, 10), lastPause)
	return d - d/10 + rand.N(d/5)
}

// pause waits for backOff(attempt), or returns why it does not.
func pause(ctx context.Context, attempt int) error { return pauseFor(ctx, backOff(attempt)) }

func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gaveUp joins why waiting ended with what was being waited out.
func gaveUp(ended, cause error) error {
	if cause == nil {
		return ended
	}
	return fmt.Errorf("%w (%w)", cause, ended)
}

// passing recognizes failures that brokers get over by themselves.
func passing(err error) bool {
	if kafkaclient.Classify(err) == kafkaclient.Denied {
		return false // it may come along with ErrOutOfBrokers
	}
	for _, e := range []error{
		sarama.ErrOutOfBrokers, sarama.ErrBrokerNotAvailable, sarama.ErrNotController, sarama.ErrControllerNotAvailable,
		sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrUnknownTopicOrPartition,
		sarama.ErrRequestTimedOut, sarama.ErrNetworkException, io.EOF,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var network net.Error
	return errors.As(err, &network)
}
