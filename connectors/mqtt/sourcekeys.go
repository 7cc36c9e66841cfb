package mqtt

import "github.com/sluice-connect/sluice/connect"

// Keys of the source's session and subscriptions.
var (
	sourceClean = connect.BoolKey("mqtt.clean.session.enabled",
		"Begin with a clean session: what was published while the connector was away is then lost.").Default(false).Group("Session", -1, connect.WidthMedium, "")
	receiveMaximum = connect.IntKey("mqtt.receive.maximum",
		"Messages of QoS 1 and 2 that may be unacknowledged: the window of the source.").
		Default(1000).Must(connect.Between(1, 65535)).Group("Session", -1, connect.WidthMedium, "")
	maximumPacketSize = connect.IntKey("mqtt.maximum.packet.size",
		"Announced to the broker, which throws away larger messages without a word; 0 announces nothing.").
		Default(0).Must(zeroOr(connect.Between(1024, 268435455))).Importance(connect.Low).Group("Session", -1, connect.WidthMedium, "")
	payloadMaxBytes = connect.IntKey("mqtt.payload.max.bytes",
		"Longer payloads are not taken into Kafka: they go the way that errors.tolerance says.").
		Default(16777216).Must(connect.AtLeast(1)).Group("Session", -1, connect.WidthMedium, "")
	topicAliasMaximum = connect.IntKey("mqtt.topic.alias.maximum", "Topic aliases that the broker may use (MQTT 5).").
				Default(1024).Must(connect.Between(0, 65535)).Importance(connect.Low).Group("Session", -1, connect.WidthMedium, "")

	mqttTopics = listKey("mqtt.topics", `MQTT topic filters to subscribe to; \, is a comma within a filter.`).
			Importance(connect.High).Group("Source", -1, connect.WidthMedium, "")
	sourceQoS = connect.IntKey("mqtt.qos", "QoS to subscribe with.").Default(1).Must(connect.Between(0, 2)).Group("Source", -1, connect.WidthMedium, "")
	qosStrict = connect.BoolKey("mqtt.qos.strict", "Fail where the broker grants less than mqtt.qos, instead of a warning.").
			Default(false).Group("Source", -1, connect.WidthMedium, "")
	taskAssignment = connect.StringKey("mqtt.task.assignment",
		"partition: each filter has one task, and each MQTT topic its order. shared: all tasks share all filters ($share); there is then no order, and no retained messages.").
		Default("partition").Must(connect.OneOf("partition", "shared")).Group("Source", -1, connect.WidthMedium, "")
	sharedGroup = connect.StringKey("mqtt.shared.subscription.group", "Name of the shared subscription; the connector's name where unset.").
			Default("").Group("Source", -1, connect.WidthMedium, "")
	orphanPolicy = connect.StringKey("mqtt.orphan.session.policy",
		"What happens to sessions of tasks that are no more: drain reads them empty and ends them, end ends them at once, ignore leaves them.").
		Default("drain").Must(connect.OneOf("drain", "end", "ignore")).Group("Source", -1, connect.WidthMedium, "")
	orphanIdle = connect.LongKey("mqtt.orphan.drain.idle.ms", "A session is empty when nothing has come for so long.").
			Default(10000).Must(connect.AtLeast(1000)).Group("Source", -1, connect.WidthMedium, "")
	deletePolicy = connect.StringKey("mqtt.session.delete.policy",
		"What happens to the sessions of all tasks when the connector is deleted and not made again within ten seconds: end, with what waits in them, or keep.").
		Default("end").Must(connect.OneOf("end", "keep")).Group("Source", -1, connect.WidthMedium, "")
	dedupe = connect.BoolKey("mqtt.dedupe.enabled",
		"Do not produce again what this task has already produced but could not acknowledge before the connection broke.").
		Default(true).Group("Source", -1, connect.WidthMedium, "")
	retainHandling = connect.StringKey("mqtt.retain.handling",
		"When the broker sends retained messages: at each subscribe, at new subscriptions, never.").
		Default("if_new").Must(connect.OneOf("send", "if_new", "never")).Group("Source", -1, connect.WidthMedium, "")
	retainAsPublished = connect.BoolKey("mqtt.retain.as.published", "Keep the retain flag as it was published.").
				Default(true).Importance(connect.Low).Group("Source", -1, connect.WidthMedium, "")
	resubscribe = connect.StringKey("mqtt.resubscribe",
		"Whether to subscribe at a reconnect where the broker still has the session. auto: with MQTT 5; not with 3.1.1, which would send retained messages again.").
		Default("auto").Must(connect.OneOf("auto", "always", "never")).Importance(connect.Low).Group("Source", -1, connect.WidthMedium, "")
	ackMode = connect.StringKey("mqtt.ack.mode",
		"When the broker is told that a message has come: produced, when Kafka has it; received, at once: what is under way is lost with the worker.").
		Default("produced").Must(connect.OneOf("produced", "received")).Group("Source", -1, connect.WidthMedium, "")
)

// Keys of the way from a message to a record.
var (
	kafkaTopic = connect.StringKey("kafka.topic",
		"Kafka topic, or a template of ${topic}, ${topic[n]}, ${topic[a:b]}, ${filter}, ${user.NAME}, ${content.type}, ${json:$.path}.").
		Default("").Importance(connect.High).Group("Mapping", -1, connect.WidthMedium, "")
	topicRegexList = listKey("topic.regex.list",
		"kafkaTopic:regex entries; the first whose regex matches the whole MQTT topic wins, then kafka.topic.").
		Optional().Group("Mapping", -1, connect.WidthMedium, "")
	kafkaTopicUnmatched = connect.StringKey("kafka.topic.unmatched",
		"A message that no rule gives a Kafka topic: an error, forgotten, or a dead letter in mqtt.errors.topic.").
		Default("fail").Must(connect.OneOf("fail", "drop", "errors_topic")).Group("Mapping", -1, connect.WidthMedium, "")
	kafkaTopicReplacement = connect.StringKey("kafka.topic.replacement",
		"What replaces characters that a Kafka topic may not have.").Default("_").Group("Mapping", -1, connect.WidthMedium, "")
	kafkaKey = connect.StringKey("kafka.key", "Template of the record key; empty is null.").Default("${topic}").Group("Mapping", -1, connect.WidthMedium, "")

	payloadFormat = connect.StringKey("mqtt.payload.format",
		"The value: bytes as they are; string (UTF-8); json and cbor decoded, an empty payload being null; envelope, a struct with topic, payload and properties.").
		Default("bytes").Must(notSparkplug).Must(connect.OneOf("bytes", "string", "json", "cbor", "envelope")).Group("Mapping", -1, connect.WidthMedium, "")
	payloadCompression = connect.StringKey("mqtt.payload.compression",
		"How the devices compress; auto looks at the first bytes. No payload becomes longer than 16 times mqtt.payload.max.bytes.").
		Default("none").Must(connect.OneOf("none", "gzip", "zlib", "zstd", "snappy", "lz4", "auto")).Group("Mapping", -1, connect.WidthMedium, "")
	headersEnabled = connect.BoolKey("mqtt.headers.enabled", "Add headers with the message's MQTT properties.").
			Default(true).Group("Mapping", -1, connect.WidthMedium, "")
	headersEncoding = connect.StringKey("mqtt.headers.encoding",
		"typed: numbers and booleans as such; string: all as text, binary data as base64; bytes: the text's UTF-8, binary data as it is.").
		Default("typed").Must(connect.OneOf("typed", "string", "bytes")).Group("Mapping", -1, connect.WidthMedium, "")
	userPropertiesEnabled = connect.BoolKey("mqtt.user.properties.enabled", "Turn user properties into headers.").
				Default(true).Group("Mapping", -1, connect.WidthMedium, "")
	cloudEvents = connect.StringKey("mqtt.cloudevents",
		"binary: attributes of CloudEvents are user properties in MQTT and headers that begin with ce_ in Kafka.").
		Default("none").Must(connect.OneOf("none", "binary")).Importance(connect.Low).Group("Mapping", -1, connect.WidthMedium, "")
	timestampSource = connect.StringKey("mqtt.timestamp.source",
		"The record's time: received, user_property:NAME or json:$.path, each milliseconds since 1970 or RFC 3339; the time of arrival where it is missing or unreadable.").
		Default("received").Group("Mapping", -1, connect.WidthMedium, "")
	expiredMessages = connect.StringKey("mqtt.expired.messages", "Messages whose expiry ran out while they waited here.").
			Default("forward").Must(connect.OneOf("forward", "drop")).Group("Mapping", -1, connect.WidthMedium, "")
	loopID = connect.StringKey("mqtt.loop.id",
		"Messages with this text in their user property kafka-loop-id are acknowledged and not taken; the sink adds it to what it publishes.").
		Default("").Group("Mapping", -1, connect.WidthMedium, "")
	errorsTopic = connect.StringKey("mqtt.errors.topic",
		"Kafka topic for messages that cannot become records, with errors.tolerance=all: another name of errors.deadletterqueue.topic.name, with context headers.").
		Default("").Group("Mapping", -1, connect.WidthMedium, "")
)

// Keys of the buffer.
var (
	queueSize = connect.IntKey("records.buffer.queue.size", "Bound of the buffer in records.").
			Default(10000).Must(connect.AtLeast(1)).Group("Buffer", -1, connect.WidthMedium, "")
	bufferBytes = connect.LongKey("mqtt.buffer.max.bytes", "Bound of the buffer in bytes.").
			Default(67108864).Must(connect.AtLeast(1048576)).Group("Buffer", -1, connect.WidthMedium, "")
	batchSize = connect.IntKey("records.buffer.queue.max.batch.size", "Records of one poll.").
			Default(4096).Must(connect.AtLeast(1)).Group("Buffer", -1, connect.WidthMedium, "")
	emptyTimeout = connect.IntKey("records.buffer.queue.empty.timeout", "Accepted without effect: a poll is woken by what arrives.").
			Default(100).Must(connect.AtLeast(0)).Group("Buffer", -1, connect.WidthMedium, "")
	qos0Overflow = connect.StringKey("mqtt.qos0.overflow",
		"A full buffer: block stops reading the socket; drop_oldest and drop_newest forget messages of QoS 0.").
		Default("block").Must(connect.OneOf("block", "drop_oldest", "drop_newest")).Group("Buffer", -1, connect.WidthMedium, "")
)

// sourceKeys are the keys that only the source has, in the order in which they are shown.
var sourceKeys = []connect.Definer{
	sourceClean, receiveMaximum, maximumPacketSize, payloadMaxBytes, topicAliasMaximum,
	mqttTopics, sourceQoS, qosStrict, taskAssignment, sharedGroup, orphanPolicy, orphanIdle, deletePolicy, dedupe, retainHandling, retainAsPublished,
	resubscribe, ackMode,
	kafkaTopic, topicRegexList, kafkaTopicUnmatched, kafkaTopicReplacement, kafkaKey,
	payloadFormat, payloadCompression, headersEnabled, headersEncoding, userPropertiesEnabled, cloudEvents, timestampSource, expiredMessages,
	loopID, errorsTopic,
	queueSize, bufferBytes, batchSize, emptyTimeout, qos0Overflow,
}
