// Package kafkaclient makes Kafka clients from the configuration keys of Kafka's Java clients. [ProducerSettings], [ConsumerSettings] and
// [AdminSettings] turn keys into [Settings] for sarama; [NewProducer] makes the producer that source tasks write with.
//
// Each key of the Java clients is mapped, ignored with one [Warning], or refused with a [KeyError]: the tables are in keys.go.
package kafkaclient
