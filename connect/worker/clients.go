package worker

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// clientProperties are the keys of a task's Kafka client in Kafka Connect's layers, later ones over earlier ones: the worker's
// bootstrap.servers and nothing else of its own, the framework's defaults, the worker's producer.* or consumer.*, and the connector's
// producer.override.* or consumer.override.* (org.apache.kafka.connect.runtime.Worker).
func (w *Worker) clientProperties(prefix string, defaults map[string]string, connector connect.Config) kafkaclient.Properties {
	p := kafkaclient.Properties{}
	if servers, ok := w.settings.Properties["bootstrap.servers"]; ok {
		p["bootstrap.servers"] = servers
	}
	for key, value := range defaults {
		p[key] = value
	}
	for key, value := range w.settings.Properties {
		if name, ok := strings.CutPrefix(key, prefix+"."); ok {
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

// healing makes an error one that asks for another try, unless no try can mend it.
func healing(err error) error {
	if err == nil || unhealable(err) {
		return err
	}
	return connect.Retry(err, 0)
}

// producerDialer returns what opens a source task's producers.
func (w *Worker) producerDialer(run *taskRun, p *plugin) (func(ctx context.Context) (*producerSession, error), error) {
	properties := w.clientProperties("producer", map[string]string{
		"client.id": fmt.Sprintf("connector-producer-%s-%d", run.id.Connector, run.id.Task),
	}, p.config)
	settings, err := kafkaclient.Producer(properties)
	if err != nil {
		return nil, err
	}
	run.warn(settings.Warnings)
	return func(ctx context.Context) (*producerSession, error) {
		source, err := kafkaclient.NewSource(ctx, settings, nil)
		if err != nil {
			return nil, healing(kafkaclient.Explain(err, settings))
		}
		return &producerSession{producer: source, stop: source.Cut, failed: make(chan struct{})}, nil
	}, nil
}

// consumerDialer returns what opens a sink task's consumer.
func (w *Worker) consumerDialer(run *taskRun, p *plugin) (func(ctx context.Context) (*consumer, error), error) {
	name := run.id.Connector
	properties := w.clientProperties("consumer", map[string]string{
		"client.id":         "connector-consumer-" + name + "-" + strconv.Itoa(run.id.Task),
		"group.id":          "connect-" + name,
		"auto.offset.reset": "earliest",
	}, p.config)
	settings, err := kafkaclient.Consumer(properties)
	if err != nil {
		return nil, err
	}
	run.warn(settings.Warnings)
	return func(context.Context) (*consumer, error) {
		dialer := settings.Dialer(nil)
		client, err := sarama.NewClient(settings.Brokers, settings.For(dialer))
		if err != nil {
			dialer.Cut()
			return nil, healing(kafkaclient.Explain(err, settings))
		}
		group, err := sarama.NewConsumerGroupFromClient(settings.Group, client)
		if err != nil {
			dialer.Cut()
			return nil, healing(kafkaclient.Explain(err, settings))
		}
		topics, refresh := subscription(client, p.framework)
		c := newConsumer(group, topics)
		c.refresh = refresh
		c.trouble = run.kafkaTrouble
		c.cut = dialer.Cut
		return c, nil
	}, nil
}
