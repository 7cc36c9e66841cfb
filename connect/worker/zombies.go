package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// Zombies are tasks that were ended but may write still: where a worker was frozen, or a plugin does not return from a call.
type Zombies struct{ settings *Settings }

// NewZombies takes the settings of the worker's tasks.
func NewZombies(settings *Settings) *Zombies { return &Zombies{settings: settings} }

// fencedTimeout is the transaction timeout that fenced producers are said to have. It has no effect, and the broker wants one.
const fencedTimeout = time.Minute

// Fence returns when the producers of a connector's first n tasks cannot write any more, and what they left open is aborted (Kafka's
// Admin.fenceProducers).
func (z *Zombies) Fence(ctx context.Context, connector string, config connect.Config, n int) error {
	settings, err := z.settings.adminSettings("connector-worker-adminclient-"+connector, config)
	if err != nil {
		return err
	}
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	defer context.AfterFunc(ctx, dialer.Close)() // sarama's calls know no context
	client, err := sarama.NewClient(settings.Brokers, settings.For(dialer))
	if err != nil {
		return fmt.Errorf("fencing the tasks of connector %s: %w", connector, kafkaclient.Explain(err, settings))
	}
	defer func() { _ = client.Close() }() // its only error is that it was closed before
	for task := range n {
		id := transactionalID(z.settings.GroupID, TaskID{Connector: connector, Task: task})
		if err := fence(ctx, client, id); err != nil {
			settings.Sarama.Producer.Transaction.ID = id // for the words of a denial
			return fmt.Errorf("fencing the transactional.id %s: %w", id, kafkaclient.Explain(err, settings))
		}
	}
	return nil
}

// fence takes over a transactional id, again and again until ctx ends, while its coordinator moves or completes a transaction.
func fence(ctx context.Context, client sarama.Client, id string) error {
	pause := 10 * time.Millisecond
	for {
		err := takeOver(client, id)
		if err == nil || kafkaclient.Classify(err) != kafkaclient.Retriable {
			return err
		}
		if !errors.Is(err, sarama.ErrConcurrentTransactions) {
			_ = client.RefreshTransactionCoordinator(id) // the next try tells what is still wrong
		}
		if !sleep(ctx, pause) {
			return errors.Join(err, context.Cause(ctx))
		}
		pause = min(2*pause, time.Second)
	}
}

func takeOver(client sarama.Client, id string) error {
	coordinator, err := client.TransactionCoordinator(id)
	if err != nil {
		return err
	}
	response, err := coordinator.InitProducerID(&sarama.InitProducerIDRequest{
		Version: 3, TransactionalID: &id, TransactionTimeout: fencedTimeout, ProducerID: -1, ProducerEpoch: -1,
	})
	if err != nil {
		_ = coordinator.Close() // the next try opens it again
		return err
	}
	if response.Err != sarama.ErrNoError {
		return response.Err
	}
	return nil
}

// transactionalID is that of a task's producers.
func transactionalID(group string, id TaskID) string { return group + "-" + id.String() }
