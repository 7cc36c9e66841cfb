package testbed

import (
	"fmt"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Embedded starts an in-memory Kafka of one broker in this process, for fast tests, and returns its host:port. The topics
// are created with one partition each; others come into being as [CreateTopic] or a client's request asks for them, not
// by being used. It proves nothing about a real Kafka: storage, groups, transactions and failover are tested on both.
func Embedded(t testing.TB, topics ...string) string {
	t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(0), kfake.ListenFn(listenBelow32768)}
	if len(topics) > 0 {
		options = append(options, kfake.SeedTopics(1, topics...))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatalf("starting the embedded Kafka: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// listenBelow32768 listens on a port of the testbed's choice instead of the one asked for.
func listenBelow32768(network, _ string) (net.Listener, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen(network, loopback(port))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return listener, nil
}
