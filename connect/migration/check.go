package migration

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// Committer reads the committed offsets of sinks.
type Committer interface {
	Committed(ctx context.Context, connector string, config connect.Config) (connect.Offsets, error)
}

// Check is what a look at a cluster is made of.
type Check struct {
	Worker    *workerconfig.Worker
	Given     workerconfig.Properties // the worker's as they were given, with their references to config providers
	GivenErr  error                   // why these could not be resolved; nil if they could
	Catalog   *catalog.Catalog
	Validator *validation.Validator // an offline one, unless the connectors' systems may be asked
	Settings  *kafkaclient.Settings // of the worker's own clients
	Kafka     stores.Kafka
	Committed Committer
	KnownMAC  func(algorithm string) bool // whether workers here can sign with an algorithm of Java's
	// The three topics, by the rules of a worker that would start on them.
	Configs, Offsets, Statuses stores.Topic
}

// content is what the three topics say; nil stands for a topic that is not there.
type content struct {
	configs  *stores.ConfigState
	offsets  *stores.Offsets
	statuses *stores.Statuses
}

// Run reads the cluster and reports. Its error means that nothing can be told: Kafka out of reach, a refused login. ctx bounds all of it.
func (c *Check) Run(ctx context.Context) (*Report, error) {
	r := &Report{
		Group: Group{ID: c.Worker.GroupID}, Worker: c.workerKeys(), Topics: []Topic{}, Connectors: []Connector{},
	}
	if err := c.survey(ctx, r); err != nil {
		return nil, err
	}
	found, err := c.read(ctx, r)
	if err != nil {
		return nil, withBrokers(err, r.Kafka.Brokers)
	}
	if found.configs.Offset() >= 0 { // a worker has been here, so that asking for its group makes Kafka create nothing
		c.group(ctx, r)
	}
	for _, name := range found.configs.Connectors() {
		r.Connectors = append(r.Connectors, c.connector(ctx, found, name))
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("judging %s: %w", count(len(r.Connectors), "connector"), context.Cause(ctx))
	}
	r.judge()
	return r, nil
}

// survey looks at Kafka's brokers.
func (c *Check) survey(ctx context.Context, r *Report) error {
	seen, err := kafkaclient.Look(ctx, c.Settings)
	if err != nil {
		return err
	}
	r.Kafka = Kafka{Bootstrap: c.Settings.Brokers, ClusterID: seen.ClusterID, Brokers: []Broker{}}
	reached := 0
	for _, b := range seen.Brokers {
		broker := Broker{ID: b.ID, Address: b.Address}
		if b.Err == nil {
			reached++
		} else {
			broker.Problem = "it cannot be reached from here (" + strings.Join(strings.Fields(b.Err.Error()), " ") + "): check its advertised.listeners"
		}
		r.Kafka.Brokers = append(r.Kafka.Brokers, broker)
	}
	if reached == 0 { // reading would wait for them
		return withBrokers(nil, r.Kafka.Brokers)
	}
	return nil
}

// withBrokers adds to an error the brokers that may be its cause.
func withBrokers(err error, brokers []Broker) error {
	for _, b := range brokers {
		if b.Problem == "" {
			continue
		}
		problem := fmt.Errorf("broker %d is at %s by its own account: %s", b.ID, b.Address, b.Problem)
		if err == nil {
			err = problem
		} else {
			err = fmt.Errorf("%w; %w", problem, err)
		}
	}
	return err
}

// group looks at the workers' group.
func (c *Check) group(ctx context.Context, r *Report) {
	state, err := kafkaclient.DescribeGroup(ctx, c.Settings, c.Worker.GroupID)
	r.Group.State, r.Group.Members = state.State, state.Members
	switch {
	case err != nil:
		r.Group.Problem = err.Error()
	case state.Members > 0 && state.Protocol != "connect":
		r.Group.Problem = fmt.Sprintf("it is a group of type %s, which workers cannot join: check group.id", state.Protocol)
	}
}
