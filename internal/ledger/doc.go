// Package ledger proves with real processes that Sluice loses nothing: the sluice program as a child that is killed, a real
// Apache Kafka that goes away, a real mosquitto in between.
//
// Devices publish numbered messages over MQTT and enter each into a [Ledger]: sent, and promised once the broker has
// acknowledged it. A [Reader] brings what Kafka has, and the ledger judges: nothing promised is missing, and per MQTT topic the
// first occurrences come in the order of publishing. Duplicates are counted.
//
// The tests of this package show that
//
//   - messages of QoS 1 and 2 survive kill -9 of a worker, twice in the middle of the stream, without a gap and in order;
//   - with exactly-once sources each of thousands of numbered lines is seen once, in order, although the worker is killed three times, and a
//     connector's own offsets topic holds its offsets;
//   - numbers pass through a plugin's source and a plugin's sink although processes of the plugin and the worker are killed in random order, and no
//     process of the plugin is ever left; a plugin that crashes, hangs or floods is told of as such, and hurts nobody else;
//   - Kafka may stop, in order or by kill -9, for twenty seconds: no gap, order kept, a worker under 100 MiB that says on its
//     task's status that it is retrying, and takes that back;
//   - sluice dev with a data directory finds its connectors, offsets and topics again after kill -9 and after Ctrl-C, which ends
//     it in under two seconds, and its demo flows within five seconds of the start;
//   - mistakes of the user end in one line that names cause and key, with the exit codes 1, 2 and 3.
//
// All of them need processes and are skipped by go test -short, except those of the ledger itself. Under make soak there are more rounds with
// random times of death; what has a length, an outage of Kafka or the demo, takes ten minutes, or as many as SLUICE_SOAK_MINUTES says.
package ledger
