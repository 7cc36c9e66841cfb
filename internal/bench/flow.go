package main

import (
	"context"
	"strconv"
)

// flow is a way through Kafka, and the arms that go it.
type flow struct {
	name  string
	title string
	arms  []arm
	// prepare makes ready what the run needs, and load gives the running arm its records; nil where they are there already. run is the name of
	// the run and of the topic to be filled.
	prepare func(l *lab, run string) error
	load    func(l *lab, ctx context.Context, run string) error
	// watch counts what has arrived, until the function that it returns second is called; nil counts the records of the run's topic.
	watch func(l *lab, ctx context.Context, run string) (arrived func() (int64, error), end func(), err error)
}

// arm is a program that carries the records: a thin loop, or Sluice with a connector.
type arm struct {
	name string
	thin []string // arguments of a thin loop; nil for Sluice
	// connector is Sluice's connector; run names its session, topic and file.
	connector func(l *lab, run string) map[string]string
}

func flows() []flow {
	return append([]flow{
		{
			name: "file", title: "file -> Kafka",
			arms: []arm{{name: "bufio + sarama", thin: []string{"file"}}, {name: "sluice", connector: fileConnector}},
		},
		{
			name: "kafka", title: "Kafka -> Kafka",
			arms: []arm{{name: "sarama + sarama", thin: []string{"kafka"}}, {name: "sluice", connector: kafkaConnector}},
		},
		{
			name: "mqtt", title: "MQTT QoS 1 -> Kafka", prepare: session(1), load: publishing(1),
			arms: []arm{
				{name: "paho as it comes + sarama", thin: []string{"mqtt"}},
				{name: "paho over a buffered link + sarama", thin: []string{"mqtt-buffered"}},
				{name: "sluice", connector: mqttConnector(1, false)},
				{name: "sluice, with all headers", connector: mqttConnector(1, true)},
			},
		},
		{
			name: "mqtt-qos2", title: "MQTT QoS 2 -> Kafka", prepare: session(2), load: publishing(2),
			arms: []arm{
				{name: "paho over a buffered link + sarama", thin: []string{"mqtt-buffered"}},
				{name: "sluice", connector: mqttConnector(2, false)},
				{name: "sluice, with all headers", connector: mqttConnector(2, true)},
			},
		},
		{
			name: "mqtt-qos0", title: "MQTT QoS 0 -> Kafka, live", prepare: session(0), load: publishing(0),
			arms: []arm{
				{name: "paho over a buffered link + sarama", thin: []string{"mqtt-buffered"}},
				{name: "sluice", connector: mqttConnector(0, false)},
				{name: "sluice, with all headers", connector: mqttConnector(0, true)},
			},
		},
		{
			name: "mqtt-sink", title: "Kafka -> MQTT QoS 1", prepare: (*lab).fillHeaderTopic, watch: (*lab).subscribed,
			arms: []arm{
				{name: "sarama + paho over a buffered link", thin: []string{"mqtt-sink"}},
				{name: "sluice", connector: mqttSinkConnector(loadTopic)},
				{name: "sluice, with all headers", connector: mqttSinkConnector(headerTopic)},
			},
		},
	}, boundary()...)
}

func session(qos int) func(*lab, string) error {
	return func(l *lab, run string) error { return l.makeSession(run, qos) }
}

func publishing(qos int) func(*lab, context.Context, string) error {
	return func(l *lab, ctx context.Context, run string) error {
		return l.publish(ctx, run, qos, func() (int64, error) { return l.end(run) })
	}
}

func fileConnector(l *lab, run string) map[string]string {
	return map[string]string{"connector.class": "FileStreamSource", "file": l.file, "topic": run}
}

func kafkaConnector(l *lab, run string) map[string]string {
	return map[string]string{
		"connector.class": "io.sluice.connect.kafka.KafkaSourceConnector", "source.bootstrap.servers": l.kafka.Addr,
		"topics": loadTopic, "topic.format": run,
	}
}

func mqttConnector(qos int, headers bool) func(*lab, string) map[string]string {
	return func(l *lab, run string) map[string]string {
		return map[string]string{
			"connector.class": "MqttSource", "mqtt.server.uri": "tcp://" + l.mqtt, "mqtt.client.id": run, "mqtt.topics": run + "/#",
			"mqtt.qos": strconv.Itoa(qos), "kafka.topic": run, "mqtt.receive.maximum": strconv.Itoa(receiveMaximum),
			"mqtt.headers.enabled": strconv.FormatBool(headers), "mqtt.user.properties.enabled": strconv.FormatBool(headers),
		}
	}
}

func mqttSinkConnector(from string) func(*lab, string) map[string]string {
	return func(l *lab, run string) map[string]string {
		return map[string]string{
			"connector.class": "MqttSink", "mqtt.server.uri": "tcp://" + l.mqtt, "mqtt.client.id": run, "topics": from,
			"mqtt.topic": run + "/device", "mqtt.qos": "1", "mqtt.max.in.flight": strconv.Itoa(receiveMaximum),
		}
	}
}
