package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
)

// OffsetStores finds the offset store of each source: the worker's, or one on a topic of the connector's own (offsets.storage.topic, KIP-618). It is
// safe for concurrent use.
type OffsetStores struct {
	shared   stores.OffsetStore
	topic    stores.Topic // of shared
	settings *Settings    // nil where connectors have no topics of their own
	log      *slog.Logger
}

// NewOffsetStores takes the worker's store with its topic, and the settings of the worker's tasks.
func NewOffsetStores(shared stores.OffsetStore, topic stores.Topic, settings *Settings, log *slog.Logger) *OffsetStores {
	return &OffsetStores{shared: shared, topic: topic, settings: settings, log: log}
}

// SharedOffsets has one store for all connectors, as a standalone worker does.
func SharedOffsets(store stores.OffsetStore) *OffsetStores { return &OffsetStores{shared: store} }

// Start starts the worker's store.
func (o *OffsetStores) Start(ctx context.Context) error { return o.shared.Start(ctx) }

// Close closes the worker's store.
func (o *OffsetStores) Close(ctx context.Context) error { return o.shared.Close(ctx) }

// Owner is on whose behalf a store is opened, for the names of its clients.
type Owner struct {
	Connector string
	Suffix    string // "-" and a task's number; "" for the worker
}

// Open returns the started store of a connector and what closes it. Where it is the connector's own, ctx ends the wait for its Kafka. A topic that
// breaks the rules, and settings that do, are a [connect.ConfigError].
func (o *OffsetStores) Open(ctx context.Context, of Owner, config connect.Config) (stores.OffsetStore, func(context.Context) error, error) {
	name := o.own(config)
	if name == "" {
		return o.shared, func(context.Context) error { return nil }, nil
	}
	kafka, err := o.kafka(of, config)
	if err != nil {
		return nil, nil, err
	}
	topic := stores.OffsetTopic(name, o.topic.Partitions, o.topic.ReplicationFactor, o.topic.Settings)
	topic.Key = offsetsTopicKey
	store := stores.NewLayeredOffsetStore(stores.NewOffsetStore(kafka, topic), o.shared, o.log)
	if err := store.Start(ctx); err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

const offsetsTopicKey = "offsets.storage.topic"

// own is the topic of a connector that has a store of its own; "" for one whose offsets are in the worker's. With exactly-once they always are where
// the connector's records are, since a transaction cannot span two clusters.
func (o *OffsetStores) own(config connect.Config) string {
	if o.settings == nil {
		return ""
	}
	topic := config[offsetsTopicKey]
	if topic == "" && o.settings.ExactlyOnce {
		topic = o.topic.Name
	}
	if topic == o.topic.Name && sameServers(o.settings.clientProperties("producer", nil, config)["bootstrap.servers"],
		o.settings.Properties["bootstrap.servers"]) {
		return ""
	}
	return topic
}

// sameServers compares two lists as Worker.sameOffsetTopicAsWorker does: as sets of texts.
func sameServers(a, b string) bool {
	set := func(list string) []string {
		servers := strings.Split(list, ",")
		for i := range servers {
			servers[i] = strings.TrimSpace(servers[i])
		}
		slices.Sort(servers)
		return slices.Compact(servers)
	}
	return slices.Equal(set(a), set(b))
}

// kafka is the connector's way to its topic: it reads as its consumers do, only what was committed unless the configuration says otherwise, writes as
// its producers do, and creates the topic as its admin clients do.
func (o *OffsetStores) kafka(of Owner, config connect.Config) (stores.Kafka, error) {
	id := of.Connector + of.Suffix
	reads := o.settings.clientProperties("consumer", map[string]string{
		"client.id": "connector-consumer-" + id, "isolation.level": "read_committed",
	}, config)
	if o.settings.ExactlyOnce {
		reads["isolation.level"] = "read_committed"
	}
	writes := o.settings.clientProperties("producer", map[string]string{"client.id": "connector-producer-" + id}, config)
	delete(writes, "transactional.id") // the store's own producer writes without
	reader, err := kafkaclient.ConsumerSettings(reads)
	writer, err2 := kafkaclient.ProducerSettings(writes)
	administrator, err3 := o.settings.adminSettings("connector-adminclient-"+id, config)
	if err := errors.Join(err, err2, err3); err != nil {
		return stores.Kafka{}, err
	}
	reader.Sarama.Metadata.AllowAutoTopicCreation = false
	kafka, writing, creating := o.way(reader), o.way(writer), o.way(administrator)
	kafka.Writer, kafka.Admin = &writing, &creating
	return kafka, nil
}

func (o *OffsetStores) way(s *kafkaclient.Settings) stores.Kafka {
	return stores.Kafka{Brokers: s.Brokers, Config: s.For(s.Dialer(o.settings.Gate.Shut)), Logger: o.log, Explain: func(err error) error {
		if refused := new(connect.ConfigError); errors.As(err, &refused) {
			return err // it names its key already
		}
		return kafkaclient.Explain(err, s)
	}}
}

// Transactional reports whether offsets are committed with records, so that they may only be changed when no producer of a task can do so.
func (o *OffsetStores) Transactional() bool { return o.settings != nil && o.settings.ExactlyOnce }

// Modify stores offsets that a user wants for a connector without tasks: with exactly-once in one transaction, whose producer has the place of
// task 0's, as in Worker.modifySourceConnectorOffsets.
func (o *OffsetStores) Modify(ctx context.Context, store stores.OffsetStore, connector string, config connect.Config, records []stores.Record) error {
	if !o.Transactional() {
		return store.Put(ctx, records)
	}
	properties := o.settings.clientProperties("producer", map[string]string{"client.id": "connector-worker-producer-" + connector}, config)
	maps.Copy(properties, transactional(transactionalID(o.settings.GroupID, TaskID{Connector: connector})))
	settings, err := kafkaclient.ProducerSettings(properties)
	if err != nil {
		return err
	}
	producer, err := kafkaclient.NewProducer(ctx, settings, kafkaclient.ProducerOptions{Hold: o.settings.Gate.Shut})
	if err != nil {
		return kafkaclient.Explain(err, settings)
	}
	defer context.AfterFunc(ctx, producer.Abort)()
	err = store.PutBy(ctx, func(_ context.Context, topic string, records []stores.Record) error {
		return commitAlone(producer, topic, records)
	}, records)
	if err != nil {
		return kafkaclient.Explain(err, settings)
	}
	return nil
}

// commitAlone writes records in one transaction and ends the producer.
func commitAlone(producer *kafkaclient.Producer, topic string, records []stores.Record) error {
	failures := make(chan error, 1)
	go func() {
		defer close(failures)
		for e := range producer.Errors() {
			select {
			case failures <- e.Err:
			default: // the first tells enough
			}
		}
	}()
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		for range producer.Successes() { // CommitTxn counts them
		}
	}()
	err := producer.BeginTxn()
	if err == nil {
		for _, r := range records {
			m := &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(r.Key)}
			if r.Value != nil {
				m.Value = sarama.ByteEncoder(r.Value)
			}
			producer.Input() <- m
		}
		err = producer.CommitTxn()
	}
	producer.AsyncClose()
	<-acknowledged
	failed := <-failures
	producer.Abort()
	return errors.Join(failed, err)
}
