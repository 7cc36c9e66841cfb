package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api"
	"github.com/sluice-connect/sluice/connect/embedded"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// devOptions are the flags of `sluice dev`.
type devOptions struct {
	demo      bool
	brokers   bool
	dataDir   string
	kafkaPort int
	mqttPort  int
	restPort  int
	rate      int
	set       []string
}

func devCommand() *cobra.Command {
	var (
		o  devOptions
		lf logFlags
	)
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine: a Kafka, an MQTT broker and a worker in one process",
		Long: `Run a Kafka-compatible broker, an MQTT broker and a worker in this process, for trying things out and for tests. Everybody on this machine
may use them; nothing listens on other interfaces.

Without --data-dir nothing is kept. With it topics, connectors and offsets are there again the next time.`,
		Example: `  sluice dev --demo                       with simulated sensors and a little application
  sluice dev --data-dir ~/.sluice         keeps its data
  sluice dev --brokers                    no worker: for workers of your own
  sluice dev --kafka-port 19092 --mqtt-port 11883 --rest-port 18083`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), lf) },
	}
	cmd.Flags().BoolVar(&o.demo, "demo", false, "simulated sensors, two connectors, and a live view")
	cmd.Flags().BoolVar(&o.brokers, "brokers", false, "only the two brokers, for workers of your own")
	cmd.MarkFlagsMutuallyExclusive("demo", "brokers")
	cmd.Flags().StringVar(&o.dataDir, "data-dir", "", "where to keep topics, connectors and offsets; empty keeps nothing")
	cmd.Flags().IntVar(&o.kafkaPort, "kafka-port", 9092, "port of the embedded Kafka")
	cmd.Flags().IntVar(&o.mqttPort, "mqtt-port", 1883, "port of the embedded MQTT broker")
	cmd.Flags().IntVar(&o.restPort, "rest-port", 8083, "port of the REST API")
	cmd.Flags().IntVar(&o.rate, "rate", 1000, "messages per second of the simulated sensors")
	cmd.Flags().StringArrayVar(&o.set, "set", nil, "key=value for the worker; may be repeated")
	lf.register(cmd, "warn")
	return cmd
}

// check refuses what no port and no rate can be.
func (o devOptions) check() error {
	for _, f := range []struct {
		name string
		port int
	}{{"--kafka-port", o.kafkaPort}, {"--mqtt-port", o.mqttPort}, {"--rest-port", o.restPort}} {
		if f.port < 1 || f.port > 65535 {
			return fmt.Errorf("%s %d: want a port from 1 to 65535", f.name, f.port)
		}
	}
	if o.rate < 1 {
		return fmt.Errorf("--rate %d: want at least 1 message per second", o.rate)
	}
	return nil
}

func (o devOptions) run(ctx context.Context, lf logFlags) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	screen := newTerminal(os.Stdout)
	b, err := o.startBrokers(ctx)
	if err != nil {
		return startupError(ctx, devError(err))
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if o.brokers {
		screen.println(fmt.Sprintf("Kafka %s   MQTT %s   (Ctrl-C ends)", b.kafka.Addr(), b.mqtt.Addr()))
		<-ctx.Done()
		return nil
	}
	properties, err := workerconfig.Load("", nil, o.set)
	if err != nil {
		return err
	}
	plugins := findPlugins(properties)
	defer plugins.close()
	config, err := workerconfig.Open(ctx, workerconfig.Distributed, o.properties(b, properties), plugins.providers())
	if err != nil {
		return err
	}
	log, err := lf.open(screen, config)
	if err != nil {
		return err
	}
	node, err := startNode(ctx, config, plugins, log)
	if err != nil {
		return startupError(ctx, devError(err))
	}
	if o.demo {
		d := &demo{node: node, brokers: b, terminal: screen, rate: o.rate}
		err = d.run(ctx)
	} else {
		screen.println(fmt.Sprintf("Kafka %s   MQTT %s   REST %s   (Ctrl-C ends)", b.kafka.Addr(), b.mqtt.Addr(), node.url))
		<-ctx.Done()
	}
	node.close(config.GracefulShutdown)
	return err
}

// properties are the worker's: what `dev` needs, and over it what was given.
func (o devOptions) properties(b *brokers, given workerconfig.Properties) workerconfig.Properties {
	p := workerconfig.Properties{
		"bootstrap.servers":                 b.kafka.Addr(),
		"group.id":                          "sluice-dev",
		"config.storage.topic":              "sluice-configs",
		"offset.storage.topic":              "sluice-offsets",
		"status.storage.topic":              "sluice-status",
		"config.storage.replication.factor": "1",
		"offset.storage.replication.factor": "1",
		"status.storage.replication.factor": "1",
		"offset.storage.partitions":         "5",
		"offset.flush.interval.ms":          "2000",
		"task.shutdown.graceful.timeout.ms": "1500",
		"key.converter":                     "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":                   "org.apache.kafka.connect.converters.ByteArrayConverter",
		"listeners":                         "http://" + loopback(o.restPort),
	}
	for key, value := range given {
		p[key] = value
	}
	return p
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// brokers are the embedded ones.
type brokers struct {
	kafka *embedded.Kafka
	mqtt  *embedded.MQTT
}

func (o devOptions) startBrokers(ctx context.Context) (*brokers, error) {
	config := embedded.KafkaConfig{Addr: loopback(o.kafkaPort), AddrHint: "--kafka-port", DirHint: "--data-dir"}
	if o.dataDir != "" {
		config.DataDir = filepath.Join(o.dataDir, "kafka")
	}
	kafka, err := embedded.StartKafka(ctx, config)
	if err != nil {
		return nil, err
	}
	mqtt, err := embedded.StartMQTT(ctx, embedded.MQTTConfig{Addr: loopback(o.mqttPort), AddrHint: "--mqtt-port"})
	if err != nil {
		return nil, errors.Join(err, kafka.Close())
	}
	return &brokers{kafka, mqtt}, nil
}

func (b *brokers) close() error { return errors.Join(b.mqtt.Close(), b.kafka.Close()) }

// devError takes the part of the error that a user needs, with the flag that helps.
func devError(err error) error {
	if busy := new(embedded.AddrInUseError); errors.As(err, &busy) {
		return busy
	}
	if held := new(embedded.DirInUseError); errors.As(err, &held) {
		return held
	}
	if busy := new(api.PortInUseError); errors.As(err, &busy) {
		return fmt.Errorf("port %s on %s is in use: choose another with --rest-port", busy.Port, busy.Host)
	}
	return err
}
