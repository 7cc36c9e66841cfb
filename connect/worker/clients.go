package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// clientProperties are the keys of a task's Kafka client in Kafka Connect's layers, later ones over earlier ones: the worker's
// bootstrap.servers and nothing else of its own, the framework's defaults, the worker's producer.* or consumer.*, and the connector's
// producer.override.* or consumer.override.* (org.apache.kafka.connect.runtime.Worker).
func (s *Settings) clientProperties(prefix string, defaults map[string]string, connector connect.Config) kafkaclient.Properties {
	p := kafkaclient.Properties{}
	if servers, ok := s.Properties["bootstrap.servers"]; ok {
		p["bootstrap.servers"] = servers
	}
	for key, value := range defaults {
		p[key] = value
	}
	for key, value := range s.Properties {
		if name, ok := strings.CutPrefix(key, prefix+"."); ok && !strings.HasPrefix(key, "admin.listeners") { // which are REST's
			p[name] = value
		}
	}
	for key, value := range connector {
		if name, ok := strings.CutPrefix(key, prefix+".override."); ok {
			p[name] = value
		}
	}
	return p
}

func (t *taskRun) warn(all []kafkaclient.Warning) {
	for _, w := range all {
		t.log.Warn("a client key has no effect", "client", string(w.Client), "key", w.Key, "reason", w.Text)
	}
}

// kafkaTrouble says in the task's status that Kafka cannot be reached, and why; nil takes it back.
func (t *taskRun) kafkaTrouble(cause error, next time.Time) {
	now := time.Now()
	if cause != nil {
		t.troubled.Store(now.UnixNano())
	} else if t.troubled.Swap(0) != 0 {
		t.relieved.Store(now.UnixNano())
	}
	t.health.report(kafkaAway, cause, next, now)
}

// quiet is how long nobody has said of Kafka that it is away, or back.
func (t *taskRun) quiet(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, max(t.troubled.Load(), t.relieved.Load())))
}

// unhealable reports whether no other try can succeed: a refused login, a missing right.
func unhealable(err error) bool {
	switch kafkaclient.Classify(err) {
	case kafkaclient.Denied, kafkaclient.RecordRefused:
		return true
	}
	return false
}

// healing makes an error one that asks for another try, unless no try can mend it.
func healing(err error) error {
	if err == nil || unhealable(err) {
		return err
	}
	return connect.Retry(err, 0)
}

// producerID is the client id of a source task's producers.
func producerID(task TaskID) string { return "connector-producer-" + task.String() }

// adminSettings are those of an admin client: the worker's own keys, admin.* and admin.override.* (org.apache.kafka.connect.runtime.Worker.adminConfigs).
func (s *Settings) adminSettings(clientID string, connector connect.Config) (*kafkaclient.Settings, error) {
	properties := kafkaclient.Properties(maps.Clone(s.Clients))
	if properties == nil {
		properties = kafkaclient.Properties{}
	}
	maps.Copy(properties, s.clientProperties("admin", map[string]string{"client.id": clientID}, connector))
	return kafkaclient.AdminSettings(properties)
}

// deadLetterTopic returns what makes sure that a connector's dead letters have a topic; nil where it has no queue.
func (w *Worker) deadLetterTopic(p *plugin) (*deadLetterTopic, error) {
	letters := p.framework.DeadLetters
	if letters.Topic == "" {
		return nil, nil
	}
	settings, err := w.settings.adminSettings("connector-dlq-adminclient-", p.config)
	if err != nil {
		return nil, err
	}
	return &deadLetterTopic{DeadLetters: letters, client: settings}, nil
}

// connectKafka gives a delivery what it needs to make producers. What the delivery says of waiting is in users' words then. forced are properties that
// nobody may override.
func (w *Worker) connectKafka(d *delivery, clientID string, run *taskRun, config connect.Config, forced map[string]string) error {
	properties := w.settings.clientProperties("producer", map[string]string{"client.id": clientID}, config)
	for key, value := range forced {
		if other, given := properties[key]; given && other != value {
			run.log.Warn("a client key has no effect", "client", "producer", "key", key, "reason", "exactly-once sources need "+value)
		}
		properties[key] = value
	}
	settings, err := kafkaclient.ProducerSettings(properties)
	if err != nil {
		return err
	}
	run.warn(settings.Warnings)
	d.explain = func(err error) error { return explainProduce(err, settings) }
	d.dial = func(ctx context.Context) (*producerSession, error) {
		producer, err := kafkaclient.NewProducer(ctx, settings, kafkaclient.ProducerOptions{
			Hold: w.gate.Shut, Waiting: d.waiting, Fatal: d.fatal,
		})
		if err != nil {
			return nil, healing(d.explain(err))
		}
		return newProducerSession(producer), nil
	}
	if d.transaction != nil {
		d.transaction.timeout = settings.Sarama.Producer.Transaction.Timeout
	}
	return nil
}

// explainProduce is kafkaclient.Explain with a word for what sarama itself refuses: a record that no request has room for.
func explainProduce(err error, s *kafkaclient.Settings) error {
	var tooLarge sarama.ConfigurationError
	if errors.As(err, &tooLarge) {
		return fmt.Errorf("it is larger than max.request.size: raise producer.override.max.request.size, and max.message.bytes of the topic (%w)", err)
	}
	return kafkaclient.Explain(err, s)
}

// consumerDialer returns what opens a sink task's consumer.
func (w *Worker) consumerDialer(run *taskRun, p *plugin) (func(ctx context.Context) (*consumer, error), error) {
	name := run.id.Connector
	properties := w.settings.clientProperties("consumer", map[string]string{
		"client.id":         "connector-consumer-" + name + "-" + strconv.Itoa(run.id.Task),
		"group.id":          "connect-" + name,
		"auto.offset.reset": "earliest",
		// A sink's partitions move as soon as its task does: after the 45 s of Kafka's consumers, and 3 s more until the others' next heartbeats,
		// they would lie idle for half a minute after their worker was killed, and no status would say so.
		"session.timeout.ms":    w.settings.property("session.timeout.ms", "10000"),
		"heartbeat.interval.ms": "500",
	}, p.config)
	settings, err := kafkaclient.ConsumerSettings(properties)
	if err != nil {
		return nil, err
	}
	run.warn(settings.Warnings)
	explain := func(err error) error { return kafkaclient.Explain(err, settings) }
	wanted, err := subscribe(p.framework)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*consumer, error) {
		dialer := settings.Dialer(nil)
		stop := context.AfterFunc(ctx, dialer.Close)
		defer stop()
		client, err := sarama.NewClient(settings.Brokers, settings.For(dialer))
		if err != nil {
			dialer.Close()
			return nil, healing(explain(err))
		}
		group, err := sarama.NewConsumerGroupFromClient(settings.Group, client)
		if err != nil {
			_ = client.Close() // its only error is that it was closed before
			dialer.Close()
			return nil, healing(explain(err))
		}
		return &consumer{
			group: group, client: client, cut: dialer.Close, subscription: wanted, most: settings.MaxPollRecords,
			refresh: min(topicRefresh, settings.Sarama.Metadata.RefreshFrequency), held: w.gate.Shut,
			trouble: func(cause error, next time.Time) { run.kafkaTrouble(explain(cause), next) },
			batches: make(chan *fetched), rebalances: make(chan *rebalance), paused: newPausedPartitions(), claims: newClaims(),
		}, nil
	}, nil
}
