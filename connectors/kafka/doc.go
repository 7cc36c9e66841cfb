// Package kafka copies topics from one Kafka cluster to another. The source reads a foreign cluster and gives its records to the runtime; the
// sink takes the runtime's records and produces them to a foreign cluster. Both leave bytes alone: keys and values, headers and timestamps
// arrive as they were when key, value and header converter are org.apache.kafka.connect.converters.ByteArrayConverter.
//
// # Order and loss
//
// The source has one source partition for each partition it reads, whose offset is that of the last record copied, as MirrorSource stores
// it. It fails, unless told otherwise, when the records behind the stored offset are gone: MirrorSource goes on silently, with a gap.
//
// The sink commits what the target's in-sync replicas have acknowledged, up to the first record of a partition that they have not. A
// record that the target refuses for what it is goes to the connector's error handling; any other failure of the target is waited out, and
// records come again from the last commit.
package kafka
