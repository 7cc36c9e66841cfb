package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/api"
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/registry/avro"
	"github.com/sluice-connect/sluice/connect/registry/jsonschema"
	"github.com/sluice-connect/sluice/connect/registry/protobuf"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/versions"
	"github.com/sluice-connect/sluice/connect/worker"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// node is one worker process: REST in front, the herder behind it, stores in Kafka or on disk.
type node struct {
	log    logs
	herder *herder.Herder
	worker *worker.Worker
	gate   *kafkaclient.Gate // what tasks write passes it
	rest   *api.Server
	peers  *api.Peers
	url    string // advertised, with a slash at its end
	serve  chan error
	// measured are metrics beside the worker's.
	measured []prometheus.Collector
}

const (
	// shutdownTimeout bounds what closing takes beyond the tasks' own graceful time.
	shutdownTimeout = 10 * time.Second
	// requestTimeout is what a request under way gets to end when the worker does.
	requestTimeout = 2 * time.Second
)

// startNode builds and starts a worker. REST answers before the stores are read; its requests wait.
func startNode(ctx context.Context, config *workerconfig.Worker, plugins *installed, log logs) (*node, error) {
	log.Logger = config.Secrets.Logger(log.Logger)
	plugins.serve(config, log.Logger)
	kafkaclient.LogTo(log.Logger)
	entrance, err := entrance(config, log)
	if err != nil {
		return nil, err
	}
	rest, err := api.Listen(entrance)
	if err != nil {
		return nil, err
	}
	n := &node{log: log, gate: new(kafkaclient.Gate), rest: rest, peers: entrance.Peers, url: rest.URL(), serve: make(chan error, 1)}
	if err := n.build(config, plugins); err != nil {
		return nil, errors.Join(err, rest.Shutdown(ctx))
	}
	scrape := scraped(append(n.measured, newAppInfo(clientID(config, rest)), n.worker.Metrics(), n.worker.Metrics().Own())...)
	go func() { n.serve <- rest.Serve(n.herder, scrape) }()
	if err := n.herder.Start(ctx); err != nil {
		n.close(config.GracefulShutdown)
		return nil, err
	}
	return n, nil
}

// build makes the herder and what it stands on.
func (n *node) build(config *workerconfig.Worker, plugins *installed) error {
	classes, problems, err := plugins.classes()
	if err != nil {
		return err
	}
	for _, problem := range problems {
		n.log.Warn("a plugin's class is not used", "reason", problem)
	}
	if err := checkConverters(classes, config.Properties); err != nil {
		return err
	}
	for _, missing := range config.Providers.Missing() {
		n.log.Warn("a config provider is not here: what refers to it fails", "reason", missing)
	}
	if !validation.OverridePolicy(config.OverridePolicy).Known() {
		return fmt.Errorf("connector.client.config.override.policy: there is no %s here: use All, Principal or None", config.OverridePolicy)
	}
	for _, key := range migration.Warnings(config, classes) {
		n.log.Warn("a key of the worker does not do here what it does in Kafka Connect", "key", key.Key, "reason", key.Reason)
	}
	options := herder.Options{
		WorkerID: n.rest.WorkerID(), Version: kafkaVersion, Commit: commit, Catalog: classes, Log: n.log.Logger, Logs: n.log.setLevel,
		Topics: herder.TopicPolicy{Tracked: config.TopicTracking, Resettable: config.TopicTrackingReset},
		Validator: &validation.Validator{
			Catalog: classes, Worker: config.Properties, OverridePolicy: validation.OverridePolicy(config.OverridePolicy), GroupID: config.GroupID,
			ExactlyOnce: config.ExactlyOnce == workerconfig.Enabled, Providers: config.Providers,
		},
		Providers: config.Providers,
	}
	settings, err := kafkaclient.AdminSettings(kafkaclient.Properties(config.Properties.Clients()))
	if err != nil {
		return err
	}
	options.ClusterID = func(ctx context.Context) (string, error) { return clusterID(ctx, settings) }
	tasks := &worker.Settings{
		OffsetFlushInterval: config.OffsetFlushInterval, OffsetFlushTimeout: config.OffsetFlushTimeout,
		GracefulShutdown: config.GracefulShutdown, Properties: config.Properties, Clients: config.Properties.Clients(), Gate: n.gate,
		OverridePolicy: validation.OverridePolicy(config.OverridePolicy), Providers: config.Providers, Secrets: config.Secrets,
		GroupID: config.GroupID, ExactlyOnce: config.ExactlyOnce == workerconfig.Enabled, Sampling: sampling(config),
	}
	if config.Mode == workerconfig.Standalone {
		n.standaloneStores(&options, config)
		options.Membership = herder.NewAlone(n.url, options.Statuses)
	} else if err := errors.Join(n.kafkaStores(&options, config, tasks), n.membership(&options, config)); err != nil {
		return err
	}
	open := options.OpenConfigs
	options.OpenConfigs = func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
		store := open(listen)
		plugins.configs.Store(store)
		return store
	}
	options.Groups, options.Zombies = worker.NewGroups(tasks), worker.NewZombies(tasks)
	options.Employ = func(s worker.StatusSink, p worker.Plan, f worker.Fencing) herder.Worker {
		n.worker = worker.New(tasks, classes, options.Offsets, s, p, f, n.log.Logger)
		return n.worker
	}
	n.herder = herder.New(options)
	return nil
}

func (n *node) standaloneStores(o *herder.Options, config *workerconfig.Worker) {
	o.Offsets = worker.SharedOffsets(stores.NewFileOffsetStore(config.OffsetFile, n.log.Logger))
	o.Statuses = stores.NewMemoryStatusStore(n.log.Logger)
	o.OpenConfigs = func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
		return stores.NewMemoryConfigStore(n.log.Logger, listen)
	}
}

// storeKafka is how a store reaches Kafka, with the client id that Java's has.
func storeKafka(config *workerconfig.Worker, suffix string, gate *kafkaclient.Gate, log *slog.Logger) (stores.Kafka, error) {
	id := config.GroupID + "-"
	if own := config.Properties["client.id"]; own != "" {
		id += own + "-"
	}
	p := config.Properties.Clients()
	p["client.id"] = id + suffix
	settings, err := kafkaclient.AdminSettings(kafkaclient.Properties(p))
	if err != nil {
		return stores.Kafka{}, err
	}
	explain := func(err error) error {
		if refused := new(connect.ConfigError); errors.As(err, &refused) {
			return err // it names its key already
		}
		return kafkaclient.Explain(err, settings)
	}
	return stores.Kafka{Brokers: settings.Brokers, Config: settings.For(settings.Dialer(gate.Shut)), Logger: log, Explain: explain}, nil
}

// kafkaStores makes the three stores on compacted topics.
func (n *node) kafkaStores(o *herder.Options, config *workerconfig.Worker, tasks *worker.Settings) error {
	offsets, err := storeKafka(config, "offsets", n.gate, n.log.Logger)
	if err != nil {
		return err
	}
	statuses, err := storeKafka(config, "statuses", nil, n.log.Logger)
	if err != nil {
		return err
	}
	configs, err := storeKafka(config, "configs", nil, n.log.Logger)
	if err != nil {
		return err
	}
	outages := new(stores.Outages)
	offsets.Outages, statuses.Outages, configs.Outages = outages, outages, outages
	if config.ExactlyOnce == workerconfig.Enabled { // what a zombie could not commit has not happened
		offsets.Config.Consumer.IsolationLevel, configs.Config.Consumer.IsolationLevel = sarama.ReadCommitted, sarama.ReadCommitted
	}
	o.Offsets = worker.NewOffsetStores(stores.NewOffsetStore(offsets, offsetTopic(config)), offsetTopic(config), tasks, n.log.Logger)
	o.Statuses = stores.NewStatusStore(statuses, statusTopic(config))
	o.OpenConfigs = func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
		store := stores.NewConfigStore(configs, configTopic(config), listen)
		if config.ExactlyOnce != workerconfig.Disabled {
			store.FenceLeaders("connect-cluster-" + config.GroupID)
		}
		return store
	}
	return nil
}

func offsetTopic(c *workerconfig.Worker) stores.Topic {
	return stores.OffsetTopic(c.Offset.Name, c.Offset.Partitions, c.Offset.ReplicationFactor, c.Offset.Settings)
}

func statusTopic(c *workerconfig.Worker) stores.Topic {
	return stores.StatusTopic(c.Status.Name, c.Status.Partitions, c.Status.ReplicationFactor, c.Status.Settings)
}

func configTopic(c *workerconfig.Worker) stores.Topic {
	return stores.ConfigTopic(c.Config.Name, c.Config.ReplicationFactor, c.Config.Settings)
}

// wait lasts until ctx ends or REST fails, and shuts the node down.
func (n *node) wait(ctx context.Context, graceful time.Duration) error {
	var err error
	select {
	case <-ctx.Done():
	case err = <-n.serve:
		err = fmt.Errorf("serving REST: %w", err)
	case err = <-n.herder.Failed():
		err = &exitError{exitStartup, err} // what is wrong might have been seen at the start
	}
	n.close(graceful)
	return err
}

// close ends REST first, so that nobody asks for what is going away.
func (n *node) close(graceful time.Duration) {
	n.herder.Retire()
	requests, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	if err := n.rest.Shutdown(requests); err != nil {
		n.log.Warn("requests were cut off", "error", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), graceful+shutdownTimeout)
	defer cancel()
	n.herder.Close(ctx)
}

// checkConverters refuses a worker whose converters are not here, or cannot be made: every connector that relies on them would fail.
func checkConverters(classes *catalog.Catalog, p workerconfig.Properties) error {
	for _, seat := range []converters.Seat{converters.Key, converters.Value, converters.Header} {
		key := string(seat) + ".converter"
		class, given := p[key]
		if !given {
			continue
		}
		d, err := classes.Converter(strings.TrimSpace(class))
		if err != nil {
			return fmt.Errorf("%s: %w There are: %s", key, err, strings.Join(classes.ConverterNames(), ", "))
		}
		d, err = classes.ConverterVersion(strings.TrimSpace(class), versions.Asked(p, key+".plugin.version"))
		switch {
		case err != nil:
			return fmt.Errorf("%s.plugin.version: %w", key, err)
		case seat == converters.Header && d.NewHeader == nil:
			return fmt.Errorf("%s: %s does not convert headers: use one of %s", key, class, strings.Join(classes.HeaderConverters(), ", "))
		case seat != converters.Header && d.New == nil:
			return fmt.Errorf("%s: %s converts headers only: use one of %s", key, class, strings.Join(classes.Converters(), ", "))
		}
		options := connect.Config(p.Under(key + "."))
		if seat == converters.Header {
			_, err = d.NewHeader(options)
		} else {
			_, err = d.New(seat, options)
		}
		if err != nil {
			return fmt.Errorf("%s.%w", key, err) // the option's name comes first in it
		}
	}
	return nil
}

// clusterID asks Kafka for the id of its cluster.
func clusterID(ctx context.Context, settings *kafkaclient.Settings) (string, error) {
	dialer := settings.Dialer(nil)
	defer dialer.Close()
	stop := context.AfterFunc(ctx, dialer.Close)
	defer stop()
	client, err := sarama.NewClient(settings.Brokers, settings.For(dialer))
	if err != nil {
		return "", kafkaclient.Explain(err, settings)
	}
	defer func() { _ = client.Close() }() // nothing is buffered
	return kafkaclient.ClusterID(client)
}

// classes are the connectors and converters in this program.
func classes() (*catalog.Catalog, error) {
	return catalog.New(sources(), sinks(), avro.Definition, jsonschema.Definition, protobuf.Definition)
}
