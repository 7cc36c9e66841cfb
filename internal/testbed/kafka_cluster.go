package testbed

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// KafkaCluster is a real Apache Kafka whose nodes are controlled one by one.
type KafkaCluster struct {
	Nodes []*Kafka
}

// StartKafkaCluster starts so many nodes (each of them broker and controller, all topics replicated up to three times
// unless created otherwise) and waits until all know each other. A majority of nodes keeps the cluster going. Restarting
// a node waits for that majority; after a loss of more, call [Process.Relaunch] on each, then [Process.WaitReady].
func StartKafkaCluster(t testing.TB, nodes int, options ...KafkaOption) *KafkaCluster {
	t.Helper()
	jars := KafkaJars(t)
	java, err := Java.Path()
	if err != nil {
		t.Fatal(err)
	}
	var settings kafkaSettings
	for _, option := range options {
		option(&settings)
	}
	cluster, voters := &KafkaCluster{}, []*kafkaNode{}
	dir := t.TempDir()
	for id := 1; id <= nodes; id++ {
		k := newKafka(t, id, dir, settings)
		cluster.Nodes, voters = append(cluster.Nodes, k), append(voters, k.node)
	}
	for _, k := range cluster.Nodes {
		if err := k.node.prepare(t.Context(), java, jars, voters); err != nil {
			t.Fatal(err)
		}
		k.Process = launch(t, k.node.child)
	}
	for _, k := range cluster.Nodes {
		k.WaitReady()
	}
	cluster.awaitAll(t)
	return cluster
}

// awaitAll waits until every node knows all others.
func (c *KafkaCluster) awaitAll(t testing.TB) {
	t.Helper()
	Await(t, 30*time.Second, "the nodes of Kafka to know each other", func(ctx context.Context) error {
		for _, k := range c.Nodes {
			brokers, err := askKafka(ctx, k.Addr(), int16(min(3, len(c.Nodes))))
			if err != nil {
				return err
			}
			if len(brokers) < len(c.Nodes) {
				return fmt.Errorf("node %d knows %d brokers", k.node.id, len(brokers))
			}
		}
		return nil
	})
}

// Addrs are the host:port of the plain listeners of all nodes.
func (c *KafkaCluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, k := range c.Nodes {
		addrs[i] = k.Addr()
	}
	return addrs
}
