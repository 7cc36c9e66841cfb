// Package parity holds Sluice to Java's Kafka Connect: the same manifests over the same input, each on a Kafka of its own, must leave the same records on
// all topics, byte for byte, and the same lines in files; and the same requests, those of known clients and all that are odd, must be answered alike.
//
// Vectors, histories of a group and configurations that are drawn by a seed are put to both as well: testdata/*.java ask Kafka Connect's own classes.
//
// The requests are in testdata/*.http. Where an answer differs on purpose, its request names the line of README's table that says so.
package parity
