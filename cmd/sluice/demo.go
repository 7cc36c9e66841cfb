package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// The demo's connectors, as one would POST them.
var (
	demoSource = connect.Config{
		"name":            "demo-sensors",
		"connector.class": "io.confluent.connect.mqtt.MqttSourceConnector",
		"tasks.max":       "1",
		"mqtt.topics":     "sensors/#",
		"mqtt.qos":        "1",
		"kafka.topic":     "sensors",
	}
	demoSink = connect.Config{
		"name":            "demo-commands",
		"connector.class": "io.confluent.connect.mqtt.MqttSinkConnector",
		"tasks.max":       "1",
		"topics":          "commands",
		"mqtt.topic":      "commands/${key}",
		"mqtt.qos":        "1",
	}
)

// demo is what `sluice dev --demo` adds to the brokers and the worker: devices, an application that commands them, and something to look at.
type demo struct {
	node     *node
	brokers  *brokers
	terminal *terminal
	rate     int
}

// run lasts until ctx ends.
func (d *demo) run(ctx context.Context) error {
	for _, config := range []connect.Config{demoSource, demoSink} {
		config["mqtt.server.uri"] = "tcp://" + d.brokers.mqtt.Addr()
		if _, err := d.node.herder.PutConfig(ctx, config["name"], config); err != nil {
			return fmt.Errorf("creating connector %s: %w", config["name"], err)
		}
	}
	d.welcome()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		parts sync.WaitGroup
		errs  = make(chan error, 3)
	)
	for _, part := range []func(context.Context) error{
		sensors{broker: d.brokers.mqtt, rate: d.rate, rooms: 12}.run,
		d.command,
		d.watch,
	} {
		parts.Go(func() {
			if err := part(ctx); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	parts.Wait()
	close(errs)
	return errors.Join(<-errs)
}

func (d *demo) welcome() {
	rest := strings.TrimSuffix(d.node.url, "/")
	mqttHost, mqttPort, _ := strings.Cut(d.brokers.mqtt.Addr(), ":")
	d.terminal.println(fmt.Sprintf(`
  sluice dev: everything on this machine, Ctrl-C ends it

    Kafka   %-22s MQTT   %-22s REST   %s

    sensors/#  --[ demo-sensors: MQTT source ]-->  Kafka topic sensors
    Kafka topic commands  --[ demo-commands: MQTT sink ]-->  commands/<key>

  try next, in another terminal
    curl -s %s/connectors/demo-sensors/status
    mosquitto_pub -h %s -p %s -q 1 -t sensors/mine -m 21.5
    curl -s -X PUT %s/connectors/demo-sensors/pause       # and .../resume
`, d.brokers.kafka.Addr(), d.brokers.mqtt.Addr(), rest, rest, mqttHost, mqttPort, rest))
}

// command is the application behind the sensors: it sends a room a command twice a second.
func (d *demo) command(ctx context.Context) error {
	config := sarama.NewConfig()
	config.ClientID = "sluice-demo"
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{d.brokers.kafka.Addr()}, config)
	if err != nil {
		return fmt.Errorf("starting the demo's application: %w", err)
	}
	defer func() { _ = producer.Close() }() // everything was waited for
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{
				Topic: "commands", Key: sarama.StringEncoder(fmt.Sprintf("room-%d", n%12)),
				Value: sarama.StringEncoder(fmt.Sprintf(`{"fan":"%s"}`, []string{"on", "off"}[n/12%2])),
			})
			if err != nil {
				return fmt.Errorf("sending a command: %w", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// sampleEvery is how often a whole record is shown.
const sampleEvery = 15 * time.Second

// watch shows rates each second and a sample now and then.
func (d *demo) watch(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	sample, err := d.sampler()
	if err != nil {
		return err
	}
	defer sample.close()
	in, out := d.node.worker.Metrics().Totals()
	then, sampled := time.Now(), time.Time{}
	for {
		select {
		case now := <-ticker.C:
			newIn, newOut := d.node.worker.Metrics().Totals()
			seconds := now.Sub(then).Seconds()
			if now.Sub(sampled) >= sampleEvery && newIn > 0 {
				if text := sample.next(ctx); text != "" {
					d.terminal.println("  " + text)
					sampled = now
				}
			}
			d.terminal.update(fmt.Sprintf("  in  %7.0f/s  %11d records     out %5.0f/s  %9d records",
				float64(newIn-in)/seconds, newIn, float64(newOut-out)/seconds, newOut), now)
			in, out, then = newIn, newOut, now
		case <-ctx.Done():
			return nil
		}
	}
}
