package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// finder finds the group's coordinator and connects to it. It remembers it until a connection fails, and all brokers it has heard of, so that it does
// not depend on those of bootstrap.servers alone. It is safe for concurrent use.
type finder struct {
	kafka    *kafkaclient.Settings
	group    string
	patience time.Duration // for a connection to a broker, and for its answer when it is asked for the coordinator

	mu          sync.Mutex
	coordinator string   // address; "" while unknown
	heard       []string // addresses of brokers, beyond the settings'
}

func newFinder(kafka *kafkaclient.Settings, s Settings) *finder {
	return &finder{kafka: kafka, group: s.Group, patience: min(s.Request, max(s.Session/3, time.Second))}
}

// connection is one connection to a broker, which can be cut at any time.
type connection struct {
	finder *finder
	broker *sarama.Broker
	dialer *kafkaclient.Dialer
	stop   func() bool
}

// connect connects to the coordinator. Requests on the connection may wait for their answers as long as patience; they fail when ctx ends. A broker
// that does not take the connection is given up sooner, by the finder's own patience.
func (f *finder) connect(ctx context.Context, patience time.Duration) (*connection, error) {
	address, err := f.find(ctx)
	if err != nil {
		return nil, err
	}
	c, err := f.dial(ctx, address, patience)
	if err != nil {
		f.forget()
		return nil, fmt.Errorf("connecting to the group's coordinator at %s: %w", address, err)
	}
	return c, nil
}

func (f *finder) dial(ctx context.Context, address string, patience time.Duration) (*connection, error) {
	dialer := f.kafka.Dialer(nil)
	c := &connection{finder: f, broker: sarama.NewBroker(address), dialer: dialer, stop: context.AfterFunc(ctx, dialer.Close)}
	config := f.kafka.For(dialer)
	config.Net.ReadTimeout = patience
	config.Net.WriteTimeout = min(config.Net.WriteTimeout, patience)
	config.Net.DialTimeout = min(config.Net.DialTimeout, f.patience)
	// A broker that is frozen takes connections. sarama's timeout is for each answer, and it greets such a broker twice.
	late := time.AfterFunc(f.patience, dialer.Close)
	err := c.broker.Open(config)
	if err == nil {
		_, err = c.broker.Connected() // waits for the dialling and the login
	}
	if !late.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		c.close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if kafkaclient.Classify(err) == kafkaclient.Denied {
			return nil, &FatalError{Text: kafkaclient.Explain(err, f.kafka).Error(), Cause: err}
		}
		return nil, kafkaclient.Explain(err, f.kafka)
	}
	return c, nil
}

// close ends the connection at once.
func (c *connection) close() {
	c.stop()
	c.dialer.Close()
	_ = c.broker.Close() // it has nothing to tell about a connection that is cut
}

// failed is a request that had no answer: the coordinator may be gone.
func (c *connection) failed(doing string, err error) error {
	c.finder.forget()
	return fmt.Errorf("%s: %w", doing, kafkaclient.Explain(err, c.finder.kafka))
}

// forget has the next connect look for the coordinator.
func (f *finder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.coordinator = ""
}

// find asks one broker after the other.
func (f *finder) find(ctx context.Context) (string, error) {
	f.mu.Lock()
	known, brokers := f.coordinator, append(slices.Clone(f.kafka.Brokers), f.heard...)
	f.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var errs []error
	for _, broker := range brokers {
		address, err := f.ask(ctx, broker)
		if err == nil {
			f.mu.Lock()
			f.coordinator = address
			f.mu.Unlock()
			return address, nil
		}
		if fatal := new(FatalError); errors.As(err, &fatal) || ctx.Err() != nil {
			return "", err
		}
		errs = append(errs, fmt.Errorf("asking %s for the coordinator of group %s: %w", broker, f.group, err))
	}
	return "", errors.Join(errs...)
}

// ask asks a broker for the coordinator, and for the brokers that it knows.
func (f *finder) ask(ctx context.Context, broker string) (string, error) {
	c, err := f.dial(ctx, broker, f.patience)
	if err != nil {
		return "", err
	}
	defer c.close()
	answer, err := c.broker.FindCoordinator(&sarama.FindCoordinatorRequest{
		Version: 2, CoordinatorKey: f.group, CoordinatorType: sarama.CoordinatorGroup,
	})
	switch {
	case err != nil:
		return "", err
	case answer.Err == sarama.ErrGroupAuthorizationFailed:
		return "", &FatalError{Cause: answer.Err, Text: fmt.Sprintf("group.id: not authorized to use group %s: the principal needs READ on it", f.group)}
	case answer.Err != sarama.ErrNoError:
		return "", answer.Err
	}
	if all, err := c.broker.GetMetadata(&sarama.MetadataRequest{Version: 5, Topics: []string{}}); err == nil {
		f.learn(all.Brokers)
	}
	return answer.Coordinator.Addr(), nil
}

func (f *finder) learn(brokers []*sarama.Broker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = f.heard[:0]
	for _, b := range brokers {
		if !slices.Contains(f.kafka.Brokers, b.Addr()) {
			f.heard = append(f.heard, b.Addr())
		}
	}
}
