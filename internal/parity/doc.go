// Package parity holds Sluice to Java's Kafka Connect: the same manifests over the same input, each on a Kafka of its own, must leave the same records on
// all topics, byte for byte, and the same lines in files.
package parity
