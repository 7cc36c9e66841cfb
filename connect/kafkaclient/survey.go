package kafkaclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/IBM/sarama"
)

// Survey is what a cluster says of itself.
type Survey struct {
	ClusterID string   // "" where no broker can be reached
	Brokers   []Broker // by id
}

// Broker is one broker of a cluster.
type Broker struct {
	ID      int32
	Address string // as the broker advertises it
	Err     error  // why it cannot be reached from here, nil if it can
}

// Look asks for a cluster's id and tries to reach each of its brokers at the address
// that it gives itself, all until ctx ends. Its error, that of the bootstrap servers, is explained.
func Look(ctx context.Context, settings *Settings) (*Survey, error) {
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	stop := context.AfterFunc(ctx, dialer.Close) // sarama's calls know no context
	defer stop()
	client, err := sarama.NewClient(settings.Brokers, settings.For(dialer))
	if err != nil {
		return nil, Explain(inTime(ctx, err), settings)
	}
	defer func() { _ = client.Close() }() // nothing is buffered
	s := new(Survey)
	brokers := client.Brokers()
	s.Brokers = make([]Broker, len(brokers))
	var tries sync.WaitGroup
	for i, b := range brokers {
		tries.Go(func() { s.Brokers[i] = Broker{ID: b.ID(), Address: b.Addr(), Err: visit(b, client.Config())} })
	}
	tries.Wait()
	slices.SortFunc(s.Brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	if !slices.ContainsFunc(s.Brokers, func(b Broker) bool { return b.Err == nil }) {
		return s, nil
	}
	if s.ClusterID, err = ClusterID(client); err != nil {
		return nil, Explain(inTime(ctx, err), settings)
	}
	return s, nil
}

// inTime is an error, or why ctx has ended: what that has cut off has errors of its own.
func inTime(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// visit opens a broker's connection, login included.
func visit(b *sarama.Broker, config *sarama.Config) error {
	if err := b.Open(config); err != nil && !errors.Is(err, sarama.ErrAlreadyConnected) {
		return err
	}
	_, err := b.Connected() // it waits for what Open began
	return err
}

// GroupState is what a coordinator says of a group.
type GroupState struct {
	State    string // Stable, Empty, Dead for one that there is not, and others while it rebalances
	Protocol string // its type: "connect" for workers, "consumer"; "" where nobody is in it
	Members  int
}

// DescribeGroup asks for a group's state, and does not join it. The error is explained.
func DescribeGroup(ctx context.Context, settings *Settings, group string) (GroupState, error) {
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	stop := context.AfterFunc(ctx, dialer.Close) // sarama's calls know no context
	defer stop()
	admin, err := sarama.NewClusterAdmin(settings.Brokers, settings.For(dialer))
	if err != nil {
		return GroupState{}, Explain(inTime(ctx, err), settings)
	}
	defer func() { _ = admin.Close() }() // nothing is buffered
	found, err := admin.DescribeConsumerGroups([]string{group})
	switch {
	case err != nil:
	case len(found) != 1:
		err = sarama.ErrIncompleteResponse
	case found[0].Err == sarama.ErrGroupIDNotFound: // what brokers since 4.0 say of a group that there is not
		return GroupState{State: "Dead"}, nil
	case found[0].Err != sarama.ErrNoError:
		err = found[0].Err
	}
	if err != nil {
		return GroupState{}, Explain(fmt.Errorf("describing group %s: %w", group, inTime(ctx, err)), settings)
	}
	return GroupState{State: found[0].State, Protocol: found[0].ProtocolType, Members: len(found[0].Members)}, nil
}
