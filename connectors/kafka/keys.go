package kafka

import "github.com/sluice-connect/sluice/connect"

// assignedPartitions is the key of task configurations that holds a task's share, MirrorSource's name.
const assignedPartitions = "task.assigned.partitions"

// What offset.lost may say.
const (
	lostFails    = "fail"
	lostEarliest = "earliest"
	lostLatest   = "latest"
)

var (
	sourceServers = connect.ListKey("source.bootstrap.servers",
		"Brokers of the cluster to read, host:port separated by commas. Every other key that begins with \"source.\" goes, without that, to the consumer: source.security.protocol, source.sasl.jaas.config, source.isolation.level.").Importance(connect.High)
	topics = connect.ListKey("topics",
		"Topics to copy, separated by commas.").Default(nil).Importance(connect.High)
	topicsRegex = connect.StringKey("topics.regex",
		"Regular expression; topics whose whole name it matches are copied too, but none that begins with \"__\".").Optional().Importance(connect.High)
	clusterAlias = connect.StringKey("source.cluster.alias",
		"Name of the source cluster in stored offsets. With MirrorSource's alias its offsets are understood.").Optional()
	lostOffset = connect.StringKey("offset.lost",
		"What to do when the records behind the stored offset are gone: fail, or go on at the earliest or latest there is.").Default(lostFails).Must(connect.OneOf(lostFails, lostEarliest, lostLatest))
	refreshInterval = connect.IntKey("refresh.topics.interval.seconds",
		"How often to look for new topics and partitions.").Default(60).Must(connect.AtLeast(1)).Importance(connect.Low)

	targetServers = connect.ListKey("target.bootstrap.servers",
		"Brokers of the cluster to write to, host:port separated by commas. Every other key that begins with \"target.\" goes, without that, to the producer: target.security.protocol, target.sasl.jaas.config, target.compression.type.").Importance(connect.High)

	topicFormat = connect.StringKey("topic.format",
		"Name of the topic to write to; "+topicVariable+" stands for the original name.").Default(topicVariable).Must(checkFormat)
	keepPartition = connect.BoolKey("partitions.preserve",
		"Whether a record goes to the partition of the same number, which must exist. Otherwise its key decides, as in any producer.").Default(false)
)
