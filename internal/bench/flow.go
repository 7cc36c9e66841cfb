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
}

// arm is a program that carries the records: a thin loop, or Sluice with a connector.
type arm struct {
	name string
	thin []string // arguments of a thin loop; nil for Sluice
	// connector is Sluice's connector; run names its session, topic and file.
	connector func(l *lab, run string) map[string]string
}

func flows() []flow {
	return []flow{
		{
			name: "file", title: "file -> Kafka",
			arms: []arm{{name: "bufio + sarama", thin: []string{"file"}}, {name: "sluice", connector: fileConnector}},
		},
		{
			name: "kafka", title: "Kafka -> Kafka",
			arms: []arm{{name: "sarama + sarama", thin: []string{"kafka"}}, {name: "sluice", connector: kafkaConnector}},
		},
		{
			name: "mqtt", title: "MQTT QoS 1 -> Kafka", prepare: (*lab).makeSession, load: (*lab).publish,
			arms: []arm{
				{name: "paho as it comes + sarama", thin: []string{"mqtt"}},
				{name: "paho over a buffered link + sarama", thin: []string{"mqtt-buffered"}},
				{name: "sluice", connector: mqttConnector},
			},
		},
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

func mqttConnector(l *lab, run string) map[string]string {
	return map[string]string{
		"connector.class": "MqttSource", "mqtt.server.uri": "tcp://" + l.mqtt, "mqtt.client.id": run, "mqtt.topics": run + "/#",
		"mqtt.qos": "1", "kafka.topic": run, "mqtt.receive.maximum": strconv.Itoa(receiveMaximum), "mqtt.headers.enabled": "false",
	}
}
