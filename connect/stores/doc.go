// Package stores keeps what a worker must not forget: the configurations of connectors and tasks ([ConfigStore]), the
// offsets of sources ([OffsetStore]) and the states shown to users ([StatusStore]).
//
// In a cluster each is a compacted topic, byte for byte as Kafka Connect writes and reads it, so that Java workers and ours can take over
// from each other. A standalone worker keeps configurations and states in memory and offsets in a file, which is Java's too.
//
// # One store, several journals
//
// A store is a view computed from a journal of records, and does not care where the journal is: a topic ([Log]), memory, or a file.
// What is written comes into the view only by being read back, so every worker of a cluster computes the same view.
package stores
